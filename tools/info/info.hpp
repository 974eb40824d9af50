// `revlora info`: what a model, an adapter or an undo file is.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "reports/report.hpp"

namespace revlora::tool {

struct info_request {
  std::filesystem::path path;
  bool every_tensor = false;           ///< name each, not groups of them
  std::optional<std::string> weights;  ///< as of common_options
};

/// Throws a problem if the path is none of the three, and belongs to none.
std::unique_ptr<report> describe(const info_request& request);

}  // namespace revlora::tool
