#include "tensor_table.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include "json.hpp"
#include "problem.hpp"

namespace revlora::tool {

namespace {

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000;

const std::map<std::string, std::uint64_t> bits_of_dtype = {
    {"BOOL", 8}, {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},
    {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},     {"I16", 16},
    {"U16", 16}, {"F16", 16},    {"BF16", 16},   {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
    {"I32", 32}, {"U32", 32},    {"F32", 32},    {"C64", 64},        {"F64", 64},
    {"I64", 64}, {"U64", 64}};

/// A list of non-negative integers, or nothing if it is anything else.
std::optional<std::vector<std::uint64_t>> unsigned_list(const nlohmann::json& object,
                                                        const char* key) {
  const auto field = object.find(key);
  if (field == object.end() || !field->is_array()) return {};
  const bool valid = std::all_of(field->begin(), field->end(),
                                 [](const auto& number) { return number.is_number_unsigned(); });
  if (!valid) return {};
  return field->get<std::vector<std::uint64_t>>();
}

std::uint64_t bytes_of_shape(const tensor& t, const std::string& where) {
  std::uint64_t bits = bits_of_dtype.at(t.dtype);
  for (const std::uint64_t extent : t.shape) {
    if (__builtin_mul_overflow(bits, extent, &bits)) throw problem(where + ": shape is too large");
  }
  if (bits % 8 != 0) throw problem(where + ": its bits do not fill whole bytes");
  return bits / 8;
}

tensor read_tensor(const std::string& name, const nlohmann::json& entry, std::uint64_t data_bytes,
                   const std::string& source) {
  const std::string where = source + ": tensor '" + name + "'";
  if (!entry.is_object()) throw problem(where + ": its entry is not an object");
  const auto dtype = entry.find("dtype");
  if (dtype == entry.end() || !dtype->is_string()) throw problem(where + ": dtype is missing");
  tensor t;
  t.name = name;
  t.dtype = dtype->get<std::string>();
  if (!bits_of_dtype.contains(t.dtype)) throw problem(where + ": unknown dtype '" + t.dtype + "'");
  const auto shape = unsigned_list(entry, "shape");
  if (!shape) throw problem(where + ": shape is not a list of sizes");
  t.shape = *shape;
  const auto offsets = unsigned_list(entry, "data_offsets");
  if (!offsets || offsets->size() != 2) throw problem(where + ": data_offsets is not [begin, end]");
  t.begin = (*offsets)[0];
  t.end = (*offsets)[1];
  if (t.begin > t.end || t.end > data_bytes) {
    throw problem(where + ": its bytes [" + std::to_string(t.begin) + ", " + std::to_string(t.end) +
                  ") lie outside the " + std::to_string(data_bytes) + " bytes of data");
  }
  const std::uint64_t expected = bytes_of_shape(t, where);
  if (t.size_bytes() != expected) {
    throw problem(where + ": " + t.dtype + " " + describe_shape(t.shape) + " needs " +
                  std::to_string(expected) + " bytes, but has " + std::to_string(t.size_bytes()));
  }
  return t;
}

void check_metadata(const nlohmann::json& metadata, const std::string& source) {
  const bool valid =
      metadata.is_object() && std::all_of(metadata.begin(), metadata.end(),
                                          [](const auto& value) { return value.is_string(); });
  if (!valid) throw problem(source + ": __metadata__ does not map strings to strings");
}

}  // namespace

std::uint64_t tensor::element_count() const {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) count *= extent;
  return count;
}

std::optional<element_type> tensor::type() const {
  if (dtype == "F32") return element_type::fp32;
  if (dtype == "F16") return element_type::fp16;
  if (dtype == "BF16") return element_type::bf16;
  return {};
}

std::string describe_shape(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t extent : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(extent);
  }
  return text + "]";
}

std::vector<tensor> read_tensor_table(std::span<const std::byte> file, const std::string& source) {
  if (file.size() < length_bytes) throw problem(source + ": too short for a safetensors file");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), length_bytes);  // little-endian, as element.hpp asserts
  if (header_bytes > longest_header) {
    throw problem(source + ": header of " + std::to_string(header_bytes) +
                  " bytes: not a safetensors file");
  }
  if (header_bytes > file.size() - length_bytes) {
    throw problem(source + ": truncated inside the header");
  }
  const auto* const header = reinterpret_cast<const char*>(file.data() + length_bytes);
  if (header_bytes == 0 || header[0] != '{') {
    throw problem(source + ": the header does not begin with '{'");
  }
  const auto entries = parse_object<nlohmann::json>({header, header_bytes}, source);

  const std::uint64_t data_begin = length_bytes + header_bytes;
  const std::uint64_t data_bytes = file.size() - data_begin;
  std::vector<tensor> tensors;
  for (const auto& [name, entry] : entries.items()) {
    if (name == "__metadata__") {
      check_metadata(entry, source);
    } else {
      tensors.push_back(read_tensor(name, entry, data_bytes, source));
    }
  }
  std::sort(tensors.begin(), tensors.end(), [](const tensor& a, const tensor& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t position = 0;
  for (tensor& t : tensors) {
    if (t.begin != position) {
      throw problem(source + ": tensor '" + t.name + "' " +
                    (t.begin < position ? "overlaps the one before" : "follows a hole"));
    }
    position = t.end;
    t.begin += data_begin;
    t.end += data_begin;
  }
  if (position != data_bytes) {
    throw problem(source + ": " + std::to_string(data_bytes - position) +
                  " bytes at the end belong to no tensor");
  }
  return tensors;
}

}  // namespace revlora::tool
