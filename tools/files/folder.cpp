#include "files/folder.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/access.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

descriptor try_open_at(int in, const char* name, int flags) {
  return descriptor(repeated([&] { return ::openat(in, name, flags | O_CLOEXEC, 0600); }));
}

descriptor open_at(int in, const char* name, int flags, const std::string& what) {
  descriptor opened = try_open_at(in, name, flags);
  if (opened.number() >= 0) return opened;
  if (errno == ELOOP && (flags & O_NOFOLLOW) != 0) {
    throw problem(what + ": it is a symbolic link, which is not followed");
  }
  throw system_problem(what);
}

/// Where an open folder is. The kernel knows; where /proc is missing the path is resolved again.
fs::path where(const descriptor& opened, const fs::path& path) {
  std::error_code failed;
  const fs::path told =
      fs::read_symlink("/proc/self/fd/" + std::to_string(opened.number()), failed);
  return failed ? fs::canonical(path) : told;
}

/// What shared folders of virtual machines, CIFS and FUSE answer to fsync of any folder. Other
/// errors, as of a full or failing disk, are of this one.
bool is_refusal_in_principle(int reason) {
  constexpr std::array<int, 8> refusals = {EINVAL, ENOTSUP, ENOSYS, EBADF,
                                           EACCES, EPERM,   EISDIR, ENOTTY};
  return std::ranges::find(refusals, reason) != refusals.end();
}

}  // namespace

folder::folder(const fs::path& path)
    : descriptor_(try_open_at(AT_FDCWD, path.c_str(), folder_flags)) {
  if (descriptor_.number() < 0) {
    if (errno == ENOENT) throw problem("there is no folder " + quoted(path));
    throw system_problem("cannot open the folder " + quoted(path));
  }
  path_ = where(descriptor_, path);
}

std::optional<folder> folder::try_open(const fs::path& path) {
  descriptor opened = try_open_at(AT_FDCWD, path.c_str(), folder_flags);
  if (opened.number() >= 0) {
    fs::path told = where(opened, path);
    return folder(std::move(opened), std::move(told));
  }
  if (errno == ENOTDIR) return {};
  if (errno == ENOENT) throw problem(quoted(path) + " does not exist");
  throw system_problem("cannot open " + quoted(path));
}

file_status folder::status() const {
  return status_of(descriptor_, path_);
}

void folder::check_in_place() const {
  file_status there;
  const int result = repeated([&] { return ::stat(path_.c_str(), &there.system); });
  if (result == 0 && there.is_same_file(status())) return;
  throw problem(quoted(path_) + " was moved by somebody meanwhile: nothing was changed, try again");
}

std::optional<file_status> folder::find(const std::string& name, links handling) const {
  file_status status;
  const int flags = handling == links::refused ? AT_SYMLINK_NOFOLLOW : 0;
  const int result = repeated(
      [&] { return ::fstatat(descriptor_.number(), name.c_str(), &status.system, flags); });
  if (result == 0) return status;
  if (errno == ENOENT) return {};
  throw system_problem("cannot look at " + quoted(path_of(name)));
}

void folder::check_unchanged(const std::string& name, const file& opened, links handling) const {
  const auto status = find(name, handling);
  if (status && status->is_unchanged(opened.status())) return;
  throw problem(quoted(opened.path()) +
                " was changed by somebody meanwhile: it stays as it is now, try again");
}

std::vector<std::string> folder::names() const {
  const auto fail = [&] { return system_problem("cannot list the folder " + quoted(path_)); };
  // Opened once more: reading the entries moves a position.
  const int number = repeated([&] { return ::openat(descriptor_.number(), ".", folder_flags); });
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(number < 0 ? nullptr : ::fdopendir(number),
                                                   ::closedir);
  if (!stream) {
    const problem reason = fail();
    if (number >= 0) ::close(number);
    throw reason;
  }
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr && errno == EINTR) continue;
    if (entry == nullptr && errno != 0) throw fail();
    if (entry == nullptr) return names;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
}

file folder::open(const std::string& name, links handling) const {
  const int flags =
      O_RDONLY | O_NONBLOCK | O_NOCTTY | (handling == links::refused ? O_NOFOLLOW : 0);
  return {
      open_at(descriptor_.number(), name.c_str(), flags, "cannot read " + quoted(path_of(name))),
      path_of(name)};
}

file folder::open_for_writing(const std::string& name) const {
  return {open_at(descriptor_.number(), name.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW,
                  "cannot write to " + quoted(path_of(name))),
          path_of(name)};
}

folder folder::open_folder(const std::string& name, links handling) const {
  const int flags = folder_flags | (handling == links::refused ? O_NOFOLLOW : 0);
  return {open_at(descriptor_.number(), name.c_str(), flags,
                  "cannot open the folder " + quoted(path_of(name))),
          path_of(name)};
}

folder folder::opened_again() const {
  return {
      open_at(descriptor_.number(), ".", folder_flags, "cannot open the folder " + quoted(path_)),
      path_};
}

file folder::create(const std::string& name) const {
  descriptor made =
      open_at(descriptor_.number(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
              "cannot create " + quoted(path_of(name)));
  disinherit(made);
  return {std::move(made), path_of(name)};
}

folder folder::create_folder(const std::string& name) const {
  std::optional<folder> created = try_create_folder(name);
  if (!created) throw problem(quoted(path_of(name)) + " exists already");
  return std::move(*created);
}

std::optional<folder> folder::try_create_folder(const std::string& name) const {
  if (repeated([&] { return ::mkdirat(descriptor_.number(), name.c_str(), 0700); }) == 0) {
    descriptor opened = try_open_at(descriptor_.number(), name.c_str(), folder_flags | O_NOFOLLOW);
    if (opened.number() >= 0) {
      disinherit(opened);
      return folder(std::move(opened), path_of(name));
    }
    const int reason = errno;
    ::unlinkat(descriptor_.number(), name.c_str(), AT_REMOVEDIR);
    errno = reason;
  }
  if (errno == EEXIST || errno == ENOENT) return {};  // or somebody removed it at once
  throw system_problem("cannot create the folder " + quoted(path_of(name)));
}

void folder::remove(const std::string& name) const {
  if (repeated([&] { return ::unlinkat(descriptor_.number(), name.c_str(), 0); }) != 0) {
    throw system_problem("cannot remove " + quoted(path_of(name)));
  }
}

void folder::remove_folder(const std::string& name) const {
  if (repeated([&] { return ::unlinkat(descriptor_.number(), name.c_str(), AT_REMOVEDIR); }) != 0) {
    throw system_problem("cannot remove the folder " + quoted(path_of(name)));
  }
}

void folder::adopt(const folder& original) const {
  tool::adopt(descriptor_, path_, original.descriptor_, 0700);
}

void folder::replace(const std::string& name, const folder& other,
                     const std::string& new_name) const {
  const int result = repeated([&] {
    return ::renameat(descriptor_.number(), name.c_str(), other.descriptor_.number(),
                      new_name.c_str());
  });
  if (result != 0) throw system_problem("cannot replace " + quoted(other.path_of(new_name)));
}

bool folder::try_to_exchange(const std::string& name, const folder& other,
                             const std::string& other_name) const {
  return repeated([&] {
           return ::renameat2(descriptor_.number(), name.c_str(), other.descriptor_.number(),
                              other_name.c_str(), RENAME_EXCHANGE);
         }) == 0;
}

void folder::publish(const std::string& name, const folder& other,
                     const std::string& new_name) const {
  const auto fail = [&] {
    return errno == EEXIST ? problem(quoted(other.path_of(new_name)) + " exists already")
                           : system_problem("cannot create " + quoted(other.path_of(new_name)));
  };
  const int from = descriptor_.number(), to = other.descriptor_.number();
  const int renamed = repeated(
      [&] { return ::renameat2(from, name.c_str(), to, new_name.c_str(), RENAME_NOREPLACE); });
  if (renamed == 0) return;
  if (errno != EINVAL && errno != ENOSYS) throw fail();
  // This file system does not know such a rename. A link to a file is as good.
  if (repeated([&] { return ::linkat(from, name.c_str(), to, new_name.c_str(), 0); }) == 0) {
    return remove(name);
  }
  if (errno == EEXIST) throw fail();
  // Nor links, or it is a folder: look, then rename.
  if (other.find(new_name)) throw problem(quoted(other.path_of(new_name)) + " exists already");
  replace(name, other, new_name);
}

void folder::flush() const {
  if (repeated([&] { return ::fsync(descriptor_.number()); }) == 0) return;
  const problem reason = system_problem("cannot write the folder " + quoted(path_) + " to disk");
  if (!is_refusal_in_principle(errno)) throw reason;
  note_once("file systems without durable names",
            std::string(reason.what()) + ": this file system keeps names as it likes");
}

folder_lock::folder_lock(const folder& target, file::lock_kind wanted)
    : own_(target.opened_again()) {
  if (try_to_lock(own_.descriptor_, own_.path(), wanted) == file::lock_outcome::taken) {
    throw problem("another revlora is at work in " + quoted(target.path()) +
                  ": wait until it is done");
  }
}

place::place(const fs::path& path)
    : in(path.has_parent_path() ? path.parent_path() : fs::path(".")),
      name(path.filename().string()) {
  if (name.empty() || name == "." || name == "..") {
    throw problem(quoted(path) + " does not end in the name of a file");
  }
}

}  // namespace revlora::tool
