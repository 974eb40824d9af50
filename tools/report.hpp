// The end of a command: what its exit status and its last line say is the state of the model.
#pragma once

#include <string>

#include "problem.hpp"

namespace revlora::tool {

/// Makes sure that what was printed on stdout is out. If it is not, or there was trouble of another
/// kind, says so on stderr behind `state`, which is the state of the model: "the model is merged".
exit_status report_done(const std::string& state, const std::string& trouble);

}  // namespace revlora::tool
