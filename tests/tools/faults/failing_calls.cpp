// Preloaded into the program: one call of a kind, counted from 1, does not do what it should. By
// the environment:
//   REVLORA_FAULT_KIND     write, copy, clone, rename, rename_with_flags, link, sync, sync_folder,
//                          create, mkdir, truncate, remove, permit or lock
//   REVLORA_FAULT_NUMBER   which call of this kind in the process
//   REVLORA_FAULT          ENOSPC, EIO, EINVAL, EOPNOTSUPP, EINTR: it fails; "short": it writes
//   half;
//                          "killed_before", "killed_after": the process ends there by SIGKILL
//   REVLORA_FAULT_LASTING  if set, later calls of the kind fail, too: a disk that stays full
//   REVLORA_FAULT_TOLD     a file that is made when it happens
// Standard streams are left alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <string_view>

namespace {

enum class effect { none, fails, is_short, kills_before, kills_after };

struct named_error {
  std::string_view name;
  int number;
};
constexpr named_error errors[] = {{"ENOSPC", ENOSPC},         {"EIO", EIO},     {"EINVAL", EINVAL},
                                  {"EOPNOTSUPP", EOPNOTSUPP}, {"EINTR", EINTR}, {"ENOSYS", ENOSYS},
                                  {"ENOLCK", ENOLCK},         {"EPERM", EPERM}};

std::string_view variable(const char* name) {
  const char* const text = std::getenv(name);
  return text ? text : "";
}

/// What is asked for by the environment.
class fault {
 public:
  fault()
      : kind_(variable("REVLORA_FAULT_KIND")),
        number_(std::atol(variable("REVLORA_FAULT_NUMBER").data())),
        is_lasting_(std::getenv("REVLORA_FAULT_LASTING") != nullptr) {
    const std::string_view what = variable("REVLORA_FAULT");
    if (what == "short") {
      effect_ = effect::is_short;
    } else if (what == "killed_before") {
      effect_ = effect::kills_before;
    } else if (what == "killed_after") {
      effect_ = effect::kills_after;
    } else {
      const auto* const found = std::find_if(std::begin(errors), std::end(errors),
                                             [&](const auto& each) { return each.name == what; });
      if (found == std::end(errors)) return;
      effect_ = effect::fails;
      error_ = found->number;
    }
  }

  /// To be asked at each call of a kind.
  effect of_next(std::string_view kind) {
    if (kind != kind_) return effect::none;
    const long now = ++count_;
    if (now < number_ || (now > number_ && !is_lasting_)) return effect::none;
    tell();
    return effect_;
  }
  int error() const { return error_; }

 private:
  static void tell() {
    if (const char* const path = std::getenv("REVLORA_FAULT_TOLD")) {
      const long made = ::syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0600);
      if (made >= 0) ::syscall(SYS_close, made);
    }
  }

  std::string_view kind_;
  long number_;
  bool is_lasting_;
  effect effect_ = effect::none;
  int error_ = 0;
  std::atomic<long> count_ = 0;
};

fault& wanted() {
  static fault only;
  return only;
}

[[noreturn]] void end() {
  for (;;) ::kill(::getpid(), SIGKILL);
}

/// The function that is hidden by one of this name here.
template <class Function>
Function* hidden(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// `call(count)` does the work, with the count that is asked for or half of it.
template <class Call>
auto disturbed(std::string_view kind, std::size_t count, Call call) -> decltype(call(count)) {
  const effect what = wanted().of_next(kind);
  if (what == effect::kills_before) end();
  if (what == effect::fails) {
    errno = wanted().error();
    return -1;
  }
  const auto result = call(what == effect::is_short && count > 1 ? count / 2 : count);
  if (what == effect::kills_after) end();
  return result;
}

template <class Call>
auto disturbed(std::string_view kind, Call call) {
  return disturbed(kind, 0, [&](std::size_t) { return call(); });
}

bool is_standard(int descriptor) {
  return descriptor <= STDERR_FILENO;
}

bool creates(int flags) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

bool is_folder(int descriptor) {
  struct stat status;
  return ::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

/// Writes are counted together, by whatever call.
template <class Call>
ssize_t disturbed_write(int descriptor, std::size_t count, Call call) {
  return is_standard(descriptor) ? call(count) : disturbed("write", count, call);
}

template <class Open>
int disturbed_open(int flags, Open open) {
  return creates(flags) ? disturbed("create", open) : open();
}

mode_t mode_in(va_list arguments, int flags) {
  return creates(flags) ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

}  // namespace

#define REVLORA_HIDDEN(name) static auto* const real = hidden<decltype(::name)>(#name)

extern "C" {

ssize_t write(int descriptor, const void* from, size_t count) {
  REVLORA_HIDDEN(write);
  return disturbed_write(descriptor, count,
                         [&](size_t some) { return real(descriptor, from, some); });
}

ssize_t pwrite(int descriptor, const void* from, size_t count, off_t offset) {
  REVLORA_HIDDEN(pwrite);
  return disturbed_write(descriptor, count,
                         [&](size_t some) { return real(descriptor, from, some, offset); });
}

ssize_t pwrite64(int descriptor, const void* from, size_t count, off64_t offset) {
  REVLORA_HIDDEN(pwrite64);
  return disturbed_write(descriptor, count,
                         [&](size_t some) { return real(descriptor, from, some, offset); });
}

ssize_t copy_file_range(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t count,
                        unsigned flags) {
  REVLORA_HIDDEN(copy_file_range);
  return disturbed("copy", count, [&](size_t some) {
    return real(from, from_offset, to, to_offset, some, flags);
  });
}

ssize_t sendfile(int to, int from, off_t* offset, size_t count) {
  REVLORA_HIDDEN(sendfile);
  return disturbed("copy", count, [&](size_t some) { return real(to, from, offset, some); });
}

ssize_t sendfile64(int to, int from, off64_t* offset, size_t count) {
  REVLORA_HIDDEN(sendfile64);
  return disturbed("copy", count, [&](size_t some) { return real(to, from, offset, some); });
}

int ioctl(int descriptor, unsigned long request, ...) {
  REVLORA_HIDDEN(ioctl);
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request != FICLONE && request != FICLONERANGE) return real(descriptor, request, argument);
  return disturbed("clone", [&] { return real(descriptor, request, argument); });
}

int rename(const char* from, const char* to) {
  REVLORA_HIDDEN(rename);
  return disturbed("rename", [&] { return real(from, to); });
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  REVLORA_HIDDEN(renameat);
  return disturbed("rename", [&] { return real(from_folder, from, to_folder, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  REVLORA_HIDDEN(renameat2);
  return disturbed(flags == 0 ? "rename" : "rename_with_flags",
                   [&] { return real(from_folder, from, to_folder, to, flags); });
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  REVLORA_HIDDEN(linkat);
  return disturbed("link", [&] { return real(from_folder, from, to_folder, to, flags); });
}

int fsync(int descriptor) {
  REVLORA_HIDDEN(fsync);
  return disturbed(is_folder(descriptor) ? "sync_folder" : "sync",
                   [&] { return real(descriptor); });
}

int fdatasync(int descriptor) {
  REVLORA_HIDDEN(fdatasync);
  return disturbed("sync", [&] { return real(descriptor); });
}

int open(const char* path, int flags, ...) {
  REVLORA_HIDDEN(open);
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(arguments, flags);
  va_end(arguments);
  return disturbed_open(flags, [&] { return real(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  REVLORA_HIDDEN(open64);
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(arguments, flags);
  va_end(arguments);
  return disturbed_open(flags, [&] { return real(path, flags, mode); });
}

int openat(int folder, const char* path, int flags, ...) {
  REVLORA_HIDDEN(openat);
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(arguments, flags);
  va_end(arguments);
  return disturbed_open(flags, [&] { return real(folder, path, flags, mode); });
}

int openat64(int folder, const char* path, int flags, ...) {
  REVLORA_HIDDEN(openat64);
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(arguments, flags);
  va_end(arguments);
  return disturbed_open(flags, [&] { return real(folder, path, flags, mode); });
}

int mkdirat(int folder, const char* path, mode_t mode) {
  REVLORA_HIDDEN(mkdirat);
  return disturbed("mkdir", [&] { return real(folder, path, mode); });
}

int mkdir(const char* path, mode_t mode) {
  REVLORA_HIDDEN(mkdir);
  return disturbed("mkdir", [&] { return real(path, mode); });
}

int ftruncate(int descriptor, off_t size) {
  REVLORA_HIDDEN(ftruncate);
  return disturbed("truncate", [&] { return real(descriptor, size); });
}

int ftruncate64(int descriptor, off64_t size) {
  REVLORA_HIDDEN(ftruncate64);
  return disturbed("truncate", [&] { return real(descriptor, size); });
}

int fallocate(int descriptor, int mode, off_t offset, off_t size) {
  REVLORA_HIDDEN(fallocate);
  return disturbed("truncate", [&] { return real(descriptor, mode, offset, size); });
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t size) {
  REVLORA_HIDDEN(fallocate64);
  return disturbed("truncate", [&] { return real(descriptor, mode, offset, size); });
}

int unlink(const char* path) {
  REVLORA_HIDDEN(unlink);
  return disturbed("remove", [&] { return real(path); });
}

int unlinkat(int folder, const char* path, int flags) {
  REVLORA_HIDDEN(unlinkat);
  return disturbed("remove", [&] { return real(folder, path, flags); });
}

int fchmod(int descriptor, mode_t mode) {
  REVLORA_HIDDEN(fchmod);
  return disturbed("permit", [&] { return real(descriptor, mode); });
}

int fchown(int descriptor, uid_t owner, gid_t group) {
  REVLORA_HIDDEN(fchown);
  return disturbed("permit", [&] { return real(descriptor, owner, group); });
}

int flock(int descriptor, int operation) {
  REVLORA_HIDDEN(flock);
  return disturbed("lock", [&] { return real(descriptor, operation); });
}

}  // extern "C"
