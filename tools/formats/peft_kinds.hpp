// What PEFT can save, and what of it cannot be merged: the kinds of adapters, the variants of LoRA,
// and the initialisations that changed the base model.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace revlora::tool {

/// What people call such an adapter: "LoRA", "DoRA", "(IA)3"; its `peft_type` if that is unknown.
std::string name_of_kind(const nlohmann::ordered_json& fields);

/// Whether the names of the tensors of a `peft_type` mean what those of LoRA do.
bool has_known_tensors(const std::string& type);

/// Why an adapter with this configuration cannot be merged, and what to do; empty if it can.
/// Whatever would change the merged weights in a way that revlora does not know has a reason;
/// fields without influence have none, nor have fields of newer versions.
std::string reason_to_refuse(const nlohmann::ordered_json& fields);

/// As JSON, with escapes for all that is not ASCII: fit for a terminal, and for being cut anywhere.
std::string as_ascii(const nlohmann::ordered_json& value);

}  // namespace revlora::tool
