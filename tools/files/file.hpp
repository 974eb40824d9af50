// An open regular file. It is read and written through its descriptor and never mapped, so that a
// file that somebody truncates meanwhile is an error and not a fault.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "files/descriptor.hpp"
#include "files/file_status.hpp"

namespace revlora::tool {

class file {
 public:
  /// `path` is for messages. Refuses whatever is not a regular file.
  file(descriptor opened, std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  int number() const { return descriptor_.number(); }

  /// As it was when the file was opened.
  const file_status& status() const { return status_; }
  std::uint64_t size() const { return status_.size(); }
  /// As it is now.
  file_status status_now() const;

  /// Throws a problem if the file ends before.
  void read(std::span<std::byte> to, std::uint64_t offset) const;
  /// So many bytes, or all if there are fewer.
  std::vector<std::byte> read_start(std::uint64_t most) const;
  std::vector<std::byte> read_all() const { return read_start(size()); }
  /// The same of a text, which may be 100 MB long.
  std::string read_text() const;

  void write(std::span<const std::byte> from, std::uint64_t offset) const;
  /// Copies the whole of a file to the start of this one. A real copy, not shared extents: a full
  /// disk shows here.
  void copy_from(const file& original) const;
  /// Takes the original's permissions, and its owner, group, access control list and other extended
  /// attributes where the system allows that. Nobody may read it who may not read the original.
  void adopt(const file& original) const;
  /// Returns when all is on disk.
  void flush() const;

  enum class lock_kind { shared, exclusive };
  /// Locks the file until it is closed. False if another process has a lock that is in the way.
  bool lock(lock_kind wanted) const;

  /// Waits, if the file changed just now, until its next change will have another time: at most two
  /// seconds, where the file system knows whole seconds only. Afterwards `is_unchanged` can tell.
  void settle();

 private:
  descriptor descriptor_;
  std::filesystem::path path_;
  file_status status_;
};

/// Locks what a descriptor stands for, file or folder: see file::lock.
bool lock(const descriptor& target, const std::filesystem::path& path, file::lock_kind wanted);

}  // namespace revlora::tool
