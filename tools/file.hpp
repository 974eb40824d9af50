// Files as the operating system knows them: descriptors, mappings, locks, and when data is on disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

namespace revlora::tool {

class file_descriptor {
 public:
  /// Opens with `flags` of open(2); throws a problem that says `purpose` ("read", "write", …).
  file_descriptor(const std::filesystem::path& path, int flags, const char* purpose);
  file_descriptor(file_descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  file_descriptor& operator=(file_descriptor&&) = delete;
  ~file_descriptor();

  int number() const { return number_; }

 private:
  int number_;
};

/// The bytes of a whole file, paged in and out by the operating system.
class mapping {
 public:
  /// For reading only: writing to these bytes is a fault.
  static mapping for_reading(const std::filesystem::path& path);
  /// What is written to the bytes is written to the file.
  static mapping for_writing(const std::filesystem::path& path);

  mapping(mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  mapping& operator=(mapping&&) = delete;
  ~mapping();

  std::span<std::byte> bytes() const { return bytes_; }

 private:
  mapping(const std::filesystem::path& path, bool writable);

  std::span<std::byte> bytes_;
};

/// Keeps other revlora processes away from the files in a folder. The lock sits on the folder,
/// because a file that is replaced takes its lock with it.
class folder_lock {
 public:
  enum class kind { shared, exclusive };

  /// Throws a problem if another process holds a lock that is in the way.
  folder_lock(const std::filesystem::path& folder, kind wanted);

 private:
  file_descriptor folder_;
};

/// The folder that `path` is in, also for a bare file name.
std::filesystem::path folder_of(const std::filesystem::path& path);

/// Returns when the file's data, or the folder's entries, are on disk.
void flush_to_disk(const std::filesystem::path& path);

/// Renames in one step: either `to` is what it was, or all of `from`. Does not wait for the disk.
void replace_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// The same for a file or folder, but never over something that is there already.
void publish_new(const std::filesystem::path& from, const std::filesystem::path& to);

/// Writes a whole file so that a crash leaves the old one or the new one, and waits for the disk.
void write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace revlora::tool
