#include "working_copy.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "problem.hpp"
#include "progress.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

/// A real copy, not a shared extent: a full disk shows here, as an error, and not as a fault when a
/// mapped page is written.
void copy_content(const fs::path& from, const fs::path& to) {
  const file_descriptor source(from, O_RDONLY, "read");
  const file_descriptor copy(to, O_WRONLY | O_CREAT | O_EXCL, "create");
  progress bar("copying", fs::file_size(from));
  constexpr std::size_t most_at_once = 16 << 20;
  for (;;) {
    const ssize_t sent = ::sendfile(copy.number(), source.number(), nullptr, most_at_once);
    if (sent < 0) throw system_problem("cannot write '" + to.string() + "'");
    if (sent == 0) return;
    bar.advance(static_cast<std::uint64_t>(sent));
  }
}

/// Owner and permissions like the original's; the owner only where that is allowed.
void adopt_permissions(const fs::path& original, const fs::path& path) {
  struct stat status;
  if (::stat(original.c_str(), &status) != 0) throw system_problem("'" + original.string() + "'");
  if (::chown(path.c_str(), status.st_uid, status.st_gid) != 0) {
    // Only root may give files away. Others own what they make, as with any editor.
  }
  if (::chmod(path.c_str(), status.st_mode & 07777) != 0) {
    throw system_problem("cannot set the permissions of '" + path.string() + "'");
  }
}

}  // namespace

working_copy::removal::~removal() {
  std::error_code ignored;
  if (!path.empty()) fs::remove(path, ignored);
}

working_copy::working_copy(const fs::path& original, const fs::path& path)
    : original_(original), path_(path), guard_(fs::path()) {
  if (fs::symlink_status(path).type() != fs::file_type::not_found) {
    throw problem("'" + path.string() + "' is in the way: left by an interrupted merge?");
  }
  guard_.path = path;  // from here on, what is there is ours to remove
  copy_content(original, path);
  mapping_.emplace(mapping::for_writing(path));
}

working_copy::~working_copy() = default;

void working_copy::finish() {
  const auto bytes = mapping_->bytes();
  if (!bytes.empty() && ::msync(bytes.data(), bytes.size(), MS_SYNC) != 0) {
    throw system_problem("cannot write '" + path_.string() + "'");
  }
  mapping_.reset();
  adopt_permissions(original_, path_);
  flush_to_disk(path_);
}

void copy_durably(const fs::path& from, const fs::path& to) {
  copy_content(from, to);
  adopt_permissions(from, to);
  flush_to_disk(to);
}

}  // namespace revlora::tool
