#include "console/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "console/interruption.hpp"
#include "console/progress.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

bool is_silent = false;

/// A line that is longer than the terminal is wide would stay when the next one is drawn.
std::size_t terminal_columns() {
  struct winsize size = {};
  const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

double part_of(const progress& work) {
  if (work.total() == 0) return 1;
  return std::min(1.0, static_cast<double>(work.done()) / static_cast<double>(work.total()));
}

std::string bar_of(double part, std::size_t width) {
  std::string bar(static_cast<std::size_t>(part * static_cast<double>(width)), '#');
  bar.resize(width, '.');
  return bar;
}

/// "45 %  1.2 GB of 3.0 GB  450 MB/s  4 s left", with two spaces or something else in between.
std::string describe(const progress& work, double seconds, const char* between) {
  const std::uint64_t done = work.done(), total = work.total();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string said = describe_number(100 * part_of(work), 0) + " %" + between +
                     describe_bytes(done) + " of " + describe_bytes(std::max(done, total)) +
                     between + describe_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  if (rate > 0 && total > done) {
    said += between + describe_duration(static_cast<double>(total - done) / rate) + " left";
  }
  return said;
}

}  // namespace

void terminal::hear(const progress& work) {
  using namespace std::chrono_literals;
  if (is_silent) return;
  const auto now = clock::now();
  const auto since = now - std::max(drawn_, work.start());
  if (since < 50ms) return;
  const bool is_on_terminal = ::isatty(STDERR_FILENO) == 1;
  if (!is_on_terminal && since < 5s) return;
  drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - work.start()).count();
  if (!is_on_terminal) {
    std::fprintf(stderr, "revlora: %s: %s\n", work.doing().c_str(),
                 describe(work, seconds, ", ").c_str());
    return;
  }
  constexpr std::size_t widest_bar = 30;
  const std::string said = describe(work, seconds, "  ");
  const std::size_t taken =
      work.doing().size() + said.size() + 5;  // blanks, brackets, the last column
  const std::size_t columns = terminal_columns();
  const std::size_t width = columns > taken ? std::min(widest_bar, columns - taken) : 0;
  const std::string line = work.doing() + " [" + bar_of(part_of(work), width) + "] " + said;
  std::fprintf(stderr, "\r\033[K%s", line.substr(0, columns - 1).c_str());
  is_shown_ = true;
}

void terminal::hear_end() {
  make_way();
}

void terminal::make_way() {
  if (is_shown_) std::fputs("\r\033[K", stderr);
  is_shown_ = false;
}

void terminal::say(const char* kind, const std::string& text) {
  make_way();
  std::cerr << "revlora: " << kind << ": " << text << '\n';
}

void terminal::stop_if_asked() {
  if (const int signal = signal_that_came()) throw interrupted_by_signal(signal);
}

void silence_progress() {
  is_silent = true;
}

}  // namespace revlora::tool
