#include "traced_call.hpp"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <fstream>

namespace revlora::tool::test {

namespace fs = std::filesystem;

namespace {

fs::path system_folder_of(int thread) {
  return fs::path("/proc") / std::to_string(thread);
}

/// The file that a descriptor is of. Pipes and the like have no path, only a name.
fs::path path_of_descriptor(int thread, int descriptor) {
  std::error_code ignored;
  const auto folder = system_folder_of(thread);
  return fs::read_symlink(
      descriptor == AT_FDCWD ? folder / "cwd" : folder / "fd" / std::to_string(descriptor),
      ignored);
}

std::string text_at(int thread, unsigned long long address) {
  char text[PATH_MAX] = "";
  const int memory = ::open((system_folder_of(thread) / "mem").c_str(), O_RDONLY | O_CLOEXEC);
  // Less than that where the memory ends.
  const ssize_t count = ::pread(memory, text, sizeof text - 1, static_cast<off_t>(address));
  ::close(memory);
  return count > 0 ? std::string(text) : "";
}

/// An empty text means where the path starts itself, and an absolute one does without it.
fs::path path_from(const fs::path& start, const std::string& text) {
  return text.empty() ? start : start / text;
}

fs::path path_of_mapping(int thread, unsigned long long address) {
  std::ifstream maps(system_folder_of(thread) / "maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx", &begin, &end) != 2) continue;
    const auto path = line.find('/');
    if (begin <= address && address < end && path != std::string::npos) return line.substr(path);
  }
  return {};
}

std::vector<fs::path> paths_of(int thread, const stopped_call& call) {
  std::vector<fs::path> paths;
  int start = AT_FDCWD;
  for (std::size_t i = 0; i < call.kind->arguments.size(); ++i) {
    const auto argument = call.arguments[i];
    switch (call.kind->arguments[i]) {
      case 'f':
        paths.push_back(path_of_descriptor(thread, static_cast<int>(argument)));
        break;
      case 'd':
        start = static_cast<int>(argument);
        break;
      case 'p':
        paths.push_back(path_from(path_of_descriptor(thread, start), text_at(thread, argument)));
        break;
      case 'm':
        paths.push_back(path_of_mapping(thread, argument));
        break;
      default:
        break;
    }
  }
  return paths;
}

bool is_in(const fs::path& folder, const fs::path& path) {
  const fs::path plain = path.lexically_normal();
  return std::mismatch(folder.begin(), folder.end(), plain.begin(), plain.end()).first ==
         folder.end();
}

}  // namespace

std::optional<stopped_call> stopped_call_of(int thread) {
  __ptrace_syscall_info info = {};
  void* const size = reinterpret_cast<void*>(sizeof info);
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, size, &info) < 0) return {};
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return {};
  const auto* const kind = find_file_call(static_cast<long>(info.entry.nr));
  if (kind == nullptr) return {};
  stopped_call call{kind, {}};
  std::copy(std::begin(info.entry.args), std::end(info.entry.args), call.arguments);
  return call;
}

std::optional<file_call> describe(int thread, const stopped_call& call, const fs::path& folder) {
  const auto paths = paths_of(thread, call);
  const auto concerns = [&](const fs::path& path) { return is_in(folder, path); };
  if (std::none_of(paths.begin(), paths.end(), concerns)) return {};
  std::string text(call.kind->name);
  for (const fs::path& path : paths) {
    text += ' ' + (concerns(path) ? path.lexically_normal().lexically_relative(folder).string()
                                  : path.string());
  }
  return file_call{text, call.kind->interruptible};
}

}  // namespace revlora::tool::test
