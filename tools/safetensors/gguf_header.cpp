#include "safetensors/gguf_header.hpp"

#include <algorithm>
#include <bit>
#include <set>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/json.hpp"
#include "safetensors/gguf_cursor.hpp"

namespace revlora::tool {

namespace {

constexpr std::string_view magic = "GGUF";

/// Numbers are stored in blocks, of one of them or more.
struct ggml_type {
  const char* name;
  std::uint64_t numbers;
  std::uint64_t bytes;
};

const std::map<std::uint32_t, ggml_type> ggml_types = {
    {0, {"F32", 1, 4}},         {1, {"F16", 1, 2}},         {2, {"Q4_0", 32, 18}},
    {3, {"Q4_1", 32, 20}},      {6, {"Q5_0", 32, 22}},      {7, {"Q5_1", 32, 24}},
    {8, {"Q8_0", 32, 34}},      {9, {"Q8_1", 32, 36}},      {10, {"Q2_K", 256, 84}},
    {11, {"Q3_K", 256, 110}},   {12, {"Q4_K", 256, 144}},   {13, {"Q5_K", 256, 176}},
    {14, {"Q6_K", 256, 210}},   {15, {"Q8_K", 256, 292}},   {16, {"IQ2_XXS", 256, 66}},
    {17, {"IQ2_XS", 256, 74}},  {18, {"IQ3_XXS", 256, 98}}, {19, {"IQ1_S", 256, 50}},
    {20, {"IQ4_NL", 32, 18}},   {21, {"IQ3_S", 256, 110}},  {22, {"IQ2_S", 256, 82}},
    {23, {"IQ4_XS", 256, 136}}, {24, {"I8", 1, 1}},         {25, {"I16", 1, 2}},
    {26, {"I32", 1, 4}},        {27, {"I64", 1, 8}},        {28, {"F64", 1, 8}},
    {29, {"IQ1_M", 256, 56}},   {30, {"BF16", 1, 2}},       {34, {"TQ1_0", 256, 54}},
    {35, {"TQ2_0", 256, 66}},   {39, {"MXFP4", 32, 17}},    {40, {"NVFP4", 64, 36}},
    {41, {"Q1_0", 128, 18}}};

/// A kind of metadata value: of how many bytes it is, and how it is read.
struct value_kind {
  std::uint64_t bytes;
  gguf_value (*read)(gguf_cursor&);
};

template <class Stored, class Kept>
gguf_value number_of(gguf_cursor& cursor) {
  return static_cast<Kept>(cursor.number<Stored>());
}

gguf_value truth_of(gguf_cursor& cursor) {
  return cursor.number<std::uint8_t>() != 0;
}

gguf_value text_of(gguf_cursor& cursor) {
  return cursor.text();
}

constexpr std::uint32_t text_kind = 8;
constexpr std::uint32_t list_kind = 9;

const std::map<std::uint32_t, value_kind> value_kinds = {
    {0, {1, number_of<std::uint8_t, std::uint64_t>}},
    {1, {1, number_of<std::int8_t, std::int64_t>}},
    {2, {2, number_of<std::uint16_t, std::uint64_t>}},
    {3, {2, number_of<std::int16_t, std::int64_t>}},
    {4, {4, number_of<std::uint32_t, std::uint64_t>}},
    {5, {4, number_of<std::int32_t, std::int64_t>}},
    {6, {4, number_of<float, double>}},
    {7, {1, truth_of}},
    {text_kind, {0, text_of}},
    {10, {8, number_of<std::uint64_t, std::uint64_t>}},
    {11, {8, number_of<std::int64_t, std::int64_t>}},
    {12, {8, number_of<double, double>}}};

class header_reader {
 public:
  header_reader(const gguf_cursor::reader& read, std::uint64_t file_bytes,
                const std::string& source)
      : cursor_(read, file_bytes, source), file_bytes_(file_bytes), source_(source) {}

  gguf_file read() {
    check_version();
    const auto tensors = cursor_.number<std::uint64_t>();
    const auto values = cursor_.number<std::uint64_t>();
    for (std::uint64_t i = 0; i < values; ++i) read_value();
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor();
    place_tensors();
    return std::move(result_);
  }

 private:
  void check_version() {
    cursor_.skip(magic.size());
    const auto version = cursor_.number<std::uint32_t>();
    if (version == 2 || version == 3) return;
    if (version == 2 << 24 || version == 3 << 24) {
      throw problem(source_ + ": a big-endian GGUF file: convert it for little-endian machines");
    }
    throw problem(source_ + ": version " + std::to_string(version) +
                  " of the GGUF format: only 2 and 3 are known; convert the model again");
  }

  const value_kind& kind_of(std::uint32_t kind, const std::string& key) const {
    const auto known = value_kinds.find(kind);
    if (known != value_kinds.end()) return known->second;
    throw problem(source_ + ": the metadata " + quoted(key) + " is of unknown type " +
                  std::to_string(kind));
  }

  void read_value() {
    std::string key = cursor_.text();
    const auto kind = cursor_.number<std::uint32_t>();
    gguf_value value =
        kind == list_kind ? gguf_value(skip_list(key)) : kind_of(kind, key).read(cursor_);
    if (!result_.metadata.try_emplace(key, std::move(value)).second) {
      throw problem(source_ + ": the key " + quoted(key) + " appears twice");
    }
  }

  gguf_list skip_list(const std::string& key) {
    const auto kind = cursor_.number<std::uint32_t>();
    const auto count = cursor_.number<std::uint64_t>();
    const std::uint64_t bytes = kind_of(kind, key).bytes;
    if (kind == text_kind) {
      for (std::uint64_t i = 0; i < count; ++i) cursor_.skip_text();
    } else {
      std::uint64_t all = 0;
      if (__builtin_mul_overflow(count, bytes, &all)) all = ~std::uint64_t{0};
      cursor_.skip(all);
    }
    return {count};
  }

  /// The offsets count from the end of the header, which is not known yet.
  void read_tensor() {
    tensor& t = result_.tensors.emplace_back();
    t.name = cursor_.text();
    const std::string where = source_ + ": tensor " + quoted(t.name);
    const auto dimensions = cursor_.number<std::uint32_t>();
    if (dimensions > 4) {
      throw problem(where + ": " + std::to_string(dimensions) + " dimensions: GGUF has 4 at most");
    }
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      t.shape.push_back(cursor_.number<std::uint64_t>());
    }
    const auto type = cursor_.number<std::uint32_t>();
    const auto known = ggml_types.find(type);
    if (known == ggml_types.end()) {
      throw problem(where + ": numbers of type " + std::to_string(type) +
                    " of ggml, which revlora does not know");
    }
    t.dtype = known->second.name;
    t.begin = cursor_.number<std::uint64_t>();
    const std::uint64_t size = bytes_of(known->second, t.shape, where);
    if (__builtin_add_overflow(t.begin, size, &t.end)) throw problem(where + " is too large");
    std::reverse(t.shape.begin(), t.shape.end());
  }

  /// Blocks lie along the first of the file's dimensions. Extents that have no product are refused
  /// also of a tensor without elements: whoever multiplies them does not look for zeros first.
  static std::uint64_t bytes_of(const ggml_type& type, const std::vector<std::uint64_t>& extents,
                                const std::string& where) {
    const std::uint64_t line = extents.empty() ? 1 : extents[0];
    if (line % type.numbers != 0) {
      throw problem(where + ": rows of " + std::to_string(line) +
                    " numbers are no whole blocks of " + type.name);
    }
    bool is_empty = line == 0;
    std::uint64_t numbers = std::max<std::uint64_t>(line, 1);
    for (std::size_t i = 1; i < extents.size(); ++i) {
      is_empty = is_empty || extents[i] == 0;
      if (__builtin_mul_overflow(numbers, std::max<std::uint64_t>(extents[i], 1), &numbers)) {
        throw problem(where + ": shape is too large");
      }
    }
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(numbers, type.bytes, &bytes)) {
      throw problem(where + ": shape is too large");
    }
    return is_empty ? 0 : bytes / type.numbers;
  }

  std::uint64_t alignment() const {
    const auto stated = result_.metadata.find("general.alignment");
    if (stated == result_.metadata.end()) return 32;
    const auto* const alignment = std::get_if<std::uint64_t>(&stated->second);
    if (alignment == nullptr || !std::has_single_bit(*alignment) || *alignment > 1 << 30) {
      throw problem(source_ + ": general.alignment is not a power of two");
    }
    return *alignment;
  }

  void place_tensors() {
    const std::uint64_t unit = alignment();
    const std::uint64_t data_begin = (cursor_.position() + unit - 1) / unit * unit;
    const std::uint64_t data_bytes = file_bytes_ - std::min(file_bytes_, data_begin);
    std::sort(result_.tensors.begin(), result_.tensors.end(), [](const tensor& a, const tensor& b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    std::uint64_t position = 0;
    std::vector<std::string_view> names;
    for (tensor& t : result_.tensors) {
      const std::string where = source_ + ": tensor " + quoted(t.name);
      if (t.begin < position) throw problem(where + " overlaps the one before");
      if (t.end > data_bytes) throw problem(where + " goes beyond the end of the file");
      position = t.end;
      t.begin += data_begin;
      t.end += data_begin;
      names.push_back(t.name);
    }
    refuse_repeated(std::move(names), source_);
  }

  gguf_cursor cursor_;
  std::uint64_t file_bytes_;
  const std::string& source_;
  gguf_file result_;
};

}  // namespace

std::string gguf_file::text(const std::string& key) const {
  const auto found = metadata.find(key);
  const auto* const value =
      found == metadata.end() ? nullptr : std::get_if<std::string>(&found->second);
  return value == nullptr ? "" : *value;
}

bool begins_like_gguf(std::span<const std::byte> start) {
  return start.size() >= magic.size() && std::memcmp(start.data(), magic.data(), magic.size()) == 0;
}

gguf_file read_gguf(const file& opened) {
  const std::string source = quoted(opened.path());
  if (!begins_like_gguf(opened.read_start(magic.size()))) {
    throw problem(source + ": not a GGUF file");
  }
  const gguf_cursor::reader read = [&](std::span<std::byte> to, std::uint64_t offset) {
    opened.read(to, offset);
  };
  return header_reader(read, opened.size(), source).read();
}

gguf_file read_gguf(std::span<const std::byte> file, const std::string& source) {
  if (!begins_like_gguf(file)) throw problem(source + ": not a GGUF file");
  const gguf_cursor::reader read = [&](std::span<std::byte> to, std::uint64_t offset) {
    std::memcpy(to.data(), file.data() + offset, to.size());
  };
  return header_reader(read, file.size(), source).read();
}

}  // namespace revlora::tool
