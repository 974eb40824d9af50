#include "arguments.hpp"

#include <algorithm>
#include <cstring>

#include "revlora/element.hpp"
#include "revlora/state.hpp"

namespace revlora::c {

static_assert(REVLORA_FP32 == static_cast<int>(element_type::fp32) &&
              REVLORA_FP16 == static_cast<int>(element_type::fp16) &&
              REVLORA_BF16 == static_cast<int>(element_type::bf16) &&
              REVLORA_E4M3 == static_cast<int>(element_type::e4m3) &&
              REVLORA_E5M2 == static_cast<int>(element_type::e5m2));
static_assert(REVLORA_FUSED == static_cast<int>(recipe::fused) &&
              REVLORA_ROUNDED_DELTA == static_cast<int>(recipe::rounded_delta) &&
              REVLORA_NAN == static_cast<int>(recipe::nan));
static_assert(REVLORA_STATE_BASE == static_cast<int>(weights_state::base) &&
              REVLORA_STATE_MERGED == static_cast<int>(weights_state::merged) &&
              REVLORA_STATE_OTHER == static_cast<int>(weights_state::other));

namespace {

/// No struct will ever be so large: such a size is a number that was in memory before.
constexpr std::size_t largest_size = 4096;

any_matrix without_scales(const revlora_matrix& given, const char* name) {
  if (given.type < REVLORA_FP32 || given.type > REVLORA_E5M2)
    refuse(std::string(name) + " has an element type that does not exist, " +
           std::to_string(given.type));
  return {given.data,       static_cast<element_type>(given.type),
          given.rows,       given.cols,
          given.row_stride, given.col_stride};
}

}  // namespace

void refuse(const std::string& message) {
  throw invalid_input("revlora: " + message);
}

void check_size(std::size_t size, std::size_t known, const char* name, const char* type) {
  if (size < known || size > largest_size)
    refuse(std::string("the size of ") + name + " is " + std::to_string(size) +
           ": set it to that of its type, sizeof(" + type + "), " + std::to_string(known));
}

void check_beyond(const void* given, std::size_t size, std::size_t known, const char* name,
                  const char* type) {
  const auto* const bytes = static_cast<const char*>(given);
  if (std::any_of(bytes + known, bytes + size, [](char byte) { return byte != 0; }))
    refuse(std::string(name) + " asks for what this library does not know, behind the first " +
           std::to_string(known) + " bytes of its " + type + ": install a newer librevlora");
}

any_matrix matrix_of(const revlora_matrix* given, const char* name) {
  const revlora_matrix known = read(given, name, "revlora_matrix");
  const any_matrix matrix = without_scales(known, name);
  if (known.scales == nullptr) return matrix;
  const std::string scales_name = std::string("the scales of ") + name;
  const revlora_matrix scales = read(known.scales, scales_name.c_str(), "revlora_matrix");
  if (scales.scales != nullptr) refuse(scales_name + " have scales themselves");
  return matrix.scaled_by(without_scales(scales, scales_name.c_str()));
}

revlora_options options_of(const revlora_options* given) {
  if (given == nullptr) return REVLORA_OPTIONS_INITIALIZER;
  const revlora_options options = read(given, "options", "revlora_options");
  if (options.threads < 0)
    refuse("threads is " + std::to_string(options.threads) +
           ": give how many, or 0 for as many as OpenMP takes by itself");
  return options;
}

recipe recipe_of(revlora_recipe number) {
  if (number < REVLORA_FUSED || number > REVLORA_NAN)
    refuse("there is no recipe " + std::to_string(number));
  return static_cast<recipe>(number);
}

wanted_report::wanted_report(revlora_report* place) : place_(place) {
  if (place != nullptr) check_size(place->size, sizeof *place, "report", "revlora_report");
}

void wanted_report::write(const merge_report& report) const {
  if (place_ == nullptr) return;
  const std::size_t size = place_->size;
  std::memset(static_cast<void*>(place_), 0, size);
  *place_ = {size, report.changed, report.became_not_finite};
}

}  // namespace revlora::c
