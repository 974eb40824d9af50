#include "tracer.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "registers.hpp"
#include "traced_call.hpp"

namespace revlora::tool::test {

namespace fs = std::filesystem;

namespace {

constexpr long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
                         PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;

/// In the child: on one processor the program has one thread, and makes the same calls in the same
/// order each time.
void stay_on_one_processor() {
  cpu_set_t processors;
  if (::sched_getaffinity(0, sizeof processors, &processors) != 0) ::_exit(127);
  int first = 0;
  while (!CPU_ISSET(first, &processors)) ++first;
  CPU_ZERO(&processors);
  CPU_SET(first, &processors);
  if (::sched_setaffinity(0, sizeof processors, &processors) != 0) ::_exit(127);
}

/// In the child: asks to be traced, and waits for it.
void offer_to_be_traced() {
  if (::setpgid(0, 0) != 0 || ::ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) ::_exit(127);
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
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
      ::dup2(::open(report.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), STDOUT_FILENO);
      ::dup2(errors, STDERR_FILENO);
      stay_on_one_processor();
      offer_to_be_traced();
      ::execv(pointers.front(), pointers.data());
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(process_, &status, 0);
    if (!WIFSTOPPED(status) || ::ptrace(PTRACE_SETOPTIONS, process_, 0, options) != 0) {
      ::kill(process_, SIGKILL);
      throw std::runtime_error("a child process cannot be traced here");
    }
    ::ptrace(PTRACE_SYSCALL, process_, 0, 0);
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
    constexpr int at_call = SIGTRAP | 0x80;
    const int signal = WSTOPSIG(status);
    if (signal == at_call) {
      if (const auto call = stopped_call_of(thread)) {
        before_call(thread, *call);
      } else if (thread == struck_thread_) {
        after_struck_call();
      }
    }
    // Other stops with an event, and the first one of a thread, are for the tracer only.
    const bool is_theirs = status >> 16 == 0 && signal != SIGSTOP && signal != at_call;
    ::ptrace(PTRACE_SYSCALL, thread, 0, is_theirs ? signal : 0);
  }

  void before_call(int thread, const stopped_call& call) {
    const auto described = describe(thread, call, folder_);
    if (!described) return;
    run_.calls.push_back(*described);
    if (wanted_.what == fault::kind::none || run_.calls.size() != wanted_.call + 1) return;
    run_.struck = true;
    struck_thread_ = thread;
    if (wanted_.what == fault::kind::killed_before) {
      ::kill(process_, SIGKILL);
    } else if (wanted_.what == fault::kind::failed && call.kind->name != "close") {
      skip_call(thread);
    }
  }

  void after_struck_call() {
    if (wanted_.what == fault::kind::failed) {
      set_result(struck_thread_, -wanted_.error);
    } else {
      ::kill(process_, SIGKILL);
    }
    struck_thread_ = 0;
  }

  fs::path folder_;
  fault wanted_;
  int process_ = 0;
  int struck_thread_ = 0;  ///< as long as it is in the call of the fault
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
