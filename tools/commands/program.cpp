#include "commands/program.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>

#include "commands/command_line.hpp"
#include "console/interruption.hpp"

namespace revlora::tool {

namespace {

int fail(exit_status with, std::string message) {
  // One line, whatever the library that reads the command line says.
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::replace_if(
      message.begin(), message.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  std::cerr << "revlora: " << message << '\n';
  return static_cast<int>(with);
}

/// Descriptors 0 to 2 must not become those of a model: what is printed would be written into it.
void open_standard_streams() {
  int number = 0;
  while (number >= 0 && number <= STDERR_FILENO) number = ::open("/dev/null", O_RDONLY);
  if (number >= 0) ::close(number);
}

/// Errors of writing, and no end in the middle of it: a reader that has gone, a limit to files.
void ignore_signals_of_writing() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

/// The files of a model are all open while it is worked on.
void allow_many_files() {
  struct rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int run_program(int argc, char** argv, const std::filesystem::path& demo_data) {
  open_standard_streams();
  ::umask(077);  // what is made gets its permissions from what it is made of
  ignore_signals_of_writing();
  allow_many_files();
  watch_for_interruptions();
  exit_status status = exit_status::done;
  try {
    status = run_command_line({argv + std::min(argc, 1), argv + argc}, demo_data);
  } catch (const interrupted_by_signal& error) {
    fail(exit_status::not_done, error.what());
    end_by_signal(error.signal());
  } catch (const partly_done& error) {
    return fail(exit_status::partly_done, error.what());
  } catch (const std::exception& error) {
    return fail(exit_status::not_done, reason_of(error));
  }
  std::cout.flush();
  if (!std::cout && status != exit_status::done_with_trouble) {  // which said so already
    return fail(exit_status::not_done, "cannot write to the standard output");
  }
  return static_cast<int>(status);
}

}  // namespace revlora::tool
