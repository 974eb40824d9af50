#include "undo/undo_place.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "undo/undo_on_disk.hpp"
#include "undo/undo_state.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

bool are_files_of(const std::vector<file_identity>& files, const checkpoint& model) {
  return !files.empty() && std::ranges::all_of(files, [&](const file_identity& each) {
    const file* const shard = model.find_file(each.name);
    if (shard == nullptr) return false;
    const file_status& status = shard->status();
    const bool is_untouched_base =
        status.inode() == each.base_inode && status.changed() == each.base_changed;
    return each.is_of(status) || (status.device() == each.device && is_untouched_base);
  });
}

bool leads_nothing_back(const undo_file& undo) {
  return std::ranges::all_of(undo.tensors,
                             [](const merged_tensor& tensor) { return tensor.changed == 0; });
}

/// What an undo file is good for still, by the model that it names; empty if it leads nothing back.
std::string what_needs(const undo_file& undo, const fs::path& path, const checkpoint& named,
                       const model_state& state) {
  const std::string name = quoted(named.path());
  if (state.any(tensor_state::other)) {
    return quoted(path) + " is the undo file of another state of " + name + ": " +
           quoted(state.first(tensor_state::other, undo).name) + " does not fit";
  }
  if (!state.is_base()) {
    return quoted(path) + " is the undo file of " + name + ", which is " + state.describe();
  }
  if (are_files_of(undo.files, named)) return "";
  return quoted(path) + " leads back what was merged as " + name +
         ", and what is there now is another file";
}

/// Why an undo file has to be kept when `model` is merged; empty if it need not. Throws a problem
/// if that is merged already.
std::string why_kept(const file& existing, const checkpoint& model) {
  undo_file undo;
  try {
    undo = read_undo(existing);
  } catch (const problem& error) {
    return error.what();
  }
  if (leads_nothing_back(undo)) return "";
  const model_state state = compare(model, undo);
  if (state.any(tensor_state::merged) && !state.any(tensor_state::other)) {
    throw problem("the model is " + std::string(state.is_merged() ? "merged" : "partly merged") +
                  " already, says " + quoted(existing.path()) +
                  ": unmerge first, or name another file with --undo");
  }
  if (undo.model == model.path()) return what_needs(undo, existing.path(), model, state);
  std::optional<checkpoint> named;
  try {
    named.emplace(undo.model);
  } catch (const problem&) {
    return quoted(existing.path()) + " is the undo file of " + quoted(undo.model) +
           ", where no model is now";
  }
  return what_needs(undo, existing.path(), *named, compare(*named, undo));
}

/// Whether a path leads into a folder that is not there yet.
bool is_inside(const fs::path& path, const fs::path& new_folder) {
  const fs::path parent = path.parent_path();
  std::error_code ignored;
  if (!parent.has_filename() || fs::exists(parent, ignored)) return false;
  return place(parent).path() == new_folder;
}

}  // namespace

undo_place::undo_place(const undo_wish& wish, const checkpoint& model, const destination& target) {
  const auto& asked = wish.path;
  if (asked && asked->extension() == ".safetensors") {
    throw problem("an undo file must not be named *.safetensors: " + quoted(*asked));
  }
  const undo_names names(target.path(), target.is_folder());
  if (target.makes_folder() && (!asked || is_inside(*asked, target.path()))) {
    in_new_folder_ = target.path() / (asked ? asked->filename() : fs::path(names.of(1)));
    if (asked && model.home().find(asked->filename().string())) {
      throw problem("the undo file cannot be " + quoted(in_new_folder_) +
                    ": the model has a file of that name");
    }
    return;
  }
  for (int number = 1;; ++number) {
    place where = asked ? place(*asked) : place(target.home(), names.of(number));
    if (asked) remove_left_overs(where.in);
    if (where.in.find(where.name)) {
      file existing = open_undo(where);
      std::string reason = wish.overwrite ? "" : why_kept(existing, model);
      const bool is_protected = reason.empty() && !wish.force && existing.status().is_read_only();
      if (is_protected) reason = quoted(where.path()) + " is read-only";
      if (!reason.empty() && asked) {
        throw problem(reason + ": name another file with --undo (or give this one up by " +
                      (is_protected ? "--force)" : "--overwrite-undo)"));
      }
      if (!reason.empty()) {
        note(reason + ": it is kept, and this merge has an undo file of another name");
        continue;
      }
      replaced_ = std::move(existing);
    }
    where_ = std::move(where);
    return;
  }
}

fs::path undo_place::path() const {
  return where_ ? where_->path() : in_new_folder_;
}

void undo_place::write(std::span<const std::byte> bytes, destination& target) {
  if (where_) shop_.emplace(where_->in);
  made_ = where_ ? shop_->inside().create(undo_name_in_workshop)
                 : target.create_beside(in_new_folder_.filename().string());
  // Before it has its name: until the model is merged it looks like one that leads nothing back.
  made_->lock(file::lock_kind::exclusive);
  made_->adopt(target.most_private());
  made_->write(bytes, 0);
  made_->flush();
}

void undo_place::publish() {
  if (!where_) return;  // it appears with its folder
  where_->in.check_in_place();
  const folder& from = shop_->inside();
  if (!replaced_) {
    from.publish(undo_name_in_workshop, where_->in, where_->name);
  } else {
    where_->in.check_unchanged(where_->name, *replaced_, folder::links::refused);
    is_exchanged_ = from.try_to_exchange(undo_name_in_workshop, where_->in, where_->name);
    if (!is_exchanged_) from.replace(undo_name_in_workshop, where_->in, where_->name);
  }
  try {
    where_->in.flush();
  } catch (...) {
    take_back();
    throw;
  }
}

void undo_place::take_back() {
  if (!where_) return;
  try {
    const auto status = where_->in.find(where_->name);
    if (!status || !status->is_same_file(made_->status())) return;  // somebody else's by now
    if (is_exchanged_) {
      shop_->inside().replace(undo_name_in_workshop, where_->in, where_->name);
    } else {
      where_->in.remove(where_->name);
    }
  } catch (const std::exception& error) {
    note(std::string(reason_of(error)) + ", which leads nothing back");
  }
}

}  // namespace revlora::tool
