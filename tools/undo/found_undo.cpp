#include "undo/found_undo.hpp"

#include <algorithm>
#include <exception>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/workshop.hpp"
#include "undo/undo_on_disk.hpp"

namespace revlora::tool {

found_undo::found_undo(place where, const checkpoint& model)
    : where_(std::move(where)),
      opened_(open_undo(where_)),
      content_(read_undo(opened_)),
      state_(compare(model, content_)) {
}

found_undo::found_undo(const std::optional<std::filesystem::path>& asked, const checkpoint& model)
    : found_undo(find(asked, model)) {
}

found_undo found_undo::find(const std::optional<std::filesystem::path>& asked,
                            const checkpoint& model) {
  if (asked) {
    place where(*asked);
    remove_left_overs(where.in);
    return {std::move(where), model};
  }
  const undo_names names(model.path(), model.is_folder());
  const auto at = [&](int number) {
    return found_undo(place(model.home(), names.of(number)), model);
  };
  std::optional<found_undo> first;
  std::exception_ptr first_problem;
  for (const int number : names.numbers_in(model.home())) {
    stop_if_interrupted();
    try {
      found_undo found = at(number);
      const model_state& state = found.state();
      if (state.any(tensor_state::merged) && !state.any(tensor_state::other)) return found;
      if (!first) first = std::move(found);
    } catch (const problem&) {
      if (!first_problem) first_problem = std::current_exception();
    }
  }
  if (first_problem) std::rethrow_exception(first_problem);  // it might have been this one
  return first ? std::move(*first) : at(1);
}

void found_undo::remember(const std::vector<file_identity>& files, const checkpoint& model,
                          bool force) {
  undo_file renewed = content_;
  bool is_news = false;
  for (file_identity& each : renewed.files) {
    const auto restored = std::ranges::find(files, each.name, &file_identity::name);
    const file* const merged = model.find_file(each.name);
    if (restored == files.end() || merged == nullptr) continue;
    // Not if a copy of the merged file was restored, or if another name of it stays merged.
    if (!each.is_of(merged->status()) || merged->status().system.st_nlink > 1) continue;
    each = {each.name, restored->device, restored->inode, restored->modified};
    is_news = true;
  }
  if (!is_news) return;
  if (!force && opened_.status().is_read_only()) {
    return note(quoted(path()) + " is read-only: the next merge keeps it, and has one of its own");
  }
  where_.in.check_unchanged(where_.name, opened_, folder::links::refused);
  const workshop shop(where_.in);
  const file made = shop.inside().create(undo_name_in_workshop);
  made.adopt(opened_);
  made.write(renewed.to_bytes(), 0);
  made.flush();
  shop.inside().replace(undo_name_in_workshop, where_.in, where_.name);
}

}  // namespace revlora::tool
