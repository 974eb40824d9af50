#include "files/access.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/file_status.hpp"

namespace revlora::tool {

namespace {

void adopt_attributes(int from, int to, bool with_access) {
  const ssize_t size = ::flistxattr(from, nullptr, 0);
  if (size <= 0) return;
  std::vector<char> names(static_cast<std::size_t>(size));
  const ssize_t filled = ::flistxattr(from, names.data(), names.size());
  const char* const end = names.data() + std::max<ssize_t>(filled, 0);
  for (const char* name = names.data(); name < end; name += std::string_view(name).size() + 1) {
    const std::string_view called = name;
    if (called.starts_with("system.posix_acl") && !with_access) continue;
    // Signatures of the content, which is going to be another one.
    if (called == "security.ima" || called == "security.evm") continue;
    std::vector<char> value(1 << 16);  // the longest that Linux has
    const ssize_t length = ::fgetxattr(from, name, value.data(), value.size());
    if (length < 0) continue;
    // What this file system or this user may not set stays behind: it is no part of the model.
    (void)::fsetxattr(to, name, value.data(), static_cast<std::size_t>(length), 0);
  }
}

}  // namespace

void adopt(const descriptor& to, const std::filesystem::path& path, const descriptor& original,
           unsigned at_least) {
  const struct stat wanted = status_of(original, path).system;
  mode_t permissions = (wanted.st_mode & 0777) | at_least;
  const auto change_owner = [&](uid_t owner, gid_t group) {
    return repeated([&] { return ::fchown(to.number(), owner, group); }) == 0;
  };
  // Only root may give files away, and others only to groups of theirs. A group that is another one
  // must not see more than it could.
  const bool has_group = change_owner(wanted.st_uid, wanted.st_gid) ||
                         change_owner(static_cast<uid_t>(-1), wanted.st_gid);
  if (!has_group) permissions &= ~mode_t{070};
  if (repeated([&] { return ::fchmod(to.number(), permissions); }) != 0) {
    const bool is_refused_in_principle = errno == EPERM || errno == ENOTSUP || errno == ENOSYS;
    const problem reason = system_problem("cannot set the permissions of " + quoted(path));
    // vfat and many FUSE mounts have the same for all files: fine, if nobody may do more for it.
    const bool opens_more = (status_of(to, path).permissions() & ~permissions) != 0;
    if (!is_refused_in_principle || opens_more) throw reason;
  }
  adopt_attributes(original.number(), to.number(), has_group);
}

void disinherit(const descriptor& made) {
  for (const char* list : {"system.posix_acl_access", "system.posix_acl_default"}) {
    (void)::fremovexattr(made.number(), list);  // most have none
  }
}

}  // namespace revlora::tool
