// Reads the little-endian values of a header one behind the other, without knowing where it ends.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace revlora::tool {

class gguf_cursor {
 public:
  /// Puts bytes of the file, from an offset on, into a span.
  using reader = std::function<void(std::span<std::byte>, std::uint64_t)>;

  /// Problems begin with `source`, which has to outlive the cursor, as has `read`.
  gguf_cursor(const reader& read, std::uint64_t file_bytes, const std::string& source)
      : read_(read), file_bytes_(file_bytes), source_(source) {}

  std::uint64_t position() const { return position_; }
  void skip(std::uint64_t count);

  template <class Number>
  Number number() {
    Number value;
    take(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  /// A length of eight bytes, and as many characters.
  std::string text();
  void skip_text() { skip(number<std::uint64_t>()); }

 private:
  void take(std::span<std::byte> to);
  /// Throws a problem if the file, or what a header may have, ends before `count` bytes more.
  void check(std::uint64_t count) const;

  const reader& read_;
  std::uint64_t file_bytes_;
  const std::string& source_;
  std::uint64_t position_ = 0;
  std::vector<std::byte> window_;  ///< some bytes of the file, from window_begin_ on
  std::uint64_t window_begin_ = 0;
};

}  // namespace revlora::tool
