#include "file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "problem.hpp"
#include "temporary_name.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

file_descriptor::file_descriptor(const fs::path& path, int flags, const char* purpose)
    : number_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
  if (number_ < 0) {
    throw system_problem(std::string("cannot ") + purpose + " '" + path.string() + "'");
  }
}

file_descriptor::~file_descriptor() {
  if (number_ >= 0) ::close(number_);
}

mapping::mapping(const fs::path& path, bool writable) {
  const file_descriptor file(path, writable ? O_RDWR : O_RDONLY, writable ? "write" : "read");
  struct stat status;
  if (::fstat(file.number(), &status) != 0) throw system_problem("'" + path.string() + "'");
  if (!S_ISREG(status.st_mode)) throw problem("'" + path.string() + "' is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;  // nothing can be mapped, and an empty span says so
  void* const data = ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ,
                            MAP_SHARED, file.number(), 0);
  if (data == MAP_FAILED) throw system_problem("cannot map '" + path.string() + "'");
  bytes_ = {static_cast<std::byte*>(data), size};
}

mapping mapping::for_reading(const fs::path& path) {
  return {path, false};
}
mapping mapping::for_writing(const fs::path& path) {
  return {path, true};
}

mapping::~mapping() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

folder_lock::folder_lock(const fs::path& folder, kind wanted)
    : folder_(folder, O_RDONLY | O_DIRECTORY, "open") {
  const int operation = wanted == kind::shared ? LOCK_SH : LOCK_EX;
  if (::flock(folder_.number(), operation | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK) {
    throw problem("another revlora is at work in '" + folder.string() + "': wait until it is done");
  }
  // Some network file systems cannot lock a folder. That is no reason to refuse the work.
  note(system_problem("cannot lock '" + folder.string() + "'").what());
}

fs::path folder_of(const fs::path& path) {
  return fs::absolute(path).lexically_normal().parent_path();
}

void flush_to_disk(const fs::path& path) {
  const file_descriptor file(path, O_RDONLY, "open");
  if (::fsync(file.number()) != 0) throw system_problem("cannot flush '" + path.string() + "'");
}

void replace_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw system_problem("cannot replace '" + to.string() + "'");
  }
}

void publish_new(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno != EINVAL) throw system_problem("cannot create '" + to.string() + "'");
  // This file system cannot promise it in one step: look first.
  if (fs::symlink_status(to).type() != fs::file_type::not_found) {
    throw problem("'" + to.string() + "' exists already");
  }
  replace_file(from, to);
}

void write_durably(const fs::path& path, std::span<const std::byte> bytes) {
  const fs::path temporary = temporary_name(path);
  try {
    {
      std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
      file.close();
      if (!file) throw system_problem("cannot write '" + temporary.string() + "'");
    }
    flush_to_disk(temporary);
    replace_file(temporary, path);
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  flush_to_disk(folder_of(path));
}

}  // namespace revlora::tool
