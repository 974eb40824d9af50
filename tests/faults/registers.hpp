// How a system call is kept from happening at the stop before it, and how its result is changed at
// the stop after it: by the registers of the processor. Known for x86-64 and AArch64.
#pragma once

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <cstddef>

namespace revlora::tool::test {

#if defined(__x86_64__)
#define REVLORA_CAN_CHANGE_CALLS 1

/// There is no call -1.
inline void skip_call(int thread) {
  ::ptrace(PTRACE_POKEUSER, thread, offsetof(user, regs.orig_rax), -1L);
}

inline void set_result(int thread, long result) {
  ::ptrace(PTRACE_POKEUSER, thread, offsetof(user, regs.rax), result);
}

#elif defined(__aarch64__)
#define REVLORA_CAN_CHANGE_CALLS 1

inline void skip_call(int thread) {
  int no_call = -1;
  iovec place{&no_call, sizeof no_call};
  ::ptrace(PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, &place);
}

inline void set_result(int thread, long result) {
  user_regs_struct registers;
  iovec place{&registers, sizeof registers};
  ::ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &place);
  registers.regs[0] = static_cast<unsigned long long>(result);
  ::ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &place);
}

#else
#define REVLORA_CAN_CHANGE_CALLS 0

inline void set_result(int, long) {
}
inline void skip_call(int, long) {
}

#endif

}  // namespace revlora::tool::test
