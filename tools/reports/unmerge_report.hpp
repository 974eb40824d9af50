// What an unmerge did, or would do.
#pragma once

#include "reports/report.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

class unmerge_report : public change_report {
 public:
  unmerge_report(const unmerge_request& asked, unmerge_result result)
      : dry_run_(asked.dry_run), result_(std::move(result)) {}

  std::string text() const override;
  nlohmann::ordered_json json() const override;
  const char* state() const override;
  std::string trouble() const override { return result_.trouble; }

 private:
  bool dry_run_;
  unmerge_result result_;
};

}  // namespace revlora::tool
