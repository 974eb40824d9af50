#include "checkpoint/destination.hpp"

#include <algorithm>
#include <bit>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* new_name = "model";  // of a file or folder in the workshop

void check_replaceable(const checkpoint& model, bool force) {
  for (std::size_t i = 0; i < model.shards().size(); ++i) {
    const std::string path = quoted(model.path_of(i));
    const auto status = model.home().find(model.shards()[i]);
    // A download cache links to files that other models share: changing those would break them, and
    // putting a file in the link's place would not be in place.
    if (status && status->is_link()) {
      throw problem(path + " is a symbolic link: name the file itself, or use --out");
    }
    const file_status& opened = model.file_of(i).content().status();
    if (opened.is_read_only() && !force) {
      throw problem(path + " is read-only: --force replaces it all the same, or use --out");
    }
    if (opened.system.st_nlink > 1) {
      note(path + " has " + std::to_string(opened.system.st_nlink - 1) +
           (opened.system.st_nlink == 2 ? " other name (a hard link), which keeps"
                                        : " other names (hard links), which keep") +
           " the weights as they are");
    }
  }
}

place free_place(const fs::path& out) {
  place found(out.has_filename() ? out : out.parent_path());  // without a trailing slash
  if (found.in.find(found.name)) {
    throw problem(quoted(out) + " exists already: nothing is overwritten");
  }
  return found;
}

/// Files that belong to the model's folder, and not to a model.
bool is_of_revlora(const fs::path& name) {
  return name.extension() == ".undo";
}

}  // namespace

destination::destination(const checkpoint& model, const std::optional<fs::path>& out, bool force)
    : model_(model) {
  if (out) {
    out_ = free_place(*out);
  } else {
    check_replaceable(model, force);
  }
}

fs::path destination::path() const {
  return out_ ? out_->path() : model_.path();
}

const workshop& destination::shop() {
  if (!shop_) shop_.emplace(home());
  return *shop_;
}

const folder& destination::new_folder() {
  if (!new_folder_) new_folder_ = shop().inside().create_folder(new_name);
  return *new_folder_;
}

const file& destination::begin(std::size_t shard) {
  // No name that comes from elsewhere: one that this program uses too would be in the way.
  const std::string name = makes_folder() ? model_.shards()[shard]
                           : out_         ? new_name
                                          : std::to_string(shard);
  const folder& where = makes_folder() ? new_folder() : shop().inside();
  const file& original = model_.file_of(shard).content();
  edited_.push_back({shard, name, where.create(name)});
  const file& copy = edited_.back().content;
  copy.adopt(original);
  copy.copy_from(original);
  return copy;
}

std::string destination::name_of(std::size_t shard) const {
  return out_ && !is_folder() ? out_->name : model_.shards()[shard];
}

file destination::create_beside(const std::string& name) {
  return new_folder().create(name);
}

void destination::finish() {
  for (const edited_shard& each : edited_) each.content.flush();
  if (new_folder_) copy_others();
  for (std::size_t i = 0; i < model_.shards().size(); ++i) {
    if (makes_folder() || is_edited(i)) model_.check_unchanged(i);
  }
  model_.home().check_in_place();
  home().check_in_place();
  stop_if_interrupted();
}

bool destination::is_edited(std::size_t shard) const {
  return std::ranges::find(edited_, shard, &edited_shard::shard) != edited_.end();
}

void destination::copy_others() {
  const auto copy = [&](const std::string& name, const file& original) {
    const file made = new_folder_->create(name);
    made.adopt(original);
    made.copy_from(original);
    made.flush();
  };
  for (std::size_t i = 0; i < model_.shards().size(); ++i) {
    if (!is_edited(i)) copy(model_.shards()[i], model_.file_of(i).content());
  }
  std::vector<std::string> linked;
  for (const std::string& name : model_.home().names()) {
    const auto status = model_.home().find(name, folder::links::followed);
    if (!status || !status->is_regular() || is_of_revlora(name) || new_folder_->find(name)) {
      continue;
    }
    if (model_.home().find(name)->is_link()) linked.push_back(name);
    copy(name, model_.home().open(name, folder::links::followed));
  }
  // A download cache is full of links. But one can lead to any file of the user's.
  if (!linked.empty()) {
    note("the new folder has copies of what links of the model's folder lead to: " +
         quoted(linked.front()) + (linked.size() == 1 ? "" : " and others"));
  }
}

void destination::publish() {
  if (!out_) return replace_shards();
  if (is_folder()) {
    new_folder_->flush();
    new_folder_->adopt(model_.home());
  }
  shop().inside().publish(new_name, out_->in, out_->name);
}

void destination::replace_shards() {
  std::size_t replaced = 0;
  for (const edited_shard& each : edited_) {
    try {
      model_.check_unchanged(each.shard);
      shop().inside().replace(each.name, model_.home(), model_.shards()[each.shard]);
    } catch (const std::exception& error) {  // also for want of memory
      if (replaced == 0) throw;
      throw partly_done(std::string(reason_of(error)) + " (" + std::to_string(replaced) + " of " +
                        std::to_string(edited_.size()) +
                        " files are changed: `revlora unmerge` brings all to the base)");
    }
    ++replaced;
  }
}

std::vector<file_identity> destination::identities() const {
  std::vector<file_identity> files;
  for (const edited_shard& each : edited_) {
    const file_status made = each.content.status_now();
    file_identity identity{name_of(each.shard), made.device(), made.inode(), made.modified()};
    if (!out_) {
      const file_status& base = model_.file_of(each.shard).content().status();
      identity.base_inode = base.inode();
      identity.base_changed = base.changed();
    }
    files.push_back(std::move(identity));
  }
  return files;
}

const file& destination::most_private() const {
  const auto readers = [](const edited_shard& each) {
    return std::popcount(each.content.status_now().permissions());
  };
  return std::ranges::min_element(edited_, {}, readers)->content;
}

}  // namespace revlora::tool
