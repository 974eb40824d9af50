// Where a call works.
#pragma once

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>

#include "answer.hpp"
#include "arguments.hpp"
#include "revlora/dispatch.hpp"
#include "revlora/error.hpp"
#include "revlora/parallel.hpp"
#include "revlora/revlora.h"

namespace revlora::c {

/// What C passes, as the library takes it.
struct callers_executor {
  revlora_executor given;

  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    const auto call_body = [](const void* work, std::ptrdiff_t i) {
      (*static_cast<const Body*>(work))(i);
    };
    try {
      given.parallel_for(given.context, count, call_body, &body);
    } catch (const std::exception& thrown) {
      throw executor_failed(std::string("revlora: the executor threw: ") + thrown.what());
    } catch (...) {
      throw executor_failed("revlora: the executor threw what is no std::exception");
    }
  }
};

/// OpenMP, where the library was built with it.
inline default_executor team_of([[maybe_unused]] int threads) {
#ifdef _OPENMP
  return {threads};
#else
  return {};
#endif
}

/// That there are kernels to work with.
inline void check_instruction_set() {
  try {
    dispatch::chosen();
  } catch (const std::runtime_error& thrown) {
    throw impossible_instruction_set(thrown.what());
  }
}

/// `verb(executor, workspace)`, as the options say.
template <class Verb>
auto perform(const revlora_options* given, const Verb& verb) {
  const revlora_options options = options_of(given);
  check_instruction_set();
  workspace* const memory = options.workspace != nullptr ? &options.workspace->memory : nullptr;
  if (options.executor.parallel_for != nullptr)
    return verb(callers_executor{options.executor}, memory);
  return verb(team_of(options.threads), memory);
}

}  // namespace revlora::c
