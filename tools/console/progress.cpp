#include "console/progress.hpp"

#include <unistd.h>

#include <cstdio>

#include "console/text.hpp"

namespace revlora::tool {

progress::progress(std::string doing, std::uint64_t total_bytes)
    : doing_(std::move(doing)),
      total_(total_bytes),
      visible_(::isatty(STDERR_FILENO) == 1),
      start_(clock::now()),
      drawn_(start_) {
  if (visible_) draw();
}

progress::~progress() {
  if (visible_) std::fputs("\r\033[K", stderr);
}

void progress::advance(std::uint64_t bytes) {
  using namespace std::chrono_literals;
  done_ += bytes;
  const auto now = clock::now();
  if (!visible_ || now - drawn_ < 50ms) return;
  drawn_ = now;
  draw();
}

void progress::draw() const {
  constexpr int width = 30;
  const double part = total_ == 0 ? 1 : static_cast<double>(done_) / static_cast<double>(total_);
  const double seconds = std::chrono::duration<double>(clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string bar(static_cast<std::size_t>(part * width), '#');
  bar.resize(width, '.');
  std::fprintf(stderr, "\r\033[K%s [%s] %3.0f %%  %s of %s  %s/s", doing_.c_str(), bar.c_str(),
               100 * part, describe_bytes(done_).c_str(), describe_bytes(total_).c_str(),
               describe_bytes(static_cast<std::uint64_t>(rate)).c_str());
}

}  // namespace revlora::tool
