#include "safetensors/tensor_table.hpp"

#include <algorithm>
#include <cstring>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "safetensors/tensor_header.hpp"

namespace revlora::tool {

namespace {

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000;

std::uint64_t number_in(std::span<const std::byte, 8> start) {
  std::uint64_t number = 0;
  std::memcpy(&number, start.data(), length_bytes);  // little-endian, as element.hpp asserts
  return number;
}

}  // namespace

std::optional<element_type> type_of(std::string_view dtype) {
  if (dtype == "F32") return element_type::fp32;
  if (dtype == "F16") return element_type::fp16;
  if (dtype == "BF16") return element_type::bf16;
  return {};
}

std::uint64_t element_count(std::span<const std::uint64_t> shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) count *= extent;
  return count;
}

std::optional<matrix_shape> matrix_of(std::string_view dtype,
                                      std::span<const std::uint64_t> shape) {
  const auto type = type_of(dtype);
  if (!type || shape.size() < 2) return {};
  auto bytes = static_cast<std::ptrdiff_t>(size_of(*type));
  for (const std::uint64_t extent : shape) {
    if (__builtin_mul_overflow(bytes, std::max<std::uint64_t>(extent, 1), &bytes)) return {};
  }
  std::uint64_t cols = 1;
  for (const std::uint64_t extent : shape.subspan(1)) cols *= extent;
  return matrix_shape{*type, static_cast<std::ptrdiff_t>(shape[0]),
                      static_cast<std::ptrdiff_t>(cols)};
}

bool can_be_header_size(std::span<const std::byte, 8> start) {
  return number_in(start) <= longest_header;
}

std::uint64_t header_size(std::span<const std::byte, 8> start, std::uint64_t file_bytes,
                          const std::string& source) {
  const std::uint64_t header_bytes = number_in(start);
  if (header_bytes > longest_header) throw problem(source + " is not a safetensors file");
  if (file_bytes < length_bytes || header_bytes > file_bytes - length_bytes) {
    throw problem(source + ": truncated inside the header");
  }
  return header_bytes;
}

std::vector<tensor> read_tensor_table(std::string_view header, std::uint64_t file_bytes,
                                      const std::string& source) {
  if (!header.starts_with('{')) throw problem(source + ": the header does not begin with '{'");
  const std::uint64_t data_begin = length_bytes + header.size();
  const std::uint64_t data_bytes = file_bytes - data_begin;
  std::vector<tensor> tensors = read_tensor_header(header, data_bytes, source);
  std::sort(tensors.begin(), tensors.end(), [](const tensor& a, const tensor& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t position = 0;
  for (tensor& t : tensors) {
    if (t.begin != position) {
      throw problem(source + ": tensor " + quoted(t.name) +
                    (t.begin < position ? " overlaps the one before" : " follows a hole"));
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

std::vector<tensor> read_tensor_table(std::span<const std::byte> file, const std::string& source) {
  if (file.size() < length_bytes) throw problem(source + ": too short for a safetensors file");
  const std::uint64_t header_bytes = header_size(file.first<length_bytes>(), file.size(), source);
  const auto* const header = reinterpret_cast<const char*>(file.data() + length_bytes);
  return read_tensor_table({header, header_bytes}, file.size(), source);
}

}  // namespace revlora::tool
