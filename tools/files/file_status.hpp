// What the operating system says about a file or folder, and whether it still is the same.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>

#include "files/descriptor.hpp"

namespace revlora::tool {

struct file_status {
  struct stat system;

  std::uint64_t device() const { return system.st_dev; }
  std::uint64_t inode() const { return system.st_ino; }
  std::uint64_t size() const { return static_cast<std::uint64_t>(system.st_size); }
  bool is_regular() const { return S_ISREG(system.st_mode); }
  bool is_folder() const { return S_ISDIR(system.st_mode); }
  bool is_link() const { return S_ISLNK(system.st_mode); }
  unsigned permissions() const { return system.st_mode & 0777; }
  bool is_read_only() const { return (permissions() & 0222) == 0; }
  /// When its content changed for the last time, in nanoseconds; anybody can set that.
  std::uint64_t modified() const;
  /// When its content, name or owner changed for the last time. Nobody can set it.
  std::uint64_t changed() const;

  bool is_same_file(const file_status& other) const;
  /// The same file, and nobody wrote to it, nor set its times, which changes the time of its last
  /// change all the same.
  bool is_unchanged(const file_status& other) const;
};

/// `path` is for messages.
file_status status_of(const descriptor& opened, const std::filesystem::path& path);

}  // namespace revlora::tool
