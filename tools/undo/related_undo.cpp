#include "undo/related_undo.hpp"

#include <set>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "undo/undo_on_disk.hpp"
#include "undo/undo_state.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* pipeline_index = "model_index.json";

void refuse_if_merged(const folder& other) {
  const undo_names names(other.path(), true);
  for (const int number : names.numbers_in(other)) {
    const place where(other, names.of(number));
    bool is_merged = false;
    try {
      const file opened = open_undo(where);
      const undo_file undo = undo_file::read(opened);
      const model_state state = compare(checkpoint(other.path()), undo, opened);
      is_merged = state.any(tensor_state::merged) && !state.any(tensor_state::other);
    } catch (const problem& error) {
      note(std::string(error.what()) + ": whether " + quoted(other.path()) +
           " is merged by it is not known");
    }
    if (!is_merged) continue;
    throw problem(quoted(other.path()) + " is merged already, says " + quoted(where.path()) +
                  ", and is made of the same files: unmerge that first");
  }
}

}  // namespace

void refuse_merged_elsewhere(const checkpoint& model) {
  if (!model.is_folder()) return;
  std::set<fs::path> seen = {model.home().path()};
  for (std::size_t shard = 0; shard < model.shards().size(); ++shard) {
    const folder& in = model.folder_of(shard);
    if (seen.insert(in.path()).second) refuse_if_merged(in);
  }
  const folder around(model.home().path().parent_path());
  if (seen.size() == 1 && around.find(pipeline_index)) refuse_if_merged(around);
}

}  // namespace revlora::tool
