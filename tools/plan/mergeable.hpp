// Models that an adapter is not for, and weights that nothing can be merged into.
#pragma once

#include <string>

#include "checkpoint/checkpoint.hpp"
#include "formats/stored_adapter.hpp"

namespace revlora::tool {

/// Throws a problem if the tensor's numbers are not F32, F16 or BF16.
void check_mergeable(const checkpoint& model, const std::string& name, const located_tensor& at);

/// Throws a problem if the adapter is for another kind of GGUF models.
void check_architecture(const checkpoint& model, const stored_adapter& adapter,
                        const std::string& source);

/// Throws a problem if the model has a quantised form of the weight `name`, which it has not.
void check_not_quantised(const checkpoint& model, const std::string& name);

}  // namespace revlora::tool
