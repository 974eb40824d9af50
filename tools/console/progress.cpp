#include "console/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "console/text.hpp"

namespace revlora::tool {

namespace {

/// What is shown now.
progress* shown = nullptr;
bool is_silent = false;

/// A line that is longer than the terminal is wide would stay when the next one is drawn.
std::size_t terminal_columns() {
  struct winsize size = {};
  const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

std::string bar_of(double part, std::size_t width) {
  std::string bar(static_cast<std::size_t>(part * static_cast<double>(width)), '#');
  bar.resize(width, '.');
  return bar;
}

}  // namespace

progress::progress(std::string doing, std::uint64_t total_bytes)
    : doing_(std::move(doing)),
      total_(total_bytes),
      is_on_terminal_(::isatty(STDERR_FILENO) == 1),
      start_(clock::now()),
      shown_(start_) {
  if (shown == nullptr && !is_silent) shown = this;
}

progress::~progress() {
  if (shown != this) return;
  make_way_for_a_line();
  shown = nullptr;
}

void progress::advance(std::uint64_t bytes) {
  done_ += bytes;
  if (shown != nullptr) shown->show_if_due();
}

void progress::show_if_due() {
  using namespace std::chrono_literals;
  const auto now = clock::now();
  if (now - shown_ < (is_on_terminal_ ? clock::duration(50ms) : clock::duration(5s))) return;
  shown_ = now;
  if (!is_on_terminal_) {
    std::fprintf(stderr, "revlora: %s: %s\n", doing_.c_str(), describe(", ").c_str());
    return;
  }
  constexpr std::size_t widest_bar = 30;
  const std::string said = describe("  ");
  const std::size_t taken = doing_.size() + said.size() + 5;  // blanks, brackets, the last column
  const std::size_t columns = terminal_columns();
  const std::size_t width = columns > taken ? std::min(widest_bar, columns - taken) : 0;
  const std::string line = doing_ + " [" + bar_of(part(), width) + "] " + said;
  std::fprintf(stderr, "\r\033[K%s", line.substr(0, columns - 1).c_str());
}

double progress::part() const {
  if (total_ == 0) return 1;
  return std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
}

std::string progress::describe(const char* between) const {
  const double seconds = std::chrono::duration<double>(clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string said = describe_number(100 * part(), 0) + " %" + between + describe_bytes(done_) +
                     " of " + describe_bytes(std::max(done_, total_)) + between +
                     describe_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  if (rate > 0 && total_ > done_) {
    said += between + describe_duration(static_cast<double>(total_ - done_) / rate) + " left";
  }
  return said;
}

void silence_progress() {
  is_silent = true;
}

void make_way_for_a_line() {
  if (shown != nullptr && shown->is_on_terminal_) std::fputs("\r\033[K", stderr);
}

}  // namespace revlora::tool
