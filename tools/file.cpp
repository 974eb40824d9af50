#include "file.hpp"

#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "interruption.hpp"
#include "problem.hpp"
#include "progress.hpp"
#include "text.hpp"

namespace revlora::tool {

namespace {

file_status status_of(int number, const std::filesystem::path& path) {
  file_status status;
  if (repeated([&] { return ::fstat(number, &status.system); }) != 0) {
    throw system_problem("cannot look at " + quoted(path));
  }
  return status;
}

std::uint64_t nanoseconds_of(const timespec& time) {
  constexpr std::uint64_t second = 1'000'000'000;
  return static_cast<std::uint64_t>(time.tv_sec) * second +
         static_cast<std::uint64_t>(time.tv_nsec);
}

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

bool file_status::is_same_file(const file_status& other) const {
  return device() == other.device() && inode() == other.inode();
}

std::uint64_t file_status::modified() const {
  return nanoseconds_of(system.st_mtim);
}

std::uint64_t file_status::changed() const {
  return nanoseconds_of(system.st_ctim);
}

bool file_status::is_unchanged(const file_status& other) const {
  return is_same_file(other) && size() == other.size() && changed() == other.changed();
}

file::file(descriptor opened, std::filesystem::path path)
    : descriptor_(std::move(opened)),
      path_(std::move(path)),
      status_(status_of(descriptor_.number(), path_)) {
  if (!status_.is_regular()) throw problem(quoted(path_) + " is not a regular file");
}

file_status file::status_now() const {
  return status_of(number(), path_);
}

void file::read(std::span<std::byte> to, std::uint64_t offset) const {
  while (!to.empty()) {
    const ssize_t count = repeated(
        [&] { return ::pread(number(), to.data(), to.size(), static_cast<off_t>(offset)); });
    if (count < 0) throw system_problem("cannot read " + quoted(path_));
    if (count == 0) {
      throw problem(quoted(path_) + " ends after " + std::to_string(offset) +
                    " bytes: somebody truncated it meanwhile");
    }
    to = to.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

std::vector<std::byte> file::read_start(std::uint64_t most) const {
  std::vector<std::byte> bytes(std::min(most, size()));
  read(bytes, 0);
  return bytes;
}

std::string file::read_text() const {
  constexpr std::uint64_t longest = 100'000'000;  // as of the headers of safetensors files
  if (size() > longest) {
    throw problem(quoted(path_) + " is no text of this kind: it has " + describe_bytes(size()));
  }
  std::string text(size(), '\0');
  read(std::as_writable_bytes(std::span(text)), 0);
  return text;
}

void file::write(std::span<const std::byte> from, std::uint64_t offset) const {
  while (!from.empty()) {
    const ssize_t count = repeated(
        [&] { return ::pwrite(number(), from.data(), from.size(), static_cast<off_t>(offset)); });
    if (count < 0) throw system_problem("cannot write " + quoted(path_));
    from = from.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void file::copy_from(const file& original) const {
  progress bar("copying", original.size());
  constexpr std::uint64_t most_at_once = 16 << 20;
  off_t done = 0;
  while (static_cast<std::uint64_t>(done) < original.size()) {
    stop_if_interrupted();
    const auto rest = original.size() - static_cast<std::uint64_t>(done);
    const ssize_t sent = repeated([&] {
      return ::sendfile(number(), original.number(), &done, std::min(rest, most_at_once));
    });
    if (sent < 0) {
      throw system_problem("cannot copy " + quoted(original.path()) + " to " + quoted(path_));
    }
    if (sent == 0) throw problem(quoted(original.path()) + " was truncated meanwhile");
    bar.advance(static_cast<std::uint64_t>(sent));
  }
}

void file::adopt(const file& original) const {
  tool::adopt(descriptor_, path_, original.descriptor_, 0);
}

void file::flush() const {
  if (repeated([&] { return ::fsync(number()); }) != 0) {
    throw system_problem("cannot write " + quoted(path_) + " to disk");
  }
}

bool file::lock(lock_kind wanted) const {
  return tool::lock(descriptor_, path_, wanted);
}

void file::settle() {
  using namespace std::chrono;
  timespec tick{};
  ::clock_getres(CLOCK_REALTIME_COARSE, &tick);  // by which files are dated
  const bool knows_whole_seconds_only = status_.changed() % 1'000'000'000 == 0;
  const nanoseconds wait =
      knows_whole_seconds_only ? nanoseconds(2s) : nanoseconds(2 * tick.tv_nsec);
  const nanoseconds age = system_clock::now().time_since_epoch() - nanoseconds(status_.changed());
  if (age < wait) std::this_thread::sleep_for(std::min(wait, wait - age));
  status_ = status_now();
}

void adopt(const descriptor& to, const std::filesystem::path& path, const descriptor& original,
           unsigned at_least) {
  const struct stat wanted = status_of(original.number(), path).system;
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
    throw system_problem("cannot set the permissions of " + quoted(path));
  }
  adopt_attributes(original.number(), to.number(), has_group);
}

void disinherit(const descriptor& made) {
  for (const char* list : {"system.posix_acl_access", "system.posix_acl_default"}) {
    (void)::fremovexattr(made.number(), list);  // most have none
  }
}

bool lock(const descriptor& target, const std::filesystem::path& path, file::lock_kind wanted) {
  const int operation = wanted == file::lock_kind::shared ? LOCK_SH : LOCK_EX;
  if (repeated([&] { return ::flock(target.number(), operation | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  // Some network file systems have no locks. That is no reason to refuse the work.
  note(system_problem("cannot lock " + quoted(path)).what());
  return true;
}

}  // namespace revlora::tool
