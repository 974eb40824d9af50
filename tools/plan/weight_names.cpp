#include "plan/weight_names.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/families.hpp"

namespace revlora::tool {

namespace {

bool is_denoiser(const std::string& component) {
  return component == "unet" || component == "transformer";
}

/// Whether a name of one component may mean a tensor of the other; empty ones are not known.
bool may_be_one(const std::string& a, const std::string& b) {
  // Files for ComfyUI say `diffusion_model.` or `lora_unet_` of any denoiser.
  return a.empty() || b.empty() || a == b || (is_denoiser(a) && is_denoiser(b));
}

/// In a pipeline the component and a slash are in front.
std::string name_within(const std::string& name, const located_tensor& at) {
  return at.component.empty() ? name : name.substr(at.component.size() + 1);
}

std::string with_underscores(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

/// What files with underscores in their names call it: the last dot, in front of "weight", stays.
std::string underscored_key(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return name;
  return with_underscores(name.substr(0, dot)) + name.substr(dot);
}

/// "with 'model.' for 'language_model.model.'": what is in front of the parts that both have.
std::string describe_renaming(const std::string& wanted, const std::string& stored) {
  const auto [end, ignored] =
      std::mismatch(wanted.rbegin(), wanted.rend(), stored.rbegin(), stored.rend());
  auto common = static_cast<std::size_t>(end - wanted.rbegin());
  const auto begins_a_part = [&](const std::string& name) {
    return common == name.size() || name[name.size() - common - 1] == '.';
  };
  if (!begins_a_part(wanted) || !begins_a_part(stored)) {
    const std::size_t dot = wanted.find('.', wanted.size() - common);
    common = dot == std::string::npos ? 0 : wanted.size() - dot - 1;
  }
  const std::string from = wanted.substr(0, wanted.size() - common);
  const std::string to = stored.substr(0, stored.size() - common);
  if (from.empty()) return "with " + quoted(to) + " added";
  if (to.empty()) return "without " + quoted(from);
  return "with " + quoted(to) + " for " + quoted(from);
}

[[noreturn]] void refuse_ambiguous(const std::string& where, const std::string& name,
                                   const std::string& one, const std::string& other) {
  throw problem(where + "several tensors of the model could be " + quoted(name) + ": " +
                quoted(one) + " and " + quoted(other));
}

/// A name of its own is preferred to one that other tools have for a tensor, and a whole weight to
/// parts, where a model has both. Of the rest each must have another role.
void keep_the_certain(std::vector<weight_match>& matches, const std::string& name,
                      const std::string& where) {
  const auto is_own = [](const weight_match& each) { return !each.is_alias; };
  if (std::ranges::any_of(matches, is_own)) std::erase_if(matches, std::not_fn(is_own));
  const auto is_whole = [](const weight_match& each) {
    return each.share.layout == row_layout::whole;
  };
  if (std::ranges::any_of(matches, is_whole)) {
    std::erase_if(matches, std::not_fn(is_whole));
  }
  using role = std::tuple<std::optional<std::uint64_t>, bool, std::size_t>;
  std::map<role, const weight_match*> by_role;
  std::vector<weight_match> kept;
  for (const weight_match& each : matches) {
    const role its(each.expert_of_name, each.tensor_is_the_part,
                   each.tensor_is_the_part ? each.share.part : 0);
    const auto [other, is_new] = by_role.try_emplace(its, &each);
    if (is_new) {
      kept.push_back(each);
    } else if (other->second->at != each.at) {
      refuse_ambiguous(where, name, *other->second->tensor, *each.tensor);
    }
  }
  if (!kept.empty() && std::ranges::any_of(kept, [&](const weight_match& each) {
        return each.tensor_is_the_part != kept.front().tensor_is_the_part;
      })) {
    refuse_ambiguous(where, name, *kept.front().tensor, *kept.back().tensor);
  }
  matches = std::move(kept);
}

}  // namespace

std::string full_name(const std::string& module, const std::string& parameter) {
  if (parameter.empty()) return module;
  return module.empty() ? parameter : module + "." + parameter;
}

weight_names::weight_names(const checkpoint& model) : model_(model) {
  for (const auto& entry : model.tensors()) {
    const std::string& name = entry.first;
    const located_tensor& at = entry.second;
    const std::string own = name_within(name, at);
    const plain_name key = plain_name_of(own);
    const auto add = [&](other_name as, std::string key_name) {
      if (as.component.empty()) as.component = at.component;
      entries_.push_back({{std::move(key_name), key.expert}, std::move(as), &name, &at});
    };
    const auto add_others = [&](std::vector<other_name> others) {
      for (other_name& other : others) {
        std::string key_name = plain_name_of(other.name).name;
        add(std::move(other), std::move(key_name));
      }
    };
    add({at.component, own, {}, false, ""}, key.name);
    add_others(names_of_parts(key.name));
    add_others(names_in_other_tools(own));
  }
  std::ranges::stable_sort(entries_, {}, &entry::key);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const bool is_part_of_expert = entries_[i].key.expert && !entries_[i].as.rule.empty();
    if (is_part_of_expert) continue;  // its name does not say of which
    const std::string own = underscored_key(entries_[i].as.name);
    const std::string plain = underscored_key(entries_[i].key.name);
    underscored_.push_back({own, i});
    if (plain != own && !entries_[i].key.expert) underscored_.push_back({plain, i});
  }
  std::ranges::stable_sort(underscored_, {}, &underscored_entry::key);
}

std::vector<weight_match> weight_names::find(const std::string& component,
                                             const std::string& module,
                                             const std::string& parameter, module_spelling spelling,
                                             const std::string& where) const {
  if (spelling == module_spelling::underscored) {
    return underscored(component, module, parameter, where);
  }
  const std::string name = full_name(module, parameter);
  auto matches = exact(component, name);
  return matches.empty() ? dotted(component, name, where) : matches;
}

std::vector<weight_match> weight_names::exact(const std::string& component,
                                              const std::string& name) const {
  const auto found = model_.tensors().find(name);
  if (found != model_.tensors().end() && found->second.component.empty()) {
    return {{&found->first, &found->second, {}, false, {}, {}, ""}};
  }
  if (component.empty()) return {};
  const auto within = model_.tensors().find(component + "/" + name);
  if (within == model_.tensors().end() || within->second.component != component) return {};
  return {{&within->first, &within->second, {}, false, {}, {}, ""}};
}

std::vector<const weight_names::entry*> weight_names::under(const plain_name& key,
                                                            const std::string& component) const {
  const auto name_of = [](const entry& e) { return std::string_view(e.key.name); };
  const auto begin = std::ranges::lower_bound(entries_, key.name, {}, name_of);
  const auto end = std::ranges::upper_bound(begin, entries_.end(), key.name, {}, name_of);
  using place = std::vector<entry>::const_iterator;
  const auto between = [&](place first, place last) {
    std::vector<const entry*> found;
    for (; first != last; ++first) {
      if (may_be_one(component, first->as.component)) found.push_back(&*first);
    }
    return found;
  };
  const auto with_expert = [&](const std::optional<std::uint64_t>& expert) {
    const auto expert_of = [](const entry& e) { return e.key.expert; };
    return between(std::ranges::lower_bound(begin, end, expert, {}, expert_of),
                   std::ranges::upper_bound(begin, end, expert, {}, expert_of));
  };
  auto found = with_expert(key.expert);
  if (!found.empty()) return found;
  return key.expert ? with_expert({}) : between(begin, end);
}

std::vector<weight_match> weight_names::dotted(const std::string& component,
                                               const std::string& name,
                                               const std::string& where) const {
  const plain_name key = plain_name_of(name);
  std::vector<weight_match> matches;
  for (const entry* each : under(key, component)) {
    weight_match match{each->tensor, each->at, each->as.share, each->as.tensor_is_the_part,
                       {},           {},       each->as.rule,  !each->as.rule.empty()};
    if (key.expert && !each->key.expert) match.expert_of_tensor = key.expert;
    if (!key.expert && each->key.expert) match.expert_of_name = each->key.expert;
    if (match.rule.empty()) {
      const std::string stored = name_within(*each->tensor, *each->at);
      if (match.expert_of_tensor) {
        match.rule = "one expert's matrices as parts of stacks";
      } else if (match.expert_of_name) {
        match.rule = "stacks of experts as one matrix for each";
      } else if (stored != name) {
        match.rule = describe_renaming(name, stored);
      }
    }
    matches.push_back(std::move(match));
  }
  keep_the_certain(matches, name, where);
  return matches;
}

std::vector<weight_match> weight_names::underscored(const std::string& component,
                                                    const std::string& module,
                                                    const std::string& parameter,
                                                    const std::string& where) const {
  const std::string key = full_name(with_underscores(module), parameter);
  std::vector<weight_match> matches;
  const auto begin = std::ranges::lower_bound(underscored_, key, {}, &underscored_entry::key);
  for (auto each = begin; each != underscored_.end() && each->key == key; ++each) {
    const entry& from = entries_[each->entry];
    if (!may_be_one(component, from.as.component)) continue;
    const std::string rule = from.as.rule.empty() ? "with underscores for dots" : from.as.rule;
    matches.push_back({from.tensor,
                       from.at,
                       from.as.share,
                       from.as.tensor_is_the_part,
                       {},
                       {},
                       rule,
                       !from.as.rule.empty()});
  }
  keep_the_certain(matches, module, where);
  return matches;
}

}  // namespace revlora::tool
