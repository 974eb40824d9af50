#include "undo_place.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "problem.hpp"
#include "text.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* name_in_workshop = "undo";

/// "model.undo", then "model.2.undo" …
std::string default_name(const std::string& stem, int number) {
  return stem + (number == 1 ? "" : "." + std::to_string(number)) + ".undo";
}

std::string default_stem(const fs::path& model, bool is_folder) {
  return is_folder ? "model" : model.stem().string();
}

/// Opens and locks an undo file. Throws a problem if it is something else.
file open_undo(const place& where) {
  const std::string path = quoted(where.path());
  const auto status = where.in.find(where.name);
  if (!status) {
    throw problem("there is no undo file " + path + ": name the one of this model with --undo");
  }
  if (!status->is_regular()) {
    throw problem(path + (status->is_link() ? " is a symbolic link: name the undo file itself"
                                            : " is not a file, and no undo file"));
  }
  file opened = where.in.open(where.name, folder::links::refused);
  if (!undo_file::begins_like_one(opened.read_start(8))) {
    throw problem(path + " is not an undo file of revlora");
  }
  if (!opened.lock(file::lock_kind::exclusive)) {
    throw problem("another revlora is using " + path + ": wait until it is done");
  }
  return opened;
}

undo_file read_undo(const file& opened) {
  return undo_file::from_bytes(opened.read_all(), quoted(opened.path()));
}

void check_still_there(const place& where, const file& opened) {
  const auto status = where.in.find(where.name);
  if (status && status->is_unchanged(opened.status())) return;
  throw problem(quoted(where.path()) + " was changed by somebody meanwhile: it stays as it is now");
}

bool are_files_of(const std::vector<file_identity>& files, const checkpoint& model) {
  return !files.empty() && std::ranges::all_of(files, [&](const file_identity& each) {
    const auto shard = std::ranges::find(model.shards(), each.name);
    if (shard == model.shards().end()) return false;
    const auto index = static_cast<std::size_t>(shard - model.shards().begin());
    const file_status& status = model.file_of(index).content().status();
    const bool is_untouched_base =
        status.inode() == each.base_inode && status.changed() == each.base_changed;
    return status.device() == each.device && (status.inode() == each.inode || is_untouched_base);
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
std::string why_kept(const file& existing, const checkpoint& model, bool force) {
  const undo_file undo = read_undo(existing);
  if (!force && existing.status().is_read_only()) return quoted(existing.path()) + " is read-only";
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

/// The numbers of the default names in a folder that there is an entry of.
std::set<int> numbers_in(const folder& home, const std::string& stem) {
  std::set<int> numbers;
  for (const std::string& name : home.names()) {
    if (name == default_name(stem, 1)) numbers.insert(1);
    int number = 0;
    const char* const start = name.data() + std::min(name.size(), stem.size() + 1);
    const auto [end, error] = std::from_chars(start, name.data() + name.size(), number);
    if (error == std::errc() && number > 1 && name == default_name(stem, number)) {
      numbers.insert(number);
    }
  }
  return numbers;
}

}  // namespace

undo_place::undo_place(const std::optional<fs::path>& asked, bool overwrite, bool force,
                       const checkpoint& model, const destination& target) {
  if (asked && asked->extension() == ".safetensors") {
    throw problem("an undo file must not be named *.safetensors: " + quoted(*asked));
  }
  const std::string stem = default_stem(target.path(), target.is_folder());
  if (target.makes_folder() && (!asked || is_inside(*asked, target.path()))) {
    in_new_folder_ = target.path() / (asked ? asked->filename() : fs::path(default_name(stem, 1)));
    return;
  }
  for (int number = 1;; ++number) {
    place where(asked.value_or(target.home().path_of(default_name(stem, number))));
    if (where.in.find(where.name)) {
      file existing = open_undo(where);
      const std::string reason = overwrite ? "" : why_kept(existing, model, force);
      if (!reason.empty() && asked) {
        throw problem(reason +
                      ": name another file with --undo (or give this one up by --overwrite-undo)");
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
  const file made = where_ ? shop_->inside().create(name_in_workshop)
                           : target.create_beside(in_new_folder_.filename().string());
  made.adopt(target.most_private());
  made.write(bytes, 0);
  made.flush();
}

void undo_place::publish() {
  if (!where_) return;  // it appears with its folder
  if (replaced_) {
    check_still_there(*where_, *replaced_);
    shop_->inside().replace(name_in_workshop, where_->in, where_->name);
  } else {
    shop_->inside().publish(name_in_workshop, where_->in, where_->name);
  }
  try {
    where_->in.flush();
  } catch (const problem&) {
    take_back();
    throw;
  }
}

void undo_place::take_back() {
  if (!where_) return;
  try {
    where_->in.remove(where_->name);
  } catch (const problem& error) {
    note(std::string(error.what()) + ", which leads nothing back");
  }
}

struct found_undo::candidate {
  place where;
  file opened;
  undo_file content;
  model_state state;

  candidate(place at, const checkpoint& model)
      : where(std::move(at)),
        opened(open_undo(where)),
        content(read_undo(opened)),
        state(compare(model, content)) {}

  bool fits() const { return state.any(tensor_state::merged) && !state.any(tensor_state::other); }
};

found_undo::found_undo(candidate found)
    : where_(std::move(found.where)),
      opened_(std::move(found.opened)),
      content_(std::move(found.content)),
      state_(std::move(found.state)) {
}

found_undo::found_undo(const std::optional<fs::path>& asked, const checkpoint& model)
    : found_undo([&]() -> candidate {
        if (asked) return {place(*asked), model};
        const std::string stem = default_stem(model.path(), model.is_folder());
        const auto at = [&](int number) {
          return place(model.home().path_of(default_name(stem, number)));
        };
        std::optional<candidate> first;
        for (const int number : numbers_in(model.home(), stem)) {
          candidate found(at(number), model);
          if (found.fits()) return found;
          if (!first) first = std::move(found);
        }
        if (first) return std::move(*first);
        return {at(1), model};
      }()) {
}

void found_undo::remember(const std::vector<file_identity>& files, bool force) {
  if (!force && opened_.status().is_read_only()) {
    return note(quoted(path()) + " is read-only: the next merge keeps it, and has one of its own");
  }
  check_still_there(where_, opened_);
  undo_file renewed = content_;
  for (file_identity& each : renewed.files) {
    const auto restored = std::ranges::find(files, each.name, &file_identity::name);
    if (restored != files.end()) each = {each.name, restored->device, restored->inode};
  }
  const workshop shop(where_.in);
  const file made = shop.inside().create(name_in_workshop);
  made.adopt(opened_);
  made.write(renewed.to_bytes(), 0);
  made.flush();
  shop.inside().replace(name_in_workshop, where_.in, where_.name);
}

}  // namespace revlora::tool
