#include "undo/undo_place.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "undo/related_undo.hpp"
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
  for (const undo_merge& merge : undo.merges()) {
    for (const undo_shard& shard : merge.shards) {
      for (const undo_tensor& tensor : shard.tensors) {
        for (const undo_window& window : tensor.windows) {
          if (window.changed > 0 || !window.kept_rows.empty() || tensor.is_new) return false;
        }
      }
    }
  }
  return true;
}

std::vector<file_identity> files_of(const undo_file& undo) {
  std::vector<file_identity> files;
  for (const undo_merge& merge : undo.merges()) {
    for (const undo_shard& shard : merge.shards) files.push_back(shard.identity);
  }
  return files;
}

/// What an undo file is good for still, by the model that it names; empty if it leads nothing back.
std::string what_needs(const undo_file& undo, const fs::path& path, const checkpoint& named,
                       const model_state& state) {
  const std::string name = quoted(named.path());
  if (state.any(tensor_state::other)) {
    return quoted(path) + " is the undo file of another state of " + name + ": " +
           quoted(state.first(tensor_state::other).tensor->name) + " does not fit";
  }
  if (!state.is_base()) {
    return quoted(path) + " is the undo file of " + name + ", which is " + state.describe();
  }
  if (are_files_of(files_of(undo), named)) return "";
  return quoted(path) + " leads back what was merged as " + name +
         ", and what is there now is another file";
}

/// Why an undo file has to be kept when `model` is merged; empty if it need not.
std::string why_kept(const found_undo& existing, const checkpoint& model) {
  const undo_file& undo = existing.content();
  if (leads_nothing_back(undo)) return "";
  const fs::path& path = undo.last().model;
  if (path == model.path()) return what_needs(undo, existing.path(), model, existing.state());
  std::optional<checkpoint> named;
  try {
    named.emplace(path);
  } catch (const problem&) {
    return quoted(existing.path()) + " is the undo file of " + quoted(path) +
           ", where no model is now";
  }
  return what_needs(undo, existing.path(), *named, compare(*named, undo, existing.opened()));
}

/// Whether the model is what a merge left that did not come to its end.
bool is_interrupted(const found_undo& existing) {
  const model_state& state = existing.state();
  return state.any(tensor_state::merged) && !state.any(tensor_state::other) && !state.is_merged();
}

void refuse_merged(const found_undo& existing) {
  const model_state& state = existing.state();
  if (!state.any(tensor_state::merged) || state.any(tensor_state::other)) return;
  throw problem("the model is merged already, says " + quoted(existing.path()) +
                ": unmerge first, swap its adapters for others, or name another file with --undo");
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
  if (target.is_in_place() && !wish.overwrite) refuse_merged_elsewhere(model);
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
      std::optional<undo_file> content;
      std::string reason;
      try {
        if (!wish.overwrite) content = undo_file::read(existing);
      } catch (const problem& error) {
        reason = error.what();
      }
      if (content) {
        found_undo found(place(where.in, where.name), std::move(existing), std::move(*content),
                         model);
        if (is_interrupted(found)) {
          unfinished_ = std::move(found);
          return;
        }
        refuse_merged(found);
        reason = why_kept(found, model);
        existing = std::move(found).release();
      }
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

file undo_place::create(destination& target, const file& original) {
  if (where_) shop_.emplace(where_->in);
  file made = where_ ? shop_->inside().create(undo_name_in_workshop)
                     : target.create_beside(in_new_folder_.filename().string());
  // Before it has its name: until the model is merged it looks like one that leads nothing back.
  made.lock(file::lock_kind::exclusive);
  made.adopt(original);
  made_ = made.status();
  return made;
}

void undo_place::publish(bool sync) {
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
  if (!sync) return;
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
    if (!status || !made_ || !status->is_same_file(*made_)) return;  // somebody else's by now
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
