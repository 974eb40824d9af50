#include "destination.hpp"

#include "file.hpp"
#include "problem.hpp"
#include "temporary_name.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

void check_replaceable(const checkpoint& model) {
  for (std::size_t i = 0; i < model.shards().size(); ++i) {
    // A download cache links to files that other models share: changing those would break them, and
    // putting a file in the link's place would not be in place.
    if (fs::is_symlink(model.path_of(i))) {
      throw problem("'" + model.path_of(i).string() +
                    "' is a symbolic link: name the file itself, or use --out");
    }
  }
}

void check_free(const fs::path& out) {
  for (const fs::path& path : {out, temporary_name(out)}) {
    if (fs::symlink_status(path).type() != fs::file_type::not_found) {
      throw problem("'" + path.string() + "' exists already: nothing is overwritten");
    }
  }
  if (!fs::is_directory(folder_of(out))) {
    throw problem("there is no folder '" + folder_of(out).string() + "'");
  }
}

fs::path as_path_of_model(const fs::path& out) {
  const fs::path absolute = fs::absolute(out).lexically_normal();
  return absolute.has_filename() ? absolute : absolute.parent_path();  // a trailing slash
}

}  // namespace

destination::destination(const checkpoint& model, const std::optional<fs::path>& out)
    : model_(model), in_place_(!out), path_(out ? as_path_of_model(*out) : model.path()) {
  if (in_place_) {
    check_replaceable(model);
  } else {
    check_free(path_);
  }
}

destination::~destination() {
  edited_.clear();
  std::error_code ignored;
  if (!new_folder_.empty()) fs::remove_all(new_folder_, ignored);
}

working_copy& destination::begin(std::size_t shard) {
  const fs::path original = model_.path_of(shard);
  fs::path temporary = temporary_name(in_place_ ? original : path_);
  if (in_place_) {
    fs::remove(temporary);  // the lock is ours, so this was left by an interrupted merge
  } else if (model_.is_folder()) {
    if (new_folder_.empty()) {
      fs::create_directory(temporary);
      new_folder_ = temporary;
    }
    temporary = new_folder_ / model_.shards()[shard];
  }
  edited_.push_back({shard, working_copy(original, temporary)});
  return edited_.back().copy;
}

void destination::write_undo_file(const fs::path& undo, std::span<const std::byte> bytes) {
  const bool in_new_folder = !new_folder_.empty() && folder_of(undo) == path_;
  write_durably(in_new_folder ? new_folder_ / undo.filename() : undo, bytes);
}

void destination::publish() {
  if (in_place_) {
    replace_shards();
  } else if (model_.is_folder()) {
    publish_folder();
  } else {
    publish_new(temporary_name(path_), path_);
    edited_.front().copy.keep();
  }
  flush_to_disk(folder_of(path_));
}

void destination::replace_shards() {
  std::size_t replaced = 0;
  for (edited_shard& edited : edited_) {
    const fs::path shard = model_.path_of(edited.shard);
    try {
      replace_file(temporary_name(shard), shard);
    } catch (const problem& error) {
      if (replaced == 0) throw;
      throw problem(std::string(error.what()) + " (" + std::to_string(replaced) + " of " +
                    std::to_string(edited_.size()) +
                    " files are replaced: `revlora unmerge` brings all to the base)");
    }
    edited.copy.keep();
    ++replaced;
  }
  flush_to_disk(model_.folder());
}

void destination::publish_folder() {
  for (const auto& entry : fs::directory_iterator(model_.folder())) {
    const fs::path name = entry.path().filename();
    // Undo files belong to the model that they lie beside.
    const bool of_revlora = name.extension() == ".undo" || name.extension() == temporary_ending;
    if (!entry.is_regular_file() || of_revlora || fs::exists(new_folder_ / name)) continue;
    copy_durably(entry.path(), new_folder_ / name);
  }
  fs::permissions(new_folder_, fs::status(model_.folder()).permissions());
  flush_to_disk(new_folder_);
  publish_new(new_folder_, path_);
  for (edited_shard& edited : edited_) edited.copy.keep();
  new_folder_.clear();
}

}  // namespace revlora::tool
