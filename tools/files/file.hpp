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
  /// The same of a text, which may be 100 MB long.
  std::string read_text() const;

  void write(std::span<const std::byte> from, std::uint64_t offset) const;
  /// Cuts off what is behind so many bytes.
  void truncate(std::uint64_t bytes) const;
  /// Copies `count` bytes from one offset to another. Where the file system can share extents, it
  /// may; what was cloned before is as it was. Ends between two pieces if somebody interrupts.
  /// Throws a problem if the original ends before.
  void copy_range_from(const file& original, std::uint64_t from, std::uint64_t count,
                       std::uint64_t to) const;
  /// Makes this file have all that the original has, without room of its own on the disk: it is
  /// taken as things are written. False where the file system cannot do that, and then nothing is
  /// done.
  bool try_clone_from(const file& original) const;
  /// Takes the original's permissions, and its owner, group, access control list and other extended
  /// attributes where the system allows that. Nobody may read it who may not read the original.
  void adopt(const file& original) const;
  /// Returns when all is on disk.
  void flush() const;

  enum class lock_kind { shared, exclusive };
  /// There are no locks on some network file systems: that is no reason to refuse the work, but
  /// then nobody knows who else is at work.
  enum class lock_outcome { locked, taken, impossible };
  /// Locks the file until it is closed, if no other process has a lock that is in the way.
  lock_outcome try_to_lock(lock_kind wanted) const;
  /// False only if another process has such a lock.
  bool lock(lock_kind wanted) const { return try_to_lock(wanted) != lock_outcome::taken; }

  /// Waits, if the file changed just now, until its next change will have another time: at most two
  /// seconds, where the file system knows whole seconds only. Afterwards `is_unchanged` can tell.
  void settle() { settle_all({this, 1}); }
  /// The same for several, waiting once for all of them.
  static void settle_all(std::span<file> files);

 private:
  descriptor descriptor_;
  std::filesystem::path path_;
  file_status status_;
};

/// Locks what a descriptor stands for, file or folder: see file::try_to_lock.
file::lock_outcome try_to_lock(const descriptor& target, const std::filesystem::path& path,
                               file::lock_kind wanted);

}  // namespace revlora::tool
