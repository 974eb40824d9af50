#include "report.hpp"

#include <iostream>

namespace revlora::tool {

exit_status report_done(const std::string& state, const std::string& trouble) {
  const auto say = [&](const std::string& what) {
    std::cerr << "revlora: " << state << ", but " << what << '\n';
  };
  std::cout.flush();
  if (!std::cout) say("its report could not be printed");
  if (!trouble.empty()) say(trouble);
  return std::cout && trouble.empty() ? exit_status::done : exit_status::done_with_trouble;
}

}  // namespace revlora::tool
