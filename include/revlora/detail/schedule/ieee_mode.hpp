// Runs a piece of work in IEEE default mode, whatever mode the thread is in.
#pragma once

#include <cstdint>
#if defined(__SSE2__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <cfenv>
#endif

#include "../namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

/// While it lives: round to nearest even, subnormals neither flushed nor taken as zero, exceptions
/// masked. Afterwards the thread has again what it had, status flags included.
class ieee_mode {
 public:
  ieee_mode(const ieee_mode&) = delete;
  ieee_mode& operator=(const ieee_mode&) = delete;

#if defined(__SSE2__)
  ieee_mode() : saved_(_mm_getcsr()) {
    _mm_setcsr(0x1f80);
  }
  ~ieee_mode() {
    _mm_setcsr(saved_);
  }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  ieee_mode() {
    asm volatile("mrs %0, fpcr" : "=r"(control_));
    asm volatile("mrs %0, fpsr" : "=r"(status_));
    asm volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}) : "memory");
  }
  ~ieee_mode() {
    asm volatile("msr fpcr, %0" : : "r"(control_) : "memory");
    asm volatile("msr fpsr, %0" : : "r"(status_) : "memory");
  }

 private:
  std::uint64_t control_, status_;
#else
  ieee_mode() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~ieee_mode() {
    std::fesetenv(&saved_);
  }

 private:
  std::fenv_t saved_;
#endif
};

// Out of line because GCC 12 moves floating-point arithmetic across a change of mode.
template <class Work>
[[gnu::noinline]] void call_out_of_line(const Work& work, std::ptrdiff_t i) noexcept {
  work(i);
}

template <class Work>
void in_ieee_mode(const Work& work, std::ptrdiff_t i) noexcept {
  const ieee_mode mode;
  call_out_of_line(work, i);
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
