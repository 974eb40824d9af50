// The reference decoder: undoes a merge from its record, knowing docs/undo-record.md alone.
//
// Nothing here is shared with the library. Each part is one section of that page, in the page's
// words and as slow as it likes: candidates are looked for, not computed, and a panel's checksum is
// that of a copy of its bytes. Weights are whole matrices in row-major order, without strides.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "information_bound.hpp"
#include "oracle.hpp"
#include "revlora/element.hpp"
#include "revlora/low_rank.hpp"

namespace reference {

using revlora::element_type;
using revlora::recipe;
using byte_view = std::span<const std::byte>;

[[noreturn]] inline void refuse(const std::string& why) {
  throw std::runtime_error("undo record refused: " + why);
}

// ---- 2. Notation: panels and blocks ------------------------------------------------------------

inline constexpr std::uint64_t panel_rows = 16, block_cols = 64;
inline constexpr std::uint64_t block_places = panel_rows * block_cols;

struct shape {
  std::uint64_t rows, cols;

  std::uint64_t panels() const { return cols == 0 ? 0 : rounded_up(rows, panel_rows); }
  std::uint64_t blocks() const { return rounded_up(cols, block_cols); }
  bool has(std::uint64_t row, std::uint64_t col) const { return row < rows && col < cols; }

  static std::uint64_t rounded_up(std::uint64_t dividend, std::uint64_t divisor) {
    return dividend / divisor + (dividend % divisor != 0 ? 1 : 0);
  }
};

/// place(row, column) for all 16 × 64 of a block, whether the matrix has them or not.
template <class Place>
void for_each_place(std::uint64_t panel, std::uint64_t block, Place place) {
  for (std::uint64_t i = 0; i < panel_rows; ++i) {
    for (std::uint64_t j = 0; j < block_cols; ++j) {
      place(panel * panel_rows + i, block * block_cols + j);
    }
  }
}

// ---- 2. Notation: integers ---------------------------------------------------------------------

/// Takes little-endian integers and varints off the front of bytes.
class byte_reader {
 public:
  explicit byte_reader(byte_view bytes) : rest_(bytes) {}

  byte_view rest() const { return rest_; }

  byte_view take(std::uint64_t count) {
    if (count > rest_.size()) refuse("bytes are missing");
    const byte_view taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  std::uint64_t integer(std::uint64_t bytes) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const std::byte next : take(bytes)) {
      value |= std::to_integer<std::uint64_t>(next) << shift;
      shift += 8;
    }
    return value;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      const std::uint64_t next = integer(1);
      value |= (next & 0x7f) << shift;
      if ((next & 0x80) == 0) return value;
    }
    refuse("a varint of 2^63 or more");
  }

 private:
  byte_view rest_;
};

// ---- 7. Checksums ------------------------------------------------------------------------------

inline std::uint64_t scramble(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class checksum_lanes {
 public:
  checksum_lanes() {
    for (std::uint32_t i = 0; i < 32; ++i) lanes_[i] = (i + 1) * 0x9e3779b9u;
  }

  void add_chunk(byte_view chunk) {
    byte_reader halves(chunk);
    for (std::uint32_t& lane : lanes_) {
      for (int half = 0; half < 2; ++half) {
        power_ = power_ * 5 % 65536;
        const auto number = static_cast<std::int16_t>(halves.integer(2));
        lane += static_cast<std::uint32_t>(number * static_cast<std::int16_t>(power_));
      }
    }
    if (++chunks_ % 16 != 0) return;
    for (std::uint32_t& lane : lanes_) lane = std::rotl(lane * 0x85ebca6bu, 15);
    power_ = 1;
  }

  std::uint32_t result32() const {
    std::uint32_t f = 0;
    for (const std::uint32_t lane : lanes_) f = std::rotl((f ^ lane) * 0xc2b2ae35u, 13);
    return f ^ (f >> 16);
  }

  std::uint64_t result64() const {
    std::uint64_t f = 0;
    for (const std::uint32_t lane : lanes_) f = scramble(f ^ lane);
    return f;
  }

 private:
  std::uint32_t lanes_[32];
  std::uint32_t power_ = 1;
  int chunks_ = 0;
};

/// Of bytes in chunks of 128, the last one filled up with zeros.
inline checksum_lanes lanes_of(std::vector<std::byte> bytes) {
  while (bytes.size() % 128 != 0) bytes.push_back(std::byte{0});
  checksum_lanes lanes;
  for (std::size_t at = 0; at < bytes.size(); at += 128) {
    lanes.add_chunk(byte_view(bytes).subspan(at, 128));
  }
  return lanes;
}

inline std::uint64_t stream_checksum(byte_view bytes) {
  return scramble(lanes_of({bytes.begin(), bytes.end()}).result64() ^ bytes.size());
}

inline void append_integer(std::vector<std::byte>& bytes, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
}

template <class T>
checksum_lanes lanes_of_panel(const std::vector<T>& weights, shape of, std::uint64_t panel) {
  std::vector<std::byte> bytes;
  for (std::uint64_t block = 0; block < of.blocks(); ++block) {
    for_each_place(panel, block, [&](std::uint64_t row, std::uint64_t col) {
      const bool inside = of.has(row, col);
      append_integer(bytes, inside ? oracle::bits_of(weights[row * of.cols + col]) : 0,
                     sizeof(T) == 1 ? 2 : sizeof(T));
    });
  }
  return lanes_of(std::move(bytes));
}

template <class T>
std::uint64_t checksum_of_base(const std::vector<T>& base, shape of) {
  std::uint64_t sum = 0;
  for (std::uint64_t panel = 0; panel < of.panels(); ++panel) {
    sum += scramble(lanes_of_panel(base, of, panel).result64() + panel * 0x9e3779b97f4a7c15u);
  }
  return sum;
}

// ---- 8. Fingerprints ---------------------------------------------------------------------------

inline void append_elements(std::vector<std::byte>& bytes,
                            const revlora::any_const_matrix& factor) {
  const auto size = static_cast<std::ptrdiff_t>(revlora::size_of(factor.type()));
  const auto* data = static_cast<const std::byte*>(factor.data());
  for (std::ptrdiff_t i = 0; i < factor.rows(); ++i) {
    const std::byte* row = data + i * factor.row_stride() * size;
    bytes.insert(bytes.end(), row, row + factor.cols() * size);
  }
}

inline std::uint64_t fingerprint(const revlora::adapter& adapter) {
  std::vector<std::byte> bytes;
  if (adapter.family() == revlora::family::hadamard) append_integer(bytes, 0x101, 4);
  append_integer(bytes, static_cast<std::uint64_t>(adapter.type()), 4);
  for (std::size_t pair = 0; pair < adapter.factor_count(); pair += 2) {
    const auto b = adapter.factor(pair), a = adapter.factor(pair + 1);
    append_integer(bytes, static_cast<std::uint64_t>(b.rows()), 8);
    append_integer(bytes, static_cast<std::uint64_t>(a.rows()), 8);
    append_integer(bytes, static_cast<std::uint64_t>(a.cols()), 8);
    append_elements(bytes, b);
    append_elements(bytes, a);
  }
  return stream_checksum(bytes) ^ oracle::bits_of(adapter.strength());
}

/// Of scales, each shared by so many rows and columns of the weights.
inline std::uint64_t fingerprint_of_scales(const revlora::any_const_matrix& scales,
                                           std::uint64_t rows, std::uint64_t cols) {
  std::vector<std::byte> bytes;
  append_integer(bytes, static_cast<std::uint64_t>(scales.type()), 4);
  append_integer(bytes, rows, 8);
  append_integer(bytes, cols, 8);
  append_elements(bytes, scales);
  return std::max<std::uint64_t>(stream_checksum(bytes), 1);
}

// ---- 3. The bytes ------------------------------------------------------------------------------

struct header {
  element_type type;
  recipe how;
  std::uint64_t rows, cols;
  std::vector<std::uint64_t> fingerprints;
  std::uint64_t scales_fingerprint = 0;
  std::uint64_t base_checksum;
};

struct panel_record {
  std::uint32_t merged_checksum;
  std::uint64_t code_size;
  bool has_exceptions;
  byte_view code;
};

struct record_contents {
  header head;
  std::vector<panel_record> panels;
};

inline header read_header(byte_reader& bytes) {
  if (bytes.integer(3) != 0x555652) refuse("it does not begin with RVU");
  if (bytes.integer(1) != 3) refuse("a format version other than 3");
  header head;
  const std::uint64_t type = bytes.integer(1), how = bytes.integer(1);
  if (type > 4) refuse("an unknown type of weights");
  if (how > 2) refuse("an unknown recipe");
  if (bytes.integer(1) != 1) refuse("an unknown accumulation rule");
  head.type = static_cast<element_type>(type);
  head.how = static_cast<recipe>(how);
  head.rows = bytes.varint();
  head.cols = bytes.varint();
  const std::uint64_t adapters = bytes.varint();
  for (std::uint64_t i = 0; i < adapters; ++i) head.fingerprints.push_back(bytes.integer(8));
  if (head.type >= element_type::e4m3) head.scales_fingerprint = bytes.integer(8);
  head.base_checksum = bytes.integer(8);
  return head;
}

inline panel_record read_panel_entry(byte_reader& bytes) {
  panel_record panel;
  panel.merged_checksum = static_cast<std::uint32_t>(bytes.integer(4));
  const std::uint64_t size_and_flag = bytes.varint();
  panel.code_size = size_and_flag / 2;
  panel.has_exceptions = size_and_flag % 2 != 0;
  return panel;
}

inline record_contents read_record(byte_view record) {
  byte_reader bytes(record);
  record_contents contents{read_header(bytes), {}};
  const shape of{contents.head.rows, contents.head.cols};
  for (std::uint64_t i = 0; i < of.panels(); ++i) {
    contents.panels.push_back(read_panel_entry(bytes));
  }
  for (panel_record& panel : contents.panels) panel.code = bytes.take(panel.code_size);
  const byte_view before_the_digest = record.first(record.size() - bytes.rest().size());
  if (bytes.integer(8) != stream_checksum(before_the_digest)) refuse("its digest does not fit");
  if (!bytes.rest().empty()) refuse("bytes follow the digest");
  return contents;
}

// ---- 4. Which weights carry bits ---------------------------------------------------------------

/// The bits of a binary32 mantissa that T does not have.
template <class T>
inline constexpr std::uint32_t drop = (1u << (23 - oracle::format<T>::fraction_width)) - 1;

template <class T>
float limit_of(T y) {
  std::uint32_t power = oracle::bits_of(oracle::widen(y)) & 0x7f800000u;
  if constexpr (oracle::format<T>::exponent_width < 8) {
    const T smallest_normal = oracle::from_bits<T>(1u << oracle::format<T>::fraction_width);
    power = std::max(power, oracle::bits_of(oracle::widen(smallest_normal)));
  }
  return oracle::from_bits<float>(power + (drop<T> + 1) / 2);
}

/// What all types but fp32 have in doubt.
template <class T>
bool is_in_doubt(float d) {
  return ((oracle::bits_of(d) - drop<T> / 2) & drop<T>) <= 2;
}

/// What fp32 has in doubt. Every line rounds, so none may be contracted with another.
inline bool is_in_doubt(float y, float delta, float d) {
  if (std::isinf(d)) return true;
  const float b = d - y;
  const float d_less_b = d - b;
  const float error_of_y = y - d_less_b;
  const float error_of_delta = delta + b;
  const float e = error_of_y - error_of_delta;
  const float t = e + e;
  const float further = d + t;
  const float step = further - d;
  return e != 0 && step == t;
}

/// Whether sums as large as one likes lead to a y with these bits, but for the sign.
template <class T>
bool is_unbounded(std::uint32_t m, recipe how) {
  if (!oracle::has_infinity<T>) return m == oracle::format<T>::largest && how != recipe::nan;
  return m == oracle::infinity_bits<T>;
}

template <class T>
std::uint32_t without_sign(T y) {
  return oracle::bits_of(y) & (oracle::sign_bit<T> - 1);
}

template <class T>
bool carries_bits(T y, float delta, recipe how) {
  if (is_unbounded<T>(without_sign(y), how)) return true;
  const float d = oracle::widen(y) - delta;
  if (!(std::fabs(d) > limit_of(y))) return true;
  if constexpr (sizeof(T) == 4) {
    return is_in_doubt(y, delta, d);
  } else {
    return is_in_doubt<T>(d);
  }
}

// ---- 6. The candidates -------------------------------------------------------------------------

/// `count` weights in a row, from the one with the order `lowest`.
struct candidates {
  std::int64_t lowest;
  std::uint64_t count;

  bool have(std::int64_t order) const {
    return order >= lowest && order < lowest + static_cast<std::int64_t>(count);
  }
  bool have_both_zeros() const { return have(-1) && have(0); }
};

/// The value of a bit pattern without sign, where the one behind the largest number counts as the
/// number that would follow.
template <class T>
double value(std::uint32_t bits) {
  if (bits == oracle::infinity_bits<T>) {
    const double largest = value<T>(bits - 1);
    return largest + (largest - value<T>(bits - 2));
  }
  return oracle::value_of(oracle::from_bits<T>(bits));
}

/// Half-way from a number of fp32 to its neighbour in fp32.
inline double half_way(double number, float direction) {
  const float neighbour = std::nextafter(static_cast<float>(number), direction);
  return (number + static_cast<double>(neighbour)) / 2;
}

/// Where rounding turns from the value before y to y, and from y to the value after it.
struct turning_points {
  double inner, outer;
};

template <class T>
turning_points turning_points_of(std::uint32_t m, recipe how) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const bool is_zero = m == 0, is_endless = is_unbounded<T>(m, how);
  turning_points at{is_zero ? 0 : (value<T>(m - 1) + value<T>(m)) / 2,
                    is_endless ? infinity : (value<T>(m) + value<T>(m + 1)) / 2};
  if constexpr (sizeof(T) < 4) {
    constexpr float down = -std::numeric_limits<float>::infinity(), up = -down;
    const bool is_even = m % 2 == 0;
    if (!is_zero) at.inner = half_way(at.inner, is_even ? down : up);
    if (!is_endless) at.outer = half_way(at.outer, is_even ? up : down);
  }
  return at;
}

/// The first order of all for which `holds`, which then holds for all after it;
/// one past the last if there is none.
template <class T, class Holds>
std::int64_t first_order(Holds holds) {
  std::int64_t begin = -1 - std::int64_t{oracle::last_bits<T>};
  std::int64_t end = std::int64_t{oracle::last_bits<T>} + 1;
  while (begin < end) {
    const std::int64_t middle = std::midpoint(begin, end);
    if (holds(oracle::value_of(oracle::from_order<T>(middle)))) {
      end = middle;
    } else {
      begin = middle + 1;
    }
  }
  return begin;
}

/// The orders of the lowest and the highest candidate; one and the same if there is none.
struct ends {
  std::int64_t lowest, highest;
};

template <class T>
ends candidates_without_sign(std::uint32_t m, float delta, recipe how) {
  const turning_points at = turning_points_of<T>(m, how);
  const double low = at.inner - static_cast<double>(delta);
  const double high = at.outer - static_cast<double>(delta);
  const bool is_even = m % 2 == 0;
  const auto reaches_low = [=](double x) { return is_even ? low <= x : low < x; };
  const auto exceeds_high = [=](double x) { return is_even ? x > high : x >= high; };
  const std::int64_t lowest = first_order<T>(reaches_low);
  return {lowest, std::max(lowest, first_order<T>(exceeds_high) - 1)};
}

/// Of −x, for that of x.
inline std::int64_t mirrored(std::int64_t order) {
  return -1 - order;
}

template <class T>
candidates candidates_of(T y, float delta, recipe how) {
  const std::uint32_t magnitude = without_sign(y);
  const bool has_sign = oracle::bits_of(y) != magnitude;
  ends at = candidates_without_sign<T>(magnitude, has_sign ? -delta : delta, how);
  if (has_sign) at = {mirrored(at.highest), mirrored(at.lowest)};
  return {at.lowest, static_cast<std::uint64_t>(at.highest - at.lowest) + 1};
}

// ---- 5. The code of one weight -----------------------------------------------------------------

/// Takes numbers off a bit stream, least significant bit first.
class bit_reader {
 public:
  explicit bit_reader(byte_view bytes) : bytes_(bytes) {}

  std::uint64_t number(int width) {
    std::uint64_t value = 0;
    for (int i = 0; i < width; ++i) value |= bit() << i;
    return value;
  }

  std::uint64_t bit() {
    if (at_ / 8 == bytes_.size()) refuse("a panel's code is too short");
    const auto byte = std::to_integer<std::uint64_t>(bytes_[at_ / 8]);
    return (byte >> (at_++ % 8)) & 1;
  }

  void require_end() {
    if (bytes_.size() - at_ / 8 > (at_ % 8 == 0 ? 0 : 1)) refuse("a panel's code is too long");
    while (at_ % 8 != 0) {
      if (bit() != 0) refuse("unused bits of a panel's code are not zero");
    }
  }

 private:
  byte_view bytes_;
  std::size_t at_ = 0;
};

/// Of the phase-in code: k = ⌊log2 n⌋.
inline int shorter_width(std::uint64_t n) {
  return static_cast<int>(std::bit_width(n)) - 1;
}

/// The place below n whose first k bits are `value`.
inline std::uint64_t finish_phase_in(std::uint64_t n, std::uint64_t value, bit_reader& bits) {
  const std::uint64_t u = (std::uint64_t{2} << shorter_width(n)) - n;
  if (value < u) return value;
  const std::uint64_t last = bits.bit();
  return 2 * value + last - u;
}

/// The code of one weight that carries bits: first its head is read, later its tail.
template <class T>
class weight_code {
 public:
  weight_code(T y, float delta, recipe how)
      : is_raw_(std::isnan(oracle::widen(y)) || !std::isfinite(delta)),
        candidates_(is_raw_ ? candidates{} : candidates_of(y, delta, how)),
        has_zero_codes_(sizeof(T) > 1 && !is_raw_ && candidates_.count > 4 &&
                        candidates_.have_both_zeros()) {}

  void read_head(bit_reader& bits) { head_ = bits.number(head_width()); }

  T read_tail(bit_reader& bits) const {
    if (is_raw_) return oracle::from_bits<T>(static_cast<std::uint32_t>(head_));
    if (!has_zero_codes_) return candidate(finish_phase_in(candidates_.count, head_, bits));
    if (head_ == 1) return oracle::from_order<T>(0);
    if (bits.bit() == 1) return oracle::from_order<T>(-1);
    const std::uint64_t value = bits.number(shorter_width(candidates_.count));
    return candidate(finish_phase_in(candidates_.count, value, bits));
  }

 private:
  int head_width() const {
    if (is_raw_) return 8 * static_cast<int>(sizeof(T));
    return has_zero_codes_ ? 1 : shorter_width(candidates_.count);
  }

  T candidate(std::uint64_t place) const {
    return oracle::from_order<T>(candidates_.lowest + static_cast<std::int64_t>(place));
  }

  bool is_raw_;
  candidates candidates_;
  bool has_zero_codes_;
  std::uint64_t head_ = 0;
};

/// The exceptions of a panel: position and weight.
template <class T>
using exceptions = std::map<std::uint64_t, T>;

template <class T>
exceptions<T> read_exceptions(byte_view code, std::uint64_t positions) {
  exceptions<T> weights;
  byte_reader bytes(code);
  std::uint64_t next = 0;
  while (!bytes.rest().empty()) {
    const std::uint64_t skipped = bytes.varint();
    if (skipped >= positions - next) refuse("an exception outside its panel");
    weights[next + skipped] =
        oracle::from_bits<T>(static_cast<std::uint32_t>(bytes.integer(sizeof(T))));
    next += skipped + 1;
  }
  return weights;
}

// ---- Undoing -----------------------------------------------------------------------------------

/// The merged weights, what was added to each, and the base as far as it is known.
template <class T>
struct undoing {
  shape of;
  recipe how;
  std::vector<T> merged;
  std::vector<float> deltas;
  std::vector<T> base;

  std::size_t at(std::uint64_t row, std::uint64_t col) const { return row * of.cols + col; }
};

template <class T>
std::vector<float> deltas_of(revlora::adapter_list adapters, shape of) {
  std::vector<float> all;
  const oracle::deltas sums(adapters);
  for (std::uint64_t i = 0; i < of.rows; ++i) {
    for (const float sum :
         sums.row(static_cast<std::ptrdiff_t>(i), static_cast<std::ptrdiff_t>(of.cols))) {
      all.push_back(oracle::to_be_added<T>(sum, adapters.recipe()));
    }
  }
  return all;
}

/// Section 5, heads and tails.
template <class T>
void decode_block(undoing<T>& work, std::uint64_t panel, std::uint64_t block, bit_reader& bits) {
  std::vector<std::pair<std::size_t, weight_code<T>>> codes;
  for_each_place(panel, block, [&](std::uint64_t row, std::uint64_t col) {
    if (!work.of.has(row, col)) return;
    const std::size_t at = work.at(row, col);
    const T y = work.merged[at];
    const float delta = work.deltas[at];
    if (carries_bits(y, delta, work.how)) {
      codes.emplace_back(at, weight_code<T>(y, delta, work.how)).second.read_head(bits);
    } else {
      const float d = oracle::widen(y) - delta;
      work.base[at] = oracle::round<T>(d);
    }
  });
  for (const auto& [at, code] : codes) work.base[at] = code.read_tail(bits);
}

/// Section 5, exceptions.
template <class T>
void put_exceptions(undoing<T>& work, std::uint64_t panel, const exceptions<T>& weights) {
  for (const auto& [position, weight] : weights) {
    const std::uint64_t in_block = position % block_places;
    const std::uint64_t row = panel * panel_rows + in_block / block_cols;
    const std::uint64_t col = position / block_places * block_cols + in_block % block_cols;
    if (!work.of.has(row, col)) refuse("an exception outside the matrix");
    work.base[work.at(row, col)] = weight;
  }
}

/// Section 3, the code of a panel: its exceptions, and its bit stream.
template <class T>
std::pair<exceptions<T>, bit_reader> parts_of_code(const panel_record& its, shape of) {
  byte_reader code(its.code);
  exceptions<T> weights;
  if (its.has_exceptions) {
    const std::uint64_t size = code.varint();
    weights = read_exceptions<T>(code.take(size), of.blocks() * block_places);
  }
  return {weights, bit_reader(code.rest())};
}

template <class T>
void decode_panel(undoing<T>& work, std::uint64_t panel, const panel_record& its) {
  auto [weights, bits] = parts_of_code<T>(its, work.of);
  for (std::uint64_t block = 0; block < work.of.blocks(); ++block) {
    decode_block(work, panel, block, bits);
  }
  bits.require_end();
  put_exceptions(work, panel, weights);
}

// ---- 9. What a decoder should refuse -----------------------------------------------------------

inline void require_shape(const revlora::adapter& adapter, shape of) {
  const bool fits = static_cast<std::uint64_t>(adapter.factor(0).rows()) == of.rows &&
                    static_cast<std::uint64_t>(adapter.factor(1).cols()) == of.cols;
  if (!fits) refuse("made for weights of another shape than the adapters'");
}

/// Dividing, since rows · columns of a foreign record may exceed 64 bits.
inline void require_size(std::size_t weights, shape of) {
  const bool fits =
      of.panels() == 0 ? weights == 0 : weights % of.cols == 0 && weights / of.cols == of.rows;
  if (!fits) refuse("made for weights of another shape");
}

template <class T>
void require_belongs(const header& head, std::size_t weights, revlora::adapter_list adapters) {
  const shape of{head.rows, head.cols};
  if (head.type != revlora::element_type_of<T>) refuse("made for weights of another type");
  require_size(weights, of);
  if (head.how != adapters.recipe()) refuse("made by another recipe");
  if (head.scales_fingerprint != 0) refuse("made with scales");
  if (head.fingerprints.size() != adapters.size()) refuse("made with another number of adapters");
  for (std::size_t i = 0; i < adapters.size(); ++i) {
    require_shape(adapters[i], of);
    if (fingerprint(adapters[i]) != head.fingerprints[i]) refuse("made with another adapter");
  }
}

template <class T>
void require_merged(const undoing<T>& work, std::uint64_t panel, const panel_record& its) {
  if (lanes_of_panel(work.merged, work.of, panel).result32() != its.merged_checksum) {
    refuse("the merged weights were changed");
  }
}

/// A record of an empty list has no codes.
inline void require_no_code(const panel_record& panel) {
  if (panel.code_size != 0 || panel.has_exceptions) refuse("codes without an adapter");
}

template <class T>
void require_leads_to_merged(const undoing<T>& work) {
  for (std::size_t at = 0; at < work.merged.size(); ++at) {
    const float sum = oracle::widen(work.base[at]) + work.deltas[at];
    if (oracle::bits_of(oracle::round<T>(sum, work.how)) != oracle::bits_of(work.merged[at])) {
      refuse("a weight does not merge to the one it came from");
    }
  }
}

/// The base of row-major merged weights; throws std::runtime_error if the record does not lead back
/// from them with these adapters.
template <class T>
std::vector<T> decode(byte_view record, const std::vector<T>& merged,
                      revlora::adapter_list adapters) {
  const record_contents contents = read_record(record);
  require_belongs<T>(contents.head, merged.size(), adapters);
  const shape of{contents.head.rows, contents.head.cols};
  undoing<T> work{of, adapters.recipe(), merged, deltas_of<T>(adapters, of), merged};
  for (std::uint64_t panel = 0; panel < contents.panels.size(); ++panel) {
    const panel_record& its = contents.panels[panel];
    require_merged(work, panel, its);
    if (adapters.empty()) {
      require_no_code(its);
    } else {
      decode_panel(work, panel, its);
    }
  }
  if (!adapters.empty()) require_leads_to_merged(work);
  if (checksum_of_base(work.base, of) != contents.head.base_checksum) {
    refuse("it does not lead to its base");
  }
  return work.base;
}

}  // namespace reference
