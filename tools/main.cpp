// The `revlora` program: all of it is in the library revlora_tool.
#include <filesystem>

#include "commands/program.hpp"

namespace {

namespace fs = std::filesystem;

/// Where `make install` puts it, as seen from the program; nothing if that cannot be told.
fs::path demo_data() {
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  return unknown ? fs::path() : program.parent_path().parent_path() / "share/revlora/demo/ocr-bf16";
}

}  // namespace

int main(int argc, char** argv) {
  return revlora::tool::run_program(argc, argv, demo_data());
}
