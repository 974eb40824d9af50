#include "formats/module_factors.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "formats/adapter_tensors.hpp"

namespace revlora::tool {

namespace {

using shape_type = std::vector<std::uint64_t>;

bool is_pointwise(const shape_type& shape) {
  return std::all_of(shape.begin() + 2, shape.end(), [](auto extent) { return extent == 1; });
}

/// D = B·A, or with Tucker's core. One of the two may have lost the extents of a 1×1 kernel.
low_rank_update update_from(const tensor& down, const tensor& up, const tensor* middle,
                            std::size_t file, const std::string& where) {
  std::string shapes = "A " + describe_shape(down.shape) + ", B " + describe_shape(up.shape);
  if (middle != nullptr) shapes += ", between them " + describe_shape(middle->shape);
  const auto refuse = [&] { throw problem(where + "has factors that do not fit: " + shapes); };
  for (const tensor* factor : {&down, &up, middle}) {
    if (factor == nullptr) continue;
    check_factor_type(*factor, where);
    if (factor->shape.size() < 2 || factor->shape.size() > 5) refuse();
  }
  if (!is_pointwise(up.shape)) refuse();
  low_rank_update update;
  const tensor& kernel = middle == nullptr ? down : *middle;
  update.kind = kernel.shape.size() > 2 ? layer_kind::convolution : layer_kind::linear;
  update.shape = kernel.shape;
  update.shape[0] = up.shape[0];
  update.shape[1] = down.shape[1];
  update.b = matrix_of(file, up);
  update.a = matrix_of(file, down);
  if (middle == nullptr) {
    if (up.shape[1] != down.shape[0]) refuse();
  } else {
    const bool fits = middle->shape[0] == up.shape[1] && middle->shape[1] == down.shape[0];
    if (!fits || !is_pointwise(down.shape)) refuse();
    update.core = matrix_of(file, *middle);
  }
  return update;
}

/// Where the stem names a tensor itself, as ComfyUI lets it for all but weights: norms of FLUX,
/// modulations of Wan, tables of PixArt and LTX.
bool is_a_parameter(const module_name& name) {
  if (name.spelling == module_spelling::underscored) return false;
  constexpr std::array<std::string_view, 6> parameters = {
      ".bias", ".scale", ".weight", ".gamma", ".modulation", ".scale_shift_table"};
  return std::ranges::any_of(parameters, [&](auto end) { return name.module.ends_with(end); });
}

}  // namespace

void module_factors::add(const factor_name& name, const tensor& stored, const std::string& source) {
  if (name.stem != name_.module) spelled_ = name.stem;
  const tensor** slot = nullptr;
  if (!name.part) {
    slot = &whole_[name.role];
  } else {
    pair& both = parts_[*name.part];
    slot = name.role == factor_role::down ? &both.down : &both.up;
  }
  if (*slot != nullptr) {
    throw problem(source + ": " + quoted((*slot)->name) + " and " + quoted(stored.name) +
                  " are the same factor of one module");
  }
  *slot = &stored;
}

const tensor* module_factors::find(factor_role role) const {
  const auto found = whole_.find(role);
  return found == whole_.end() ? nullptr : found->second;
}

std::vector<const tensor*> module_factors::tensors() const {
  std::vector<const tensor*> all;
  for (const auto& [role, stored] : whole_) all.push_back(stored);
  for (const auto& [part, both] : parts_) {
    if (both.down != nullptr) all.push_back(both.down);
    if (both.up != nullptr) all.push_back(both.up);
  }
  return all;
}

bool module_factors::is_empty() const {
  return parts_.empty() && std::ranges::all_of(whole_, [](const auto& each) {
           return each.first == factor_role::alpha || each.first == factor_role::scale;
         });
}

std::string module_factors::where(const file_of_factors& from) const {
  return from.source + ": the module " + quoted(spelled_.empty() ? name_.module : spelled_) + " ";
}

double module_factors::scale_of(std::uint64_t rank, const file_of_factors& from,
                                bool& is_known) const {
  std::optional<double> scale;
  if (const tensor* const stored = find(factor_role::scale)) {
    scale = from.number_in(*stored);
  } else if (const tensor* const alpha = find(factor_role::alpha)) {
    scale = from.number_in(*alpha) / static_cast<double>(rank);
  } else {
    scale = from.usual_scale(name_, rank);
  }
  is_known = is_known && scale.has_value();
  const double value = scale.value_or(1);
  if (!std::isfinite(value)) throw problem(where(from) + "has a scale that is not finite");
  return value;
}

adapter_update module_factors::update_of(std::string parameter, update_content content) const {
  return {name_.module,    std::move(parameter), name_.spelling,
          name_.component, std::move(content),   spelled_};
}

std::vector<adapter_update> module_factors::updates_of_parts(const file_of_factors& from,
                                                             bool& scale_is_known) const {
  std::uint64_t total = 0, expected = 0;
  for (const auto& [part, both] : parts_) {
    const std::string which = where(from) + "has, of its part " + std::to_string(expected) + ", ";
    if (part != expected++ || both.up == nullptr) throw problem(which + "no lora_up");
    if (both.down == nullptr) throw problem(which + "no lora_down");
    if (both.up->shape.empty() || __builtin_add_overflow(total, both.up->shape[0], &total)) {
      throw problem(which + "a lora_up " + describe_shape(both.up->shape) + ": no matrix");
    }
  }
  std::vector<adapter_update> updates;
  std::uint64_t first = 0;
  for (const auto& [part, both] : parts_) {
    low_rank_update update = update_from(*both.down, *both.up, nullptr, from.number, where(from));
    update.scale = scale_of(both.down->shape[0], from, scale_is_known);
    update.rows = row_range{first, total};
    first += update.shape[0];
    updates.push_back(update_of("weight", std::move(update)));
  }
  return updates;
}

std::vector<adapter_update> module_factors::updates(const file_of_factors& from,
                                                    bool& scale_is_known) const {
  std::vector<adapter_update> updates = updates_of_parts(from, scale_is_known);
  const tensor* const down = find(factor_role::down);
  const tensor* const up = find(factor_role::up);
  const auto lacks = [&](const tensor& present, const std::string& missing) {
    throw problem(where(from) + "has " + quoted(present.name) + ", but no " + missing);
  };
  if (down != nullptr && up == nullptr) lacks(*down, "up factor (B)");
  if (up != nullptr && down == nullptr) lacks(*up, "down factor (A)");
  double scale = 1;
  if (down != nullptr) {
    low_rank_update update =
        update_from(*down, *up, find(factor_role::middle), from.number, where(from));
    update.scale = scale = scale_of(down->shape[0], from, scale_is_known);
    updates.push_back(update_of("weight", std::move(update)));
  }
  for (const factor_role role : {factor_role::middle, factor_role::up_bias_difference}) {
    if (const tensor* const stored = find(role); stored != nullptr && down == nullptr) {
      lacks(*stored, "factors");
    }
  }
  const auto add = [&](factor_role role, const std::string& parameter, double by) {
    const tensor* const stored = find(role);
    if (stored == nullptr) return;
    check_factor_type(*stored, where(from));
    const stored_matrix values = matrix_of(from.number, *stored);
    const std::string tensor_of = is_a_parameter(name_) ? "" : parameter;
    if (role == factor_role::replacement) {
      updates.push_back(
          update_of(tensor_of, replacement_update{stored->shape, values, std::nullopt, false}));
    } else {
      updates.push_back(update_of(tensor_of, difference_update{stored->shape, values, by}));
    }
  };
  add(factor_role::difference, "weight", 1);
  add(factor_role::bias_difference, "bias", 1);
  add(factor_role::up_bias_difference, "bias", scale);
  add(factor_role::replacement, "weight", 1);
  return updates;
}

}  // namespace revlora::tool
