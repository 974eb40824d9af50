// Adapters for tests of formats: written, read, and multiplied out.
#pragma once

#include "formats/formats.hpp"
#include "support.hpp"

namespace revlora::tool::test {

/// The numbers of a matrix, row by row.
inline std::vector<float> numbers(const stored_adapter& adapter, const stored_matrix& from) {
  const auto bytes = read_as(adapter.files, from, element_type::fp32);
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// scale · B·A, row by row: exact for small whole numbers.
inline std::vector<float> product(const stored_adapter& adapter, const low_rank_update& update) {
  const auto b = numbers(adapter, update.b);
  auto a = numbers(adapter, update.a);
  std::size_t cols = update.a.cols;
  const std::size_t rank = update.b.cols;
  if (update.core) {
    // Row p of core · A is the sum of core[p, q, k] · A[q, i] at i · kernel + k.
    const auto core = numbers(adapter, *update.core);
    const std::size_t inner = update.a.rows;
    const std::size_t kernel = update.core->cols / inner;
    std::vector<float> combined(rank * cols * kernel);
    for (std::size_t p = 0; p < rank; ++p)
      for (std::size_t q = 0; q < inner; ++q)
        for (std::size_t k = 0; k < kernel; ++k)
          for (std::size_t i = 0; i < cols; ++i)
            combined[(p * cols + i) * kernel + k] +=
                core[(p * inner + q) * kernel + k] * a[q * cols + i];
    a = combined;
    cols *= kernel;
  }
  std::vector<float> d(update.b.rows * cols);
  for (std::size_t i = 0; i < update.b.rows; ++i)
    for (std::size_t j = 0; j < cols; ++j) {
      for (std::size_t k = 0; k < rank; ++k) d[i * cols + j] += b[i * rank + k] * a[k * cols + j];
      d[i * cols + j] *= static_cast<float>(update.scale);
    }
  return d;
}

/// "unet: down_blocks_0 (underscored) weight"
inline std::string name_of(const adapter_update& update) {
  return update.component + ": " + update.module +
         (update.spelling == module_spelling::underscored ? " (underscored)" : "") + " " +
         update.parameter;
}

inline std::vector<std::string> names_of(const stored_adapter& adapter) {
  std::vector<std::string> names;
  for (const adapter_update& update : adapter.updates) names.push_back(name_of(update));
  return names;
}

/// What an update that must be one of factors has.
inline const low_rank_update& factors_of(const stored_adapter& adapter, std::size_t number = 0) {
  return std::get<low_rank_update>(adapter.updates.at(number).content);
}

/// The names of tensors of one element that are read as one adapter's.
inline std::vector<handmade_tensor> ones_of(const std::vector<std::string>& names) {
  std::vector<handmade_tensor> tensors;
  for (const std::string& name : names) tensors.push_back({name, {1, 1}, {1}});
  return tensors;
}

inline void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text << "\n  has no " << part;
}

}  // namespace revlora::tool::test
