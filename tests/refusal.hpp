// How a refusal is checked: the right exception, a message that names the problem, weights
// untouched.
#pragma once

#include <regex>

#include "revlora/error.hpp"
#include "values.hpp"

namespace tests {

/// `pattern` is a regular expression that the message must contain, case ignored.
template <class Exception, class T, class Call>
testing::AssertionResult refuses(const matrix<T>& w, const std::string& pattern, Call call) {
  const matrix<T> before = w;
  try {
    call();
  } catch (const Exception& refusal) {
    if (auto same = same_bits(before, w); !same) {
      return testing::AssertionFailure() << "weights changed: " << same.message();
    }
    if (!std::regex_search(refusal.what(), std::regex(pattern, std::regex::icase))) {
      return testing::AssertionFailure()
             << "the message \"" << refusal.what() << "\" does not contain " << pattern;
    }
    return testing::AssertionSuccess() << "refused: " << refusal.what();
  } catch (const std::exception& other) {
    return testing::AssertionFailure() << "another exception: " << other.what();
  }
  return testing::AssertionFailure() << "not refused";
}

/// The same of what `validate` found.
template <class Exception, class T>
testing::AssertionResult refuses(const matrix<T>& w, const std::string& pattern,
                                 const revlora::validation& found) {
  return refuses<Exception>(w, pattern, [&] { revlora::detail::require(found); });
}

}  // namespace tests
