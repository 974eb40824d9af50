#include "undo/found_undo.hpp"

#include <algorithm>
#include <exception>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/workshop.hpp"
#include "undo/undo_on_disk.hpp"

namespace revlora::tool {

found_undo::found_undo(place where, file opened, undo_file content, const checkpoint& model)
    : where_(std::move(where)),
      opened_(std::move(opened)),
      content_(std::make_unique<undo_file>(std::move(content))),
      state_(compare(model, *content_, opened_)) {
}

found_undo::found_undo(place where, file opened, const checkpoint& model)
    : where_(std::move(where)),
      opened_(std::move(opened)),
      content_(std::make_unique<undo_file>(undo_file::read(opened_))),
      state_(compare(model, *content_, opened_)) {
}

found_undo::found_undo(place where, const checkpoint& model)
    : found_undo(place(where.in, where.name), open_undo(where), model) {
}

found_undo::found_undo(const std::optional<std::filesystem::path>& asked, const checkpoint& model)
    : found_undo(find(asked, model)) {
}

std::optional<found_undo> found_undo::try_find(const checkpoint& model) {
  if (undo_names(model.path(), model.is_folder()).numbers_in(model.home()).empty()) return {};
  return find({}, model);
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
  std::optional<found_undo> best;
  std::exception_ptr first_problem;
  for (const int number : names.numbers_in(model.home())) {
    stop_if_interrupted();
    try {
      found_undo found = at(number);
      if (!best || found.fit() > best->fit()) best = std::move(found);
    } catch (const problem&) {
      if (!first_problem) first_problem = std::current_exception();
    }
  }
  const bool is_certain = best && best->fit() > std::pair(false, std::ptrdiff_t{0});
  if (first_problem && !is_certain) std::rethrow_exception(first_problem);  // it might be this one
  return best ? std::move(*best) : at(1);
}

std::pair<bool, std::ptrdiff_t> found_undo::fit() const {
  if (state_.any(tensor_state::other)) return {false, 0};
  const auto merged =
      std::ranges::count(state_.tensors, tensor_state::merged, &tensor_condition::state);
  return {merged > 0 && state_.is_merged(), merged};
}

undo_writer found_undo::go_on(std::optional<std::uint64_t> whole_bytes) const {
  where_.in.check_in_place();
  file writable = where_.in.open_for_writing(where_.name);
  if (!writable.status().is_same_file(opened_.status())) {
    throw problem(quoted(path()) + " was replaced by somebody meanwhile: try again");
  }
  return undo_writer::go_on(std::move(writable), whole_bytes.value_or(content_->whole_bytes()));
}

void found_undo::remember(const std::vector<file_identity>& files, bool force, bool sync) const {
  if (!force && opened_.status().is_read_only()) {
    return note(quoted(path()) + " is read-only: the next merge keeps it, and has one of its own");
  }
  undo_writer writer = go_on();
  writer.end_section(undo_restored{files});
  if (sync) writer.flush();
  writer.finish();
  if (sync) writer.flush();
}

}  // namespace revlora::tool
