#include "checkpoint/destination.hpp"

#include <algorithm>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/tree.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* new_name = "model";  // of a file or folder in the workshop

place free_place(const fs::path& out) {
  place found(out.has_filename() ? out : out.parent_path());  // without a trailing slash
  if (found.in.find(found.name)) {
    throw problem(quoted(out) + " exists already: nothing is overwritten");
  }
  return found;
}

}  // namespace

destination::destination(const checkpoint& model, const destination_options& options)
    : model_(model), options_(options) {
  if (options_.out) out_ = free_place(*options_.out);
}

fs::path destination::path() const {
  return out_ ? out_->path() : model_.path();
}

std::string destination::name_of(std::size_t shard) const {
  return out_ && !is_folder() ? out_->name : model_.shards()[shard];
}

void destination::check_replaceable(std::size_t shard) const {
  check_replaceable(model_.folder_of(shard), model_.leaf_of(shard),
                    model_.file_of(shard).content());
}

void destination::check_replaceable(const located_index& index) const {
  check_replaceable(*index.in, index.leaf, index.read.content);
}

void destination::check_replaceable(const folder& in, const std::string& name,
                                    const file& opened) const {
  if (out_) return;
  const std::string path = quoted(opened.path());
  const auto entry = in.find(name);
  // A download cache links to files that other models share: changing those would break them, and
  // putting a file in the link's place would not be in place.
  if (entry && entry->is_link()) {
    throw problem(path + " is a symbolic link: name the file itself, or use --out");
  }
  const file_status& status = opened.status();
  if (status.is_read_only() && !options_.force) {
    throw problem(path + " is read-only: --force replaces it all the same, or use --out");
  }
  if (status.system.st_nlink > 1) {
    note(path + " has " + std::to_string(status.system.st_nlink - 1) +
         (status.system.st_nlink == 2 ? " other name (a hard link), which keeps"
                                      : " other names (hard links), which keep") +
         " the weights as they are");
  }
}

const workshop& destination::shop() {
  if (!shop_) shop_.emplace(home());
  return *shop_;
}

const folder& destination::new_folder() {
  if (!new_folder_) new_folder_ = shop().inside().create_folder(new_name);
  return *new_folder_;
}

const folder& destination::new_folder_for(const folder& original) {
  const fs::path relative = original.path().lexically_relative(model_.home().path());
  if (relative == ".") return new_folder();
  const auto found = inner_folders_.find(relative.string());
  if (found != inner_folders_.end()) return found->second;
  return inner_folders_.emplace(relative.string(), new_folder().create_folder(relative.string()))
      .first->second;
}

file destination::begin_as(const folder& original_home, const std::string& name,
                           const file& original, const std::string& name_in_shop) {
  // No name that comes from elsewhere: one that this program uses too would be in the way.
  file made = makes_folder() ? new_folder_for(original_home).create(name)
                             : shop().inside().create(out_ ? new_name : name_in_shop);
  made.adopt(original);
  return made;
}

file destination::begin(std::size_t shard) {
  return begin_as(model_.folder_of(shard), model_.leaf_of(shard), model_.file_of(shard).content(),
                  std::to_string(shard));
}

file destination::begin_text(const located_index& index) {
  return begin_as(*index.in, index.leaf, index.read.content, "index");
}

file destination::create_beside(const std::string& name) {
  return new_folder().create(name);
}

void destination::take_place(const std::string& name_in_shop, const folder& in,
                             const std::string& name, const file& original) const {
  stop_if_interrupted();
  model_.home().check_in_place();
  in.check_in_place();
  in.check_unchanged(name, original, folder::links::followed);
  shop_->inside().replace(name_in_shop, in, name);
}

void destination::put(std::size_t shard, const file& made) {
  if (options_.sync) made.flush();
  if (out_) return;
  const folder& in = model_.folder_of(shard);
  take_place(std::to_string(shard), in, model_.leaf_of(shard), model_.file_of(shard).content());
}

void destination::put_text(const located_index& index, const file& made) {
  if (options_.sync) made.flush();
  if (!out_) take_place("index", *index.in, index.leaf, index.read.content);
}

void destination::discard(std::size_t shard) {
  const std::string name = std::to_string(shard);
  if (!out_ && shop().inside().find(name)) shop().inside().remove(name);
}

file_identity destination::identity_of(std::size_t shard, const file& made) const {
  const file_status now = made.status_now();
  file_identity identity{name_of(shard), now.device(), now.inode(), now.modified()};
  if (!out_) {
    const file_status& base = model_.file_of(shard).content().status();
    identity.base_inode = base.inode();
    identity.base_changed = base.changed();
  }
  return identity;
}

void destination::finish() {
  if (!out_) return;
  for (std::size_t i = 0; i < model_.shards().size(); ++i) model_.check_unchanged(i);
  if (is_folder()) {
    const auto is_made = [&](const std::string& name) {
      return std::ranges::find(model_.shards(), name) != model_.shards().end();
    };
    copy_tree(model_.home(), new_folder(), {is_made, options_.sync});
    if (options_.sync) new_folder().flush();
    new_folder().adopt(model_.home());
  }
  stop_if_interrupted();
  model_.home().check_in_place();
  home().check_in_place();
  shop().inside().publish(new_name, out_->in, out_->name);
}

void destination::flush() const {
  if (!options_.sync) return;
  home().flush();
}

}  // namespace revlora::tool
