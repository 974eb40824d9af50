// The end of a command: what its exit status and its last line say is the state of the model.
#pragma once

#include <functional>
#include <string>

#include "console/problem.hpp"

namespace revlora::tool {

/// Lets a report be printed on stdout, and makes sure that it is out. If it is not, or there was
/// trouble of another kind, says so on stderr behind `state`, which is the state of the model: "the
/// model is merged". Never throws.
exit_status report_done(const char* state, const std::string& trouble,
                        const std::function<void()>& print) noexcept;

}  // namespace revlora::tool
