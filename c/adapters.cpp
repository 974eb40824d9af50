// Lists of adapters.
#include <new>

#include "answer.hpp"
#include "arguments.hpp"
#include "handles.hpp"
#include "revlora/hadamard.hpp"
#include "revlora/low_rank.hpp"

namespace c = revlora::c;

revlora_adapters* revlora_adapters_create(void) {
  return new (std::nothrow) revlora_adapters;
}
void revlora_adapters_destroy(revlora_adapters* adapters) {
  delete adapters;
}

revlora_status revlora_adapters_add_low_rank(revlora_adapters* adapters, const revlora_matrix* b,
                                             const revlora_matrix* a, double strength,
                                             revlora_error* error) {
  return c::answer(error, [&] {
    c::pointed_to(adapters, "the list of adapters")
        .adapters.push_back(
            revlora::low_rank(c::matrix_of(b, "B"), c::matrix_of(a, "A"), strength));
    return revlora::validation();
  });
}

revlora_status revlora_adapters_add_hadamard(revlora_adapters* adapters, const revlora_matrix* b1,
                                             const revlora_matrix* a1, const revlora_matrix* b2,
                                             const revlora_matrix* a2, double strength,
                                             revlora_error* error) {
  return c::answer(error, [&] {
    c::pointed_to(adapters, "the list of adapters")
        .adapters.push_back(revlora::hadamard({c::matrix_of(b1, "B1"), c::matrix_of(a1, "A1")},
                                              {c::matrix_of(b2, "B2"), c::matrix_of(a2, "A2")},
                                              strength));
    return revlora::validation();
  });
}

revlora_status revlora_adapters_set_recipe(revlora_adapters* adapters, revlora_recipe recipe,
                                           revlora_error* error) {
  return c::answer(error, [&] {
    c::pointed_to(adapters, "the list of adapters").recipe = c::recipe_of(recipe);
    return revlora::validation();
  });
}

void revlora_adapters_clear(revlora_adapters* adapters) {
  if (adapters != nullptr) adapters->adapters.clear();
}
size_t revlora_adapters_count(const revlora_adapters* adapters) {
  return adapters != nullptr ? adapters->adapters.size() : 0;
}
