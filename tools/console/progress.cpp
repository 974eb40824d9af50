#include "console/progress.hpp"

namespace revlora::tool {

progress::progress(std::string doing, std::uint64_t total_bytes)
    : audience_(present_audience()),
      doing_(std::move(doing)),
      total_(total_bytes),
      start_(clock::now()) {
  if (audience_.shown_ == nullptr) audience_.shown_ = this;
}

progress::~progress() {
  if (audience_.shown_ != this) return;
  audience_.shown_ = nullptr;
  audience_.hear_end();
}

void progress::advance(std::uint64_t bytes) {
  done_ += bytes;
  tell();
}

void progress::finish() {
  done_ = total_;
  tell();
}

void progress::tell() {
  audience& now = present_audience();
  if (now.shown_ != nullptr) now.hear(*now.shown_);
}

}  // namespace revlora::tool
