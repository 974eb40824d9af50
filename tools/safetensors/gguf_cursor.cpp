#include "safetensors/gguf_cursor.hpp"

#include "console/problem.hpp"

namespace revlora::tool {

namespace {

constexpr std::uint64_t longest_header = 100'000'000;  // as of safetensors; vocabularies take 20 MB
constexpr std::uint64_t window_bytes = 1 << 18;

}  // namespace

void gguf_cursor::check(std::uint64_t count) const {
  if (count > file_bytes_ - position_) throw problem(source_ + ": truncated inside the header");
  if (count > longest_header - std::min(longest_header, position_)) {
    throw problem(source_ + ": a header of more than 100 MB: not a GGUF file of a model");
  }
}

void gguf_cursor::skip(std::uint64_t count) {
  check(count);
  position_ += count;
}

void gguf_cursor::take(std::span<std::byte> to) {
  check(to.size());
  if (position_ < window_begin_ || position_ + to.size() > window_begin_ + window_.size()) {
    const std::uint64_t wanted = std::max<std::uint64_t>(to.size(), window_bytes);
    window_.resize(std::min(wanted, file_bytes_ - position_));
    window_begin_ = position_;
    read_(window_, position_);
  }
  std::memcpy(to.data(), window_.data() + (position_ - window_begin_), to.size());
  position_ += to.size();
}

std::string gguf_cursor::text() {
  const auto length = number<std::uint64_t>();
  check(length);
  std::string characters(length, '\0');
  take(std::as_writable_bytes(std::span(characters)));
  return characters;
}

}  // namespace revlora::tool
