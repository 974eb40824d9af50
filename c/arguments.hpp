// The structs that cross the border from C, as C++ has them.
#pragma once

#include <cstddef>
#include <string>

#include "handles.hpp"
#include "revlora/any_matrix.hpp"
#include "revlora/error.hpp"
#include "revlora/merge_report.hpp"
#include "revlora/revlora.h"

namespace revlora::c {

/// Throws invalid_input, as all of this does: "revlora: " and the message.
[[noreturn]] void refuse(const std::string& message);

/// What a pointer of the caller's points to.
template <class Pointed>
Pointed& pointed_to(Pointed* pointer, const char* name) {
  if (pointer == nullptr) refuse(std::string(name) + " is null");
  return *pointer;
}

/// That a struct is as large as this version of the library knows it, or larger, but not so much
/// larger that its size was never set.
void check_size(std::size_t size, std::size_t known, const char* name, const char* type);
/// That what a newer caller asks for beyond that is nothing.
void check_beyond(const void* given, std::size_t size, std::size_t known, const char* name,
                  const char* type);

/// A struct that is read.
template <class Struct>
Struct read(const Struct* given, const char* name, const char* type) {
  check_size(pointed_to(given, name).size, sizeof(Struct), name, type);
  check_beyond(given, given->size, sizeof(Struct), name, type);
  return *given;
}

/// With its scales.
any_matrix matrix_of(const revlora_matrix* given, const char* name);

/// How the call works: as said, or as by itself.
revlora_options options_of(const revlora_options* given);

/// A number of C's as a recipe.
recipe recipe_of(revlora_recipe number);

/// A report that is written when all is done, if one is wanted. What a newer caller has beyond what
/// is known becomes zero.
class wanted_report {
 public:
  explicit wanted_report(revlora_report* place);
  void write(const merge_report& report) const;

 private:
  revlora_report* place_;
};

}  // namespace revlora::c
