// The contract suite: says what it was built by, runs the sections, and returns 1 if one failed.
#include <cstdio>
#include <exception>

#include <revlora/revlora.hpp>

#include "check.hpp"
#include "sections.hpp"

namespace {

void say_built_by() {
  std::printf("C++ %ld", static_cast<long>(__cplusplus / 100));
#ifdef REVLORA_DISPATCH
  std::printf(", revlora::dispatch");
#else
  std::printf(", %s, xsimd %d.%d", xsimd::default_arch::name(), XSIMD_VERSION_MAJOR,
              XSIMD_VERSION_MINOR);
#endif
#ifdef _OPENMP
  std::printf(", OpenMP");
#endif
#ifndef __cpp_exceptions
  std::printf(", no exceptions");
#endif
  std::printf(", compiler %s\n", __VERSION__);
}

void run(const char* name, void (*section)()) {
  const int before = contract::failures;
#ifdef __cpp_exceptions
  try {
    section();
  } catch (const std::exception& unexpected) {
    contract::fail(__FILE__, __LINE__, std::string(name) + ": thrown: " + unexpected.what());
  }
#else
  section();
#endif
  std::printf("%s: %s\n", name, contract::failures == before ? "passed" : "FAILED");
  std::fflush(stdout);
}

}  // namespace

int main() {
  say_built_by();
  run("golden bytes", contract::golden_bytes);
  run("round trips", contract::round_trips);
  run("interop", contract::interop);
  run("bad input", contract::bad_input);
  run("failing executors", contract::failing_executors);
  return contract::failures == 0 ? 0 : 1;
}
