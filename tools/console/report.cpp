#include "console/report.hpp"

#include <iostream>

namespace revlora::tool {

exit_status report_done(const char* state, const std::string& trouble,
                        const std::function<void()>& print) noexcept {
  const auto say = [&](const auto& what) {
    std::cerr << "revlora: " << state << ", but " << what << '\n';
  };
  bool is_out = false;
  try {
    print();
    is_out = std::cout.flush().good();
  } catch (const std::exception&) {
  }
  if (!is_out) say("its report could not be printed");
  if (!trouble.empty()) say(trouble);
  return is_out && trouble.empty() ? exit_status::done : exit_status::done_with_trouble;
}

}  // namespace revlora::tool
