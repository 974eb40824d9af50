#include "tracer.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "file_calls.hpp"
#include "registers.hpp"
#include "traced_call.hpp"

namespace revlora::tool::test {

namespace fs = std::filesystem;

namespace {

constexpr long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD |
                         PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                         PTRACE_O_TRACEEXEC;

/// In the child: asks to be traced, and waits for it.
void offer_to_be_traced(std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  const bool offered = ::setpgid(0, 0) == 0 && ::ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 &&
                       ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                       ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  if (!offered) ::_exit(127);
  ::raise(SIGSTOP);
}

class tracing {
 public:
  tracing(const fs::path& folder, const fault& wanted) : folder_(folder), wanted_(wanted) {}

  traced_run run(const std::vector<std::string>& arguments, const fs::path& report) {
    // Memory, not a pipe, which somebody would have to empty meanwhile.
    const int errors = ::memfd_create("errors", MFD_CLOEXEC);
    start(arguments, report, errors);
    follow();
    run_.errors.resize(static_cast<std::size_t>(::lseek(errors, 0, SEEK_END)));
    if (::pread(errors, run_.errors.data(), run_.errors.size(), 0) < 0) run_.errors.clear();
    ::close(errors);
    return std::move(run_);
  }

 private:
  void start(const std::vector<std::string>& arguments, const fs::path& report, int errors) {
    std::vector<char*> pointers;
    for (const auto& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    auto filter = file_call_filter();
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
      ::dup2(::open(report.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), STDOUT_FILENO);
      ::dup2(errors, STDERR_FILENO);
      offer_to_be_traced(filter);
      ::execv(pointers.front(), pointers.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(process_, &status, 0);
    if (!WIFSTOPPED(status) || ::ptrace(PTRACE_SETOPTIONS, process_, 0, options) != 0) {
      ::kill(process_, SIGKILL);
      throw std::runtime_error("a child process cannot be traced here");
    }
    ::ptrace(PTRACE_CONT, process_, 0, 0);
  }

  /// Until the last process of the program's group is gone.
  void follow() {
    int status = 0;
    for (int thread; (thread = ::waitpid(-process_, &status, __WALL)) > 0;) {
      if (WIFSTOPPED(status)) {
        go_on(thread, status);
      } else if (thread == process_) {
        run_.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        run_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      }
    }
  }

  void go_on(int thread, int status) {
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP) {
      before_call(thread);
    } else if (signal == (SIGTRAP | 0x80)) {
      after_call(thread);
    } else {
      // A stop with an event, and the first one of a thread, is for the tracer only.
      const bool is_theirs = event == 0 && signal != SIGSTOP;
      ::ptrace(PTRACE_CONT, thread, 0, is_theirs ? signal : 0);
    }
  }

  void before_call(int thread) {
    const auto call = stopped_call_of(thread);
    const auto described = call ? describe(thread, *call, folder_) : std::nullopt;
    if (described) run_.calls.push_back(*described);
    const bool strikes =
        described && wanted_.what != fault::kind::none && run_.calls.size() == wanted_.call + 1;
    if (!strikes) {
      ::ptrace(PTRACE_CONT, thread, 0, 0);
      return;
    }
    run_.struck = true;
    if (wanted_.what == fault::kind::killed_before) {
      ::kill(process_, SIGKILL);
    } else if (wanted_.what == fault::kind::killed_after ||
               std::string(call->kind->name) == "close") {
      ::ptrace(PTRACE_SYSCALL, thread, 0, 0);  // to after_call
    } else {
      skip_call(thread, -wanted_.error);
      ::ptrace(PTRACE_CONT, thread, 0, 0);
    }
  }

  void after_call(int thread) {
    if (wanted_.what == fault::kind::killed_after) {
      ::kill(process_, SIGKILL);
    } else {
      set_result(thread, -wanted_.error);
      ::ptrace(PTRACE_CONT, thread, 0, 0);
    }
  }

  fs::path folder_;
  fault wanted_;
  int process_ = 0;
  traced_run run_;
};

}  // namespace

std::string why_not_traceable() {
  if (!REVLORA_CAN_CHANGE_CALLS) return "the registers of this processor are not known";
  try {
    const auto run = run_traced({"/bin/sh", "-c", ": < /dev/null"}, "/dev/null", "/dev/null");
    return run.calls.empty() ? "the kernel does not tell of a child's calls" : "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

traced_run run_traced(const std::vector<std::string>& arguments, const fs::path& folder,
                      const fs::path& report, const fault& wanted) {
  return tracing(folder, wanted).run(arguments, report);
}

}  // namespace revlora::tool::test
