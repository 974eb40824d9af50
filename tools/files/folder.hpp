// An open folder. Whatever is done in it is done relative to its descriptor: a link that somebody
// puts into the path meanwhile leads nowhere else.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "files/file.hpp"

namespace revlora::tool {

/// Names are names of entries, without a slash.
class folder {
 public:
  /// Opens the folder that the operating system finds at `path`: with links followed, and `..`
  /// taken from where they lead.
  explicit folder(const std::filesystem::path& path);
  /// The same, but nothing if what is there is no folder.
  static std::optional<folder> try_open(const std::filesystem::path& path);

  /// Where it is, without links, as an absolute path.
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path path_of(const std::string& name) const { return path_ / name; }
  file_status status() const;
  /// Throws a problem if another folder, or none, is there now.
  void check_in_place() const;

  enum class links { followed, refused };
  /// What an entry is, or the link itself if links are refused; nothing if there is none.
  std::optional<file_status> find(const std::string& name, links handling = links::refused) const;
  /// Throws a problem if somebody wrote to what was opened by that name, or put something else in
  /// its place.
  void check_unchanged(const std::string& name, const file& opened, links handling) const;
  /// Of all entries.
  std::vector<std::string> names() const;

  /// Opens a regular file for reading. Never waits, as for the other end of a pipe.
  file open(const std::string& name, links handling) const;
  /// The same for reading and writing, of what is no link. NFS locks nothing else.
  file open_for_writing(const std::string& name) const;
  /// Opens a folder that is an entry here.
  folder open_folder(const std::string& name, links handling = links::refused) const;
  /// The same folder, wherever it may be called by now.
  folder opened_again() const;

  /// Makes a new file for writing, or a new folder, which only this user may read. Throws a problem
  /// if there is an entry of that name, be it a link that leads nowhere.
  file create(const std::string& name) const;
  folder create_folder(const std::string& name) const;
  /// The same, but nothing if there is such an entry, or somebody removed the new one at once.
  std::optional<folder> try_create_folder(const std::string& name) const;

  void remove(const std::string& name) const;         ///< a file
  void remove_folder(const std::string& name) const;  ///< an empty one
  /// Takes over who may do what, except that its owner may do all.
  void adopt(const folder& original) const;

  /// Renames an entry of this folder in one step to one of another folder, or of this one: what had
  /// that name before is gone.
  void replace(const std::string& name, const folder& other, const std::string& new_name) const;
  /// Lets two entries have each other's names, in one step. False if that cannot be, as on file
  /// systems that do not know it.
  bool try_to_exchange(const std::string& name, const folder& other,
                       const std::string& other_name) const;
  /// Like replace(), but throws a problem if there is such an entry.
  void publish(const std::string& name, const folder& other, const std::string& new_name) const;

  /// Returns when all names are on disk. Where the file system cannot promise that, there is
  /// nothing to wait for: a note says so.
  void flush() const;

 private:
  folder(descriptor opened, std::filesystem::path path)
      : descriptor_(std::move(opened)), path_(std::move(path)) {}

  friend class folder_lock;
  descriptor descriptor_;
  std::filesystem::path path_;
};

/// Keeps other revlora processes away from the files in a folder. The lock sits on the folder,
/// because a file that is replaced takes its lock with it.
class folder_lock {
 public:
  /// Throws a problem if another process holds a lock that is in the way.
  folder_lock(const folder& target, file::lock_kind wanted);

 private:
  folder own_;  ///< opened once more: a lock lasts as long as what was opened
};

/// A path as a folder and the name of an entry in it, which need not be there.
struct place {
  folder in;
  std::string name;

  /// Throws a problem if the path does not end in a name, or its folder cannot be opened.
  explicit place(const std::filesystem::path& path);
  place(const folder& home, std::string entry) : in(home.opened_again()), name(std::move(entry)) {}
  std::filesystem::path path() const { return in.path_of(name); }
};

}  // namespace revlora::tool
