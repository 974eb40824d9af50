// Adapters that are one safetensors file with factors whose names say all but what a format adds.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/module_factors.hpp"
#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// The tensors of what a path names, if that is a safetensors file that can be read.
std::optional<std::vector<tensor>> try_to_read_tensors(const std::filesystem::path& path);

/// Whether such a file has a tensor whose name is as `is_own` wants it.
bool has_tensor(const std::filesystem::path& path, bool (*is_own)(std::string_view));

/// The factors among the tensors as updates, sorted; and what is none of them.
struct factor_reading {
  std::vector<adapter_update> updates;
  std::vector<unused_part> unused;
  std::string refused;  ///< as in stored_adapter
  bool scale_is_known = true;
};

factor_reading read_factors(std::span<const tensor> tensors, const file_of_factors& from);

/// Such a file, open.
class factor_file {
 public:
  explicit factor_file(const std::filesystem::path& path);

  const adapter_files& files() const { return files_; }
  const std::vector<tensor>& tensors() const { return tensors_; }
  const std::string& source() const { return source_; }
  /// A text file beside it, opened with it; nothing if there is none.
  std::optional<std::string> text_beside(const std::string& name);

  using scale_rule = std::function<std::optional<double>(const module_name&, std::uint64_t)>;
  /// `usual_scale` is as in file_of_factors; where it knows nothing, the adapter is refused by
  /// `reason`.
  stored_adapter read(std::string description, scale_rule usual_scale,
                      const std::string& reason) &&;

 private:
  double number_in(const tensor& stored) const;

  adapter_files files_;
  std::filesystem::path path_;
  std::size_t number_;
  std::vector<tensor> tensors_;
  std::string source_;
};

}  // namespace revlora::tool
