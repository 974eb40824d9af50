// Which parameter of a module an update is of, where PEFT says only how deep its wrapper was.
#pragma once

#include <map>
#include <string>

#include "formats/stored_adapter.hpp"
#include "plan/weight_names.hpp"

namespace revlora::tool {

/// For each update of a stack of experts the parameter that its shapes fit: exactly, or, if no
/// assignment of all updates of a module does, transposed. Throws a problem if that leaves a
/// choice. Those that fit nothing have the first of their parameters, to be complained of later.
std::map<const adapter_update*, std::string> find_parameters(const stored_adapter& adapter,
                                                             const weight_names& names,
                                                             const std::string& source);

}  // namespace revlora::tool
