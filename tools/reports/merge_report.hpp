// What a merge or a swap did, or would do.
#pragma once

#include "reports/report.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

class merge_report : public change_report {
 public:
  merge_report(const merge_request& asked, merge_result result)
      : command_("merge"),
        adapters_(asked.adapters.size()),
        dry_run_(asked.how.dry_run),
        result_(std::move(result)) {}
  merge_report(const swap_request& asked, merge_result result)
      : command_("swap"),
        adapters_(asked.to.size()),
        dry_run_(asked.how.dry_run),
        result_(std::move(result)) {}

  std::string text() const override;
  nlohmann::ordered_json json() const override;
  const char* state() const override;
  std::string trouble() const override { return result_.trouble; }
  std::vector<std::string> notes() const override;
  std::vector<std::string> warnings() const override;

 private:
  bool is_swap() const { return command_ == "swap"; }
  bool is_to_base() const { return is_swap() && adapters_ == 0; }
  std::string first_line() const;
  std::string describe_weights() const;
  std::string describe_undo_file() const;
  std::string why_nothing_changed() const;
  bool has_updates() const;

  std::string command_;
  std::size_t adapters_;
  bool dry_run_;
  merge_result result_;
};

}  // namespace revlora::tool
