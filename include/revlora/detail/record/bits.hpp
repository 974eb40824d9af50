// Streams of bits, least significant first, and integers of variable length.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "../namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

// By the compiler's names for the instructions, which need no header.

/// The low bits of four 16-bit fields, side by side: as many of each as its mask has ones, which
/// are its lowest.
inline std::uint64_t join_fields(std::uint64_t fields, std::uint64_t masks) {
#if defined(__BMI2__)
  return __builtin_ia32_pext_di(fields, masks);
#else
  std::uint64_t joined = 0;
  for (int field = 0, at = 0; field < 4; ++field) {
    const std::uint64_t mask = masks >> (16 * field) & 0xffff;
    joined |= (fields >> (16 * field) & mask) << at;
    at += std::popcount(mask);
  }
  return joined;
#endif
}
/// The inverse.
inline std::uint64_t split_fields(std::uint64_t joined, std::uint64_t masks) {
#if defined(__BMI2__)
  return __builtin_ia32_pdep_di(joined, masks);
#else
  std::uint64_t fields = 0;
  for (int field = 0; field < 4; ++field) {
    const std::uint64_t mask = masks >> (16 * field) & 0xffff;
    fields |= (joined & mask) << (16 * field);
    joined >>= std::popcount(mask);
  }
  return fields;
#endif
}

/// Of 16 bits those that a mask has, side by side.
inline std::uint32_t join_bits(std::uint32_t bits, std::uint32_t mask) {
#if defined(__BMI2__)
  return __builtin_ia32_pext_si(bits, mask);
#else
  std::uint32_t joined = 0;
  for (int at = 0; mask != 0; mask &= mask - 1, ++at)
    joined |= (bits >> std::countr_zero(mask) & 1) << at;
  return joined;
#endif
}
/// The inverse.
inline std::uint32_t split_bits(std::uint32_t joined, std::uint32_t mask) {
#if defined(__BMI2__)
  return __builtin_ia32_pdep_si(joined, mask);
#else
  std::uint32_t bits = 0;
  for (; mask != 0; mask &= mask - 1, joined >>= 1) bits |= (joined & 1) << std::countr_zero(mask);
  return bits;
#endif
}

inline std::uint64_t four_fields(const std::uint16_t* fields) {
  std::uint64_t together;
  std::memcpy(&together, fields, sizeof together);
  return together;
}

/// Of four 16-bit fields below 2¹⁵, a bit for each that reaches its limit, which is at most 2¹⁵.
inline std::uint32_t fields_from(std::uint64_t fields, std::uint64_t limits) {
  constexpr std::uint64_t top = 0x8000800080008000u;
  const std::uint64_t reached = ((fields | top) - limits) & top;
  return static_cast<std::uint32_t>((reached >> 15) * 0x1000200040008u >> 48) & 15;
}

/// Bits appended to memory that the caller has made large enough, eight bytes of slack included.
class bit_writer {
 public:
  explicit bit_writer(std::byte* to) : start_(to), at_(to) {}

  /// The low `count` ≤ 56 bits of `value`; the bits above them must be zero.
  void put(std::uint64_t value, int count) {
    pending_ |= value << pending_count_;
    pending_count_ += static_cast<unsigned>(count);
    std::memcpy(at_, &pending_, sizeof pending_);
    at_ += pending_count_ / 8;
    pending_ >>= pending_count_ & ~7u;
    pending_count_ &= 7;
  }
  /// Sixteen numbers, of as many bits as their masks have ones.
  void put_group(const std::uint16_t* fields, const std::uint16_t* masks) {
    std::uint64_t joined[4];
    int count[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t of_four = four_fields(masks + 4 * i);
      joined[i] = join_fields(four_fields(fields + 4 * i), of_four);
      count[i] = std::popcount(of_four);
    }
    const int of_two = count[0] + count[1], of_all = of_two + count[2] + count[3];
    if (of_all <= 56) [[likely]] {
      put((joined[0] | joined[1] << count[0]) | (joined[2] | joined[3] << count[2]) << of_two,
          of_all);
    } else {
      for (int i = 0; i < 4; ++i) {
        put(joined[i] & 0xffffffff, std::min(count[i], 32));
        if (count[i] > 32) put(joined[i] >> 32, count[i] - 32);
      }
    }
  }
  const std::byte* start() const {
    return start_;
  }
  /// Bytes begun so far; the last one is filled up with zeros.
  std::size_t size() const {
    return static_cast<std::size_t>(at_ - start_) + (pending_count_ > 0 ? 1 : 0);
  }

 private:
  std::byte* start_;
  std::byte* at_;
  std::uint64_t pending_ = 0;
  unsigned pending_count_ = 0;
};

/// Reads what a bit_writer wrote; behind the end there are zeros.
class bit_reader {
 public:
  explicit bit_reader(std::span<const std::byte> from) : from_(from) {}

  /// The next `count` ≤ 56 bits.
  std::uint64_t get(int count) {
    const std::size_t byte = position_ / 8;
    std::uint64_t window = 0;
    if (byte + sizeof window <= from_.size())
      std::memcpy(&window, from_.data() + byte, sizeof window);
    else if (byte < from_.size())
      std::memcpy(&window, from_.data() + byte, from_.size() - byte);
    const std::uint64_t value = (window >> (position_ % 8)) & ((std::uint64_t{1} << count) - 1);
    position_ += static_cast<std::size_t>(count);
    return value;
  }
  /// Sixteen numbers, of as many bits as their masks have ones.
  void get_group(const std::uint16_t* masks, std::uint64_t (&fields)[4]) {
    std::uint64_t of_four[4];
    int count[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      of_four[i] = four_fields(masks + 4 * i);
      count[i] = std::popcount(of_four[i]);
    }
    const int of_two = count[0] + count[1], of_all = of_two + count[2] + count[3];
    if (of_all <= 56) [[likely]] {
      const std::uint64_t joined = get(of_all);
      fields[0] = split_fields(joined, of_four[0]);
      fields[1] = split_fields(joined >> count[0], of_four[1]);
      fields[2] = split_fields(joined >> of_two, of_four[2]);
      fields[3] = split_fields(joined >> (of_two + count[2]), of_four[3]);
    } else {
      for (int i = 0; i < 4; ++i) {
        std::uint64_t joined = get(std::min(count[i], 32));
        if (count[i] > 32) joined |= get(count[i] - 32) << 32;
        fields[i] = split_fields(joined, of_four[i]);
      }
    }
  }

 private:
  std::span<const std::byte> from_;
  std::size_t position_ = 0;
};

/// Seven bits a byte, least significant first; the top bit says that more follow (LEB128).
inline std::byte* put_varint(std::byte* to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<std::byte>(value | 0x80);
  *to++ = static_cast<std::byte>(value);
  return to;
}

/// How many bytes that takes.
constexpr std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

/// Reads from the front of some bytes; what does not fit is remembered instead of read.
class byte_reader {
 public:
  explicit byte_reader(std::span<const std::byte> from) : from_(from) {}

  bool failed() const { return failed_; }
  std::span<const std::byte> rest() const { return from_; }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > from_.size()) failed_ = true;
    if (failed_) return {};
    const auto taken = from_.first(count);
    from_ = from_.subspan(count);
    return taken;
  }
  template <class Integer>
  Integer get() {
    Integer value{};
    const auto bytes = take(sizeof value);
    if (!failed_) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::uint64_t get_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      const auto byte = static_cast<std::uint64_t>(get<std::uint8_t>());
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }

 private:
  std::span<const std::byte> from_;
  bool failed_ = false;
};

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
