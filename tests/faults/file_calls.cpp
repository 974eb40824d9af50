#include "file_calls.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <iterator>

namespace revlora::tool::test {

namespace {

#define REVLORA_CALL(name) SYS_##name, #name
constexpr file_call_kind kinds[] = {
#ifdef SYS_open  // the calls without "at", which newer architectures do without
    {REVLORA_CALL(open), "p", true},
    {REVLORA_CALL(creat), "p", true},
    {REVLORA_CALL(stat), "p"},
    {REVLORA_CALL(lstat), "p"},
    {REVLORA_CALL(access), "p"},
    {REVLORA_CALL(readlink), "p"},
    {REVLORA_CALL(rename), "pp"},
    {REVLORA_CALL(link), "pp"},
    {REVLORA_CALL(symlink), "-p"},
    {REVLORA_CALL(unlink), "p"},
    {REVLORA_CALL(mkdir), "p"},
    {REVLORA_CALL(rmdir), "p"},
    {REVLORA_CALL(chmod), "p"},
    {REVLORA_CALL(chown), "p"},
    {REVLORA_CALL(lchown), "p"},
    {REVLORA_CALL(getdents), "f"},
#endif
#ifdef SYS_renameat
    {REVLORA_CALL(renameat), "dpdp"},
#endif
#ifdef SYS_newfstatat
    {REVLORA_CALL(newfstatat), "dp"},
#endif
#ifdef SYS_openat2
    {REVLORA_CALL(openat2), "dp", true},
#endif
#ifdef SYS_faccessat2
    {REVLORA_CALL(faccessat2), "dp"},
#endif
#ifdef SYS_fchmodat2
    {REVLORA_CALL(fchmodat2), "dp"},
#endif
    {REVLORA_CALL(openat), "dp", true},
    {REVLORA_CALL(close), "f", true},
    {REVLORA_CALL(fstat), "f"},
    {REVLORA_CALL(statx), "dp"},
    {REVLORA_CALL(statfs), "p"},
    {REVLORA_CALL(fstatfs), "f"},
    {REVLORA_CALL(faccessat), "dp"},
    {REVLORA_CALL(readlinkat), "dp"},
    {REVLORA_CALL(getdents64), "f"},
    {REVLORA_CALL(lseek), "f"},
    {REVLORA_CALL(read), "f", true},
    {REVLORA_CALL(readv), "f", true},
    {REVLORA_CALL(pread64), "f", true},
    {REVLORA_CALL(preadv), "f", true},
    {REVLORA_CALL(preadv2), "f", true},
    {REVLORA_CALL(write), "f", true},
    {REVLORA_CALL(writev), "f", true},
    {REVLORA_CALL(pwrite64), "f", true},
    {REVLORA_CALL(pwritev), "f", true},
    {REVLORA_CALL(pwritev2), "f", true},
    {REVLORA_CALL(sendfile), "ff", true},
    {REVLORA_CALL(splice), "f-f", true},
    {REVLORA_CALL(copy_file_range), "f-f", true},
    {REVLORA_CALL(fallocate), "f", true},
    {REVLORA_CALL(truncate), "p", true},
    {REVLORA_CALL(ftruncate), "f", true},
    {REVLORA_CALL(mmap), "----f"},
    {REVLORA_CALL(msync), "m", true},
    {REVLORA_CALL(fsync), "f", true},
    {REVLORA_CALL(fdatasync), "f", true},
    {REVLORA_CALL(sync_file_range), "f"},
    {REVLORA_CALL(syncfs), "f"},
    {REVLORA_CALL(fadvise64), "f"},
    {REVLORA_CALL(flock), "f", true},
    {REVLORA_CALL(fcntl), "f"},
    {REVLORA_CALL(ioctl), "f"},
    {REVLORA_CALL(renameat2), "dpdp"},
    {REVLORA_CALL(linkat), "dpdp"},
    {REVLORA_CALL(symlinkat), "-dp"},
    {REVLORA_CALL(unlinkat), "dp"},
    {REVLORA_CALL(mkdirat), "dp"},
    {REVLORA_CALL(fchmod), "f"},
    {REVLORA_CALL(fchmodat), "dp"},
    {REVLORA_CALL(fchown), "f"},
    {REVLORA_CALL(fchownat), "dp"},
    {REVLORA_CALL(utimensat), "dp"},
    {REVLORA_CALL(setxattr), "p"},
    {REVLORA_CALL(lsetxattr), "p"},
    {REVLORA_CALL(fsetxattr), "f"},
    {REVLORA_CALL(getxattr), "p"},
    {REVLORA_CALL(lgetxattr), "p"},
    {REVLORA_CALL(fgetxattr), "f"},
    {REVLORA_CALL(listxattr), "p"},
    {REVLORA_CALL(llistxattr), "p"},
    {REVLORA_CALL(flistxattr), "f"},
    {REVLORA_CALL(removexattr), "p"},
    {REVLORA_CALL(lremovexattr), "p"},
    {REVLORA_CALL(fremovexattr), "f"},
};
#undef REVLORA_CALL

}  // namespace

const file_call_kind* find_file_call(long number) {
  const auto* const found =
      std::find_if(std::begin(kinds), std::end(kinds),
                   [&](const file_call_kind& candidate) { return candidate.number == number; });
  return found == std::end(kinds) ? nullptr : found;
}

}  // namespace revlora::tool::test
