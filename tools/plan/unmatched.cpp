#include "plan/unmatched.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/mergeable.hpp"
#include "plan/nearest_names.hpp"

namespace revlora::tool {

namespace {

constexpr std::size_t most_listed = 10;

std::string describe(const unmatched_name& each) {
  return quoted(each.spelled.empty() ? each.name : each.spelled);
}

std::string describe(const std::string& name) {
  return quoted(name);
}

std::string and_more(std::size_t count) {
  return count > most_listed ? " and " + std::to_string(count - most_listed) + " more" : "";
}

template <class Name>
std::string list_of(const std::vector<Name>& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), most_listed); ++i) {
    list += (i > 0 ? ", " : "") + describe(names[i]);
  }
  return list + and_more(names.size());
}

bool is_gguf(const checkpoint& model) {
  return model.find("token_embd.weight") != nullptr;
}

/// What the user may do about it.
std::string advice(const checkpoint& model, const std::vector<unmatched_name>& names) {
  const bool looks_like_gguf = names.front().name.starts_with("blk.");
  if (is_gguf(model) && !looks_like_gguf) {
    return ". The model is a GGUF file, whose tensors have other names: convert the adapter with "
           "llama.cpp's convert_lora_to_gguf.py";
  }
  if (!is_gguf(model) && looks_like_gguf) {
    return ". The adapter is for GGUF models: merge it into one";
  }
  return ". Name the model that the adapter was trained on; --allow-unused goes on without what "
         "has "
         "no place in it";
}

}  // namespace

std::string listed(const std::vector<std::string>& names) {
  return list_of(names);
}

std::string listed(const std::vector<unmatched_name>& names) {
  return list_of(names);
}

void refuse_unmatched(const checkpoint& model, const std::vector<unmatched_name>& names,
                      const std::string& source) {
  const nearest_names nearest(model);
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), most_listed); ++i) {
    const std::string& name = names[i].name;
    if (const auto reason = model.missing(name))
      throw problem(source + quoted(name) + " is missing: " + *reason);
    check_not_quantised(model, name);
    const std::string like = nearest.to(name);
    list += (i > 0 ? ", " : "") + describe(names[i]);
    if (!like.empty()) list += " (nearest: " + quoted(like) + ")";
  }
  throw problem(source + "the model has no tensor " + list + and_more(names.size()) +
                advice(model, names));
}

}  // namespace revlora::tool
