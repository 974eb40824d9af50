#include "reports/report.hpp"

#include <iostream>

#include "console/report.hpp"

namespace revlora::tool {

nlohmann::ordered_json change_report::json_of(const char* command, bool dry_run) const {
  return {{"command", command},
          {"dry_run", dry_run},
          {"status", trouble().empty() ? "done" : "done_with_trouble"},
          {"trouble",
           trouble().empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(trouble())}};
}

std::string json_text(const report& said) {
  // Names in files need not be UTF-8, and JSON has to be.
  constexpr auto unreadable = nlohmann::ordered_json::error_handler_t::replace;
  return said.json().dump(-1, ' ', false, unreadable);
}

void print(const report& said, bool json) {
  std::cout << (json ? json_text(said) + '\n' : said.text());
}

exit_status print_done(const change_report& said, bool json) noexcept {
  return report_done(said.state(), said.trouble(), [&] {
    if (!json) {
      for (const std::string& each : said.notes()) note(each);
      for (const std::string& each : said.warnings()) warn(each);
    }
    print(said, json);
  });
}

}  // namespace revlora::tool
