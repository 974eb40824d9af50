#include "info/info.hpp"

#include "checkpoint/checkpoint.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/workshop.hpp"
#include "formats/formats.hpp"
#include "info/adapter_info.hpp"
#include "info/model_info.hpp"
#include "info/undo_info.hpp"

namespace revlora::tool {

std::unique_ptr<report> describe(const info_request& request) {
  const model_place where = find_model(request.path);
  report_left_overs(where.home);
  if (where.name) {
    const place file_at(request.path);
    const file opened = file_at.in.open(file_at.name, folder::links::followed);
    if (undo_file::begins_like_one(opened.read_start(8))) {
      return std::make_unique<undo_info>(file_at, opened, request.every_tensor);
    }
  }
  if (is_adapter(request.path)) return std::make_unique<adapter_info>(request);
  return std::make_unique<model_info>(request);
}

}  // namespace revlora::tool
