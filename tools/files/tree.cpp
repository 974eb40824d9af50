#include "files/tree.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/workshop.hpp"

namespace revlora::tool {

namespace {

/// Names of entries of one kind, as one note says them.
class noted_names {
 public:
  void add(const std::string& name) {
    if (count_++ == 0) first_ = name;
  }
  void say(const std::string& what) const {
    if (count_ == 0) return;
    note(what + quoted(first_) + (count_ == 1 ? "" : " and " + counted(count_ - 1, "other")));
  }

 private:
  std::string first_;
  std::uint64_t count_ = 0;
};

class tree_copier {
 public:
  explicit tree_copier(const tree_copy& how) : how_(how) {}

  void copy_folder(const folder& from, const folder& to, const std::string& prefix) {
    enter(from);
    std::vector<std::string> names = from.names();
    std::ranges::sort(names);  // or messages would depend on the file system
    for (const std::string& name : names) {
      stop_if_interrupted();
      if (how_.skip && how_.skip(prefix + name)) continue;
      copy_entry(from, to, name, prefix + name);
    }
    if (how_.sync) to.flush();
    inside_.pop_back();
  }

  void say_notes() const {
    // A download cache is full of links. But one can lead to any file of the user's.
    linked_.say("the new folder has copies of what links of the model's folder lead to: ");
    dangling_.say("the new folder has no copies of links that lead nowhere: ");
    special_.say("the new folder has no copies of what is neither file nor folder: ");
    git_.say("the new folder has no copy of what Git keeps: ");
  }

 private:
  void enter(const folder& from) {
    const file_status status = from.status();
    const bool is_loop = std::ranges::any_of(
        inside_, [&](const file_status& outer) { return outer.is_same_file(status); });
    if (is_loop) {
      throw problem(quoted(from.path()) +
                    " is a link to a folder that it is in: a copy would have no end, remove it");
    }
    if (inside_.size() == deepest_tree) {
      throw problem(quoted(from.path()) + ": folders in folders, more than " +
                    std::to_string(deepest_tree) + " deep");
    }
    inside_.push_back(status);
  }

  void copy_entry(const folder& from, const folder& to, const std::string& name,
                  const std::string& relative) {
    const auto itself = from.find(name);
    if (!itself) return;  // somebody removed it just now
    const auto status = from.find(name, folder::links::followed);
    if (!status) return dangling_.add(relative);
    if (is_of_revlora(from, name, *itself)) return;
    if (status->is_folder() && name == ".git") return git_.add(relative);
    if (!status->is_folder() && !status->is_regular()) return special_.add(relative);
    if (status->is_regular() && to.find(name)) return;
    if (itself->is_link()) linked_.add(relative);
    if (status->is_folder()) {
      const folder original = from.open_folder(name, folder::links::followed);
      const folder copy = to.find(name) ? to.open_folder(name) : to.create_folder(name);
      copy_folder(original, copy, relative + "/");
      copy.adopt(original);
    } else {
      copy_file(from.open(name, folder::links::followed), to.create(name));
    }
  }

  void copy_file(const file& original, const file& copy) const {
    copy.adopt(original);
    if (!copy.try_clone_from(original)) copy.copy_range_from(original, 0, original.size(), 0);
    if (how_.sync) copy.flush();
  }

  static bool is_of_revlora(const folder& in, const std::string& name, const file_status& status) {
    if (status.is_folder()) return is_workshop(in, name);
    return std::filesystem::path(name).extension() == ".undo";
  }

  const tree_copy& how_;
  std::vector<file_status> inside_;  ///< of the folders that are open, the outermost first
  noted_names linked_, dangling_, special_, git_;
};

}  // namespace

void copy_tree(const folder& from, const folder& to, const tree_copy& how) {
  tree_copier copier(how);
  copier.copy_folder(from, to, "");
  copier.say_notes();
}

}  // namespace revlora::tool
