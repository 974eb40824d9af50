// All tensors that an adapter's file has for one module, and the updates that they make.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/factor_names.hpp"
#include "formats/module_names.hpp"
#include "formats/stored_adapter.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

/// What a format knows of its file besides names.
struct file_of_factors {
  std::size_t number = 0;                          ///< in adapter_files
  std::string source;                              ///< what problems begin with
  std::function<double(const tensor&)> number_in;  ///< of a tensor that has one element
  /// The scale of a module of this rank whose alpha is in no tensor; nothing if nobody knows.
  std::function<std::optional<double>(const module_name&, std::uint64_t)> usual_scale;
};

class module_factors {
 public:
  explicit module_factors(module_name name) : name_(std::move(name)) {}

  /// Throws a problem if there is such a tensor already.
  void add(const factor_name& name, const tensor& stored, const std::string& source);

  /// Throws a problem if a partner is missing, or shapes or types do not fit. `scale_is_known`
  /// becomes false if the scale of factors is not: it is 1 then.
  std::vector<adapter_update> updates(const file_of_factors& from, bool& scale_is_known) const;

  /// Whether it has nothing but numbers that say something of factors: of which there are none.
  bool is_empty() const;
  std::vector<const tensor*> tensors() const;

 private:
  const tensor* find(factor_role role) const;
  adapter_update update_of(std::string parameter, update_content content) const;
  std::vector<adapter_update> updates_of_parts(const file_of_factors& from,
                                               bool& scale_is_known) const;
  double scale_of(std::uint64_t rank, const file_of_factors& from, bool& is_known) const;
  std::string where(const file_of_factors& from) const;

  struct pair {
    const tensor* down = nullptr;
    const tensor* up = nullptr;
  };

  module_name name_;
  std::string spelled_;  ///< as in adapter_update
  std::map<factor_role, const tensor*> whole_;
  std::map<std::uint64_t, pair> parts_;
};

}  // namespace revlora::tool
