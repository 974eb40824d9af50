#include "plan/tied_weights.hpp"

#include <algorithm>
#include <array>

#include "plan/wrapped_names.hpp"

namespace revlora::tool {

namespace {

constexpr std::array<std::string_view, 5> embedding_modules = {"embed_tokens", "wte", "shared",
                                                               "word_embeddings", "tok_embeddings"};

/// The module that a weight is of, without those around it.
std::string_view last_module(std::string_view name) {
  constexpr std::string_view suffix = ".weight";
  if (!name.ends_with(suffix)) return {};
  name.remove_suffix(suffix.size());
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

bool is_embedding(std::string_view name) {
  return std::ranges::find(embedding_modules, last_module(name)) != embedding_modules.end();
}

bool is_head(std::string_view name) {
  return last_module(name) == "lm_head";
}

/// The only tensor of which that is true.
template <class Predicate>
const std::string* only(const checkpoint& model, const Predicate& is_one) {
  const std::string* found = nullptr;
  for (const auto& [name, at] : model.tensors()) {
    if (!at.component.empty() || !is_one(name)) continue;
    if (found != nullptr) return nullptr;
    found = &name;
  }
  return found;
}

std::optional<bool> tied_by(const nlohmann::ordered_json& fields) {
  const auto tied = fields.find("tie_word_embeddings");
  if (tied == fields.end() || !tied->is_boolean()) return {};
  return tied->get<bool>();
}

/// Of a model of several parts the text model's entry counts if the whole has none. Where neither
/// says it, a model without an output layer of its own can only have the embedding for one.
bool tied_by_config(const checkpoint& model, bool has_head) {
  const auto* config = model.config();
  if (config == nullptr) return false;
  if (const auto tied = tied_by(*config)) return *tied;
  const auto text = config->find("text_config");
  if (text == config->end() || !text->is_object()) return !has_head;
  return tied_by(*text).value_or(!has_head);
}

}  // namespace

tied_weights::tied_weights(const checkpoint& model)
    : embedding_(only(model, is_embedding)), head_(only(model, is_head)) {
  is_tied_ = embedding_ != nullptr && tied_by_config(model, head_ != nullptr);
}

const std::string* tied_weights::stand_in(const std::string& name) const {
  if (!is_tied_) return nullptr;
  const bool is_missing_head = is_head(name) && head_ == nullptr;
  // T5's encoder and decoder have the embedding that is stored as `shared`.
  const bool is_shared =
      last_module(name) == "embed_tokens" && last_module(*embedding_) == "shared";
  return is_missing_head || is_shared ? embedding_ : nullptr;
}

const std::string* tied_weights::twin(const std::string& name) const {
  if (!is_tied_ || head_ == nullptr) return nullptr;
  if (name == *embedding_) return head_;
  return name == *head_ ? embedding_ : nullptr;
}

bool tied_weights::has(const std::string& name) const {
  return is_tied_ && (name == *embedding_ || (head_ != nullptr && name == *head_));
}

}  // namespace revlora::tool
