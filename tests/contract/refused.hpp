// How a refusal is checked: what validate says of it, and that the call ends accordingly.
#pragma once

#include <cstddef>
#include <string>
#if !defined(__cpp_exceptions) && defined(__unix__)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#endif

#include <revlora/revlora.hpp>

#include "check.hpp"

namespace contract {

#if defined(__cpp_exceptions)

/// `call` throws what validate found.
template <class Call>
void ends_by(const revlora::validation& found, const Call& call, const std::string& about) {
  try {
    call();
    CHECK(false, about + " was not refused");
  } catch (const revlora::record_refused& refused) {
    CHECK(refused.reason() == found.reason(), about);
    CHECK(refused.what() == found.text(), about);
  } catch (const revlora::executor_failed& failed) {
    CHECK(found.reason() == revlora::refusal::executor_failed, about);
    CHECK(failed.what() == found.text(), about);
  } catch (const revlora::invalid_input& refused) {
    CHECK(found.reason() == revlora::refusal::invalid_input, about);
    CHECK(refused.what() == found.text(), about);
  }
}

#elif defined(__unix__)

/// A child that makes the call prints what validate found to stderr and aborts.
template <class Call>
void ends_by(const revlora::validation& found, const Call& call, const std::string& about) {
  int ends[2];
  CHECK(pipe(ends) == 0, about);
  const pid_t child = fork();
  CHECK(child >= 0, about);
  if (child == 0) {
    const rlimit no_core_file{};
    setrlimit(RLIMIT_CORE, &no_core_file);
    dup2(ends[1], STDERR_FILENO);
    call();
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char piece[256];
  for (ssize_t count; (count = read(ends[0], piece, sizeof piece)) > 0;)
    said.append(piece, static_cast<std::size_t>(count));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, about);
  CHECK(said.find(found.text()) != std::string::npos, about + ", said: " + said);
}

#else

template <class Call>
void ends_by(const revlora::validation&, const Call&, const std::string& about) {
  std::printf("%s: how the program ends is not tested without exceptions and fork\n",
              about.c_str());
}

#endif

}  // namespace contract
