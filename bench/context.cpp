#include "context.hpp"

#include <benchmark/benchmark.h>

#include <fstream>
#include <revlora/revlora.hpp>
#include <string>
#include <xsimd/xsimd.hpp>

#include "peak_amx.hpp"
#include "peers.hpp"

namespace bench {
namespace {

std::string processor() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("model name") && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "unknown";
}

std::string compiler() {
#ifdef __clang__
  const std::string name;  // Clang's text says it
#else
  const std::string name = "GCC ";
#endif
  return name + __VERSION__ + ", " REVLORA_BENCH_FLAGS;
}

/// That of everything that is revlora's; the benchmark's own files use all that the machine has.
std::string instruction_set() {
  return revlora::dispatch::name_of(revlora::dispatch::chosen());
}

std::string version(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

void describe_context() {
  const std::string missing = "not found when the benchmark was built";
  const auto say = [](const char* what, const std::string& value) {
    benchmark::AddCustomContext(what, value);
  };
  say("processor", processor());
  say("amx", can_run_amx() ? "yes" : "no");
  say("compiler", compiler());
  say("instruction_set", instruction_set());
  say("revlora", version(REVLORA_VERSION_MAJOR, REVLORA_VERSION_MINOR, REVLORA_VERSION_PATCH));
  say("xsimd", version(XSIMD_VERSION_MAJOR, XSIMD_VERSION_MINOR, XSIMD_VERSION_PATCH));
#ifdef REVLORA_BENCH_OPENBLAS
  say("openblas", openblas_version());
#else
  say("openblas", missing);
#endif
#ifdef REVLORA_BENCH_EIGEN
  say("eigen", eigen_version());
#else
  say("eigen", missing);
#endif
#ifdef REVLORA_BENCH_ONEDNN
  say("onednn", onednn_version());
#else
  say("onednn", missing);
#endif
}

}  // namespace bench
