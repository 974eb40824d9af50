#include "formats/stored_matrix.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "safetensors/dtype.hpp"

namespace revlora::tool {

namespace {

std::uint64_t bytes_of_element(const std::string& dtype) {
  const auto size = size_of_dtype(dtype);
  if (!size) throw problem("numbers of type " + dtype + " cannot be read");
  return *size;
}

/// A double to the nearest float, ties to even: what the conversion does in the default mode.
float to_float(const std::string& dtype, const std::byte* from) {
  const auto as = [&]<class Number>(Number number) {
    std::memcpy(&number, from, sizeof number);
    return static_cast<float>(number);
  };
  if (dtype == "F32") return as(float{});
  if (dtype == "F64") return as(double{});
  if (dtype == "F16") return as(f16{});
  if (dtype == "BF16") return as(bf16{});
  if (dtype == "F8_E4M3") return as(e4m3{});
  if (dtype == "F8_E5M2") return as(e5m2{});
  throw problem("numbers of type " + dtype + " cannot be converted");
}

void put(float value, element_type type, std::byte* to) {
  const auto as = [&](auto number) { std::memcpy(to, &number, sizeof number); };
  switch (type) {
    case element_type::fp32:
      return as(value);
    case element_type::fp16:
      return as(f16(value));
    case element_type::bf16:
      return as(bf16(value));
    case element_type::e4m3:
      return as(e4m3(value));
    case element_type::e5m2:
      return as(e5m2(value));
  }
}

const char* dtype_of(element_type type) {
  switch (type) {
    case element_type::fp32:
      return "F32";
    case element_type::fp16:
      return "F16";
    case element_type::bf16:
      return "BF16";
    case element_type::e4m3:
      return "F8_E4M3";
    case element_type::e5m2:
      return "F8_E5M2";
  }
  return "";
}

}  // namespace

std::size_t adapter_files::open(const std::string& name) {
  file opened = home_.open(name, folder::links::followed);
  opened.settle();
  files_.push_back(std::move(opened));
  return files_.size() - 1;
}

void adapter_files::check_unchanged() const {
  home_.check_in_place();
  for (const file& each : files_) {
    home_.check_unchanged(each.path().filename().string(), each, folder::links::followed);
  }
}

stored_matrix stored_matrix::transposed() const {
  stored_matrix other = *this;
  std::swap(other.rows, other.cols);
  std::swap(other.row_stride, other.col_stride);
  return other;
}

stored_matrix stored_matrix::row_slice(std::uint64_t first, std::uint64_t count) const {
  stored_matrix other = *this;
  other.begin += first * row_stride * bytes_of_element(dtype);
  other.rows = count;
  return other;
}

stored_matrix stored_matrix::column_slice(std::uint64_t first, std::uint64_t count) const {
  return transposed().row_slice(first, count).transposed();
}

stored_matrix stored_matrix::every_column(std::uint64_t first, std::uint64_t step) const {
  stored_matrix other = column_slice(first, (cols - first + step - 1) / step);
  other.col_stride *= step;
  return other;
}

stored_matrix matrix_of(std::size_t file, const tensor& stored) {
  const std::uint64_t rows = stored.shape.empty() ? 1 : stored.shape[0];
  std::uint64_t cols = 1;
  for (std::size_t i = 1; i < stored.shape.size(); ++i) cols *= stored.shape[i];
  return {file, stored.dtype, stored.begin, rows, cols, cols, 1};
}

std::vector<std::byte> read(const adapter_files& files, const stored_matrix& from) {
  const std::uint64_t size = bytes_of_element(from.dtype);
  std::vector<std::byte> bytes(from.rows * from.cols * size);
  if (bytes.empty()) return bytes;
  const file& source = files.at(from.file);
  if (from.col_stride == 1 && (from.row_stride == from.cols || from.rows == 1)) {
    source.read(bytes, from.begin);
    return bytes;
  }
  // Line by line along the closer of the two strides, each line with what lies between its numbers.
  const bool along_rows = from.col_stride <= from.row_stride;
  const stored_matrix lines = along_rows ? from : from.transposed();
  std::vector<std::byte> line(((lines.cols - 1) * lines.col_stride + 1) * size);
  for (std::uint64_t i = 0; i < lines.rows; ++i) {
    source.read(line, lines.begin + i * lines.row_stride * size);
    for (std::uint64_t j = 0; j < lines.cols; ++j) {
      const std::uint64_t element = along_rows ? i * from.cols + j : j * from.cols + i;
      std::memcpy(bytes.data() + element * size, line.data() + j * lines.col_stride * size, size);
    }
  }
  return bytes;
}

std::vector<std::byte> read_as(const adapter_files& files, const stored_matrix& from,
                               element_type type) {
  std::vector<std::byte> bytes = read(files, from);
  if (from.dtype == dtype_of(type)) return bytes;
  const std::uint64_t count = from.rows * from.cols;
  const std::uint64_t size = bytes_of_element(from.dtype);
  std::vector<std::byte> converted(count * size_of(type));
  for (std::uint64_t i = 0; i < count; ++i) {
    put(to_float(from.dtype, bytes.data() + i * size), type, converted.data() + i * size_of(type));
  }
  return converted;
}

}  // namespace revlora::tool
