// How checks end that fail.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "../error.hpp"
#include "namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

struct shape {
  std::ptrdiff_t rows, cols;
};

/// What a message calls an argument of a call. It is put into words only where there is something
/// to say: a call that is in order allocates nothing for them.
struct argument {
  const char* words;
  std::ptrdiff_t index = -1;   ///< behind the words, if it is one of a list
  const char* part = nullptr;  ///< of it that is meant
  bool means_scales = false;   ///< of it

  argument part_called(const char* name) const { return {words, index, name}; }
  argument scales() const { return {words, index, part, true}; }

  void append_to(std::string& message) const {
    if (means_scales) message += "the scales of ";
    message += words;
    if (index >= 0) message += std::to_string(index);
    if (part != nullptr) (message += "'s ") += part;
  }
};

/// A part of a message: words, or what is to be put into words. Together they are one call, because
/// the library has many messages, and sums of strings take long to compile.
class message_part {
 public:
  message_part(const char* text) : text_(text) {}
  message_part(const std::string& text) : text_(text) {}
  message_part(std::integral auto number)
      : kind_(kind::integer), first_(static_cast<std::int64_t>(number)) {}
  message_part(float number) : kind_(kind::number), number_(number) {}
  message_part(const argument& name) : kind_(kind::name), name_(&name) {}
  message_part(shape extents) : kind_(kind::extents), first_(extents.rows), second_(extents.cols) {}

  void append_to(std::string& message) const {
    switch (kind_) {
      case kind::text:
        message += text_;
        break;
      case kind::name:
        name_->append_to(message);
        break;
      case kind::integer:
        message += std::to_string(first_);
        break;
      case kind::number: {
        char digits[32];  // enough to tell any two floats apart
        std::snprintf(digits, sizeof digits, "%.9g", static_cast<double>(number_));
        message += digits;
        break;
      }
      case kind::extents:
        message += std::to_string(first_) + "×" + std::to_string(second_);
        break;
    }
  }

 private:
  enum class kind : std::uint8_t { text, name, integer, number, extents };

  kind kind_ = kind::text;
  std::string_view text_;
  const argument* name_ = nullptr;
  std::int64_t first_ = 0, second_ = 0;
  float number_ = 0;
};

[[gnu::cold, gnu::noinline]] inline validation refused(
    refusal reason, std::initializer_list<message_part> message) {
  std::string text = "revlora: ";
  for (const message_part& part : message) part.append_to(text);
  return {reason, std::move(text)};
}
/// The arguments of a call.
inline validation refused(std::initializer_list<message_part> message) {
  return refused(refusal::invalid_input, message);
}

inline validation no_memory() {
  return {refusal::out_of_memory, "no memory left"};  // short enough to need none itself
}

/// Throws what a check found. Without exceptions: prints it and aborts.
[[noreturn, gnu::cold, gnu::noinline]] inline void raise(const validation& found) {
#ifdef __cpp_exceptions
  if (found.reason() == refusal::invalid_input) throw invalid_input(found.text());
  if (found.reason() == refusal::executor_failed) throw executor_failed(found.text());
  if (found.reason() == refusal::out_of_memory) throw std::bad_alloc();
  throw record_refused(found.reason(), found.text());
#else
  std::fprintf(stderr, "%s\n", found.text().c_str());
  std::abort();
#endif
}
inline void require(const validation& found) {
  if (!found) raise(found);
}

/// Whether there was memory for what `work` does. Without exceptions: if not, the program ends.
template <class Work>
bool had_memory(const Work& work) {
#ifdef __cpp_exceptions
  try {
    work();
  } catch (const std::bad_alloc&) {
    return false;
  }
#else
  work();
#endif
  return true;
}
inline void require_memory([[maybe_unused]] bool had_it) {
#ifdef __cpp_exceptions
  if (!had_it) throw std::bad_alloc();
#endif
}

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
