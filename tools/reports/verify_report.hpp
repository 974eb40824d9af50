// What a model is to its undo file.
#pragma once

#include "reports/report.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

/// "merged", "partly merged" …
const char* describe(model_condition condition);

/// "my-adapter, strength 0.5"
std::string describe(const adapter_request& merged);
nlohmann::ordered_json json_of(const std::vector<adapter_request>& merged);

class verify_report : public report {
 public:
  explicit verify_report(verify_result found) : found_(std::move(found)) {}

  std::string text() const override;
  nlohmann::ordered_json json() const override;

 private:
  verify_result found_;
};

/// What its JSON calls a condition: "partly_merged".
const char* key_of(model_condition condition);

}  // namespace revlora::tool
