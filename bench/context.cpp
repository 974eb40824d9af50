#include "context.hpp"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <fstream>
#include <revlora/revlora.hpp>
#include <string>
#include <xsimd/xsimd.hpp>

#include "peak_amx.hpp"
#include "peers.hpp"

namespace bench {
namespace {

/// The first line of a file that begins with a name, behind its colon.
std::string line_of(const char* path, const std::string& name) {
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name) && line.find(": ") != line.npos)
      return line.substr(line.find(": ") + 2);
  return "";
}

std::string whole(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Hypervisors hide names of models, but not these numbers.
std::string processor() {
  constexpr auto path = "/proc/cpuinfo";
  const std::string name = line_of(path, "model name");
  if (name.empty()) return "unknown";
  const std::string features = line_of(path, "flags");
  return name + ", family " + line_of(path, "cpu family") + ", model " + line_of(path, "model\t") +
         (features.find(" hypervisor") == features.npos ? "" : ", a virtual machine");
}

/// "L1 48K, L2 1024K, L3 32768K".
std::string caches() {
  std::string text;
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string level = whole(folder + "level");
    if (level.empty() || whole(folder + "type") == "Instruction") continue;
    text += (text.empty() ? "L" : ", L") + level + " " + whole(folder + "size");
  }
  return text.empty() ? "unknown" : text;
}

/// And whether the system makes large ones of them unasked: "always [madvise] never".
std::string pages() {
  const std::string large = whole("/sys/kernel/mm/transparent_hugepage/enabled");
  const std::size_t begin = large.find('['), end = large.find(']');
  return std::to_string(sysconf(_SC_PAGESIZE)) + " bytes, transparent huge pages: " +
         (end == large.npos ? "unknown" : large.substr(begin + 1, end - begin - 1));
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

std::string available_sets() {
  std::string text;
  for (const auto set : revlora::dispatch::available())
    text += (text.empty() ? "" : ", ") + std::string(revlora::dispatch::name_of(set));
  return text;
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
  say("caches", caches());
  say("pages", pages());
  say("amx", can_run_amx() ? "yes" : "no");
  say("compiler", compiler());
  say("instruction_set", instruction_set());
  say("available_sets", available_sets());
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
