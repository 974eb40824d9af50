// What is to say of a model.
#pragma once

#include <optional>

#include "checkpoint/checkpoint.hpp"
#include "info/info.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool {

class model_info : public report {
 public:
  /// Finds out whether it is merged, for which all tensors are read that its undo file knows.
  explicit model_info(const info_request& request);

  std::string text() const override;
  nlohmann::ordered_json json() const override;

 private:
  struct type_summary {
    std::uint64_t tensors = 0;
    std::uint64_t numbers = 0;
    std::uint64_t bytes = 0;
  };

  void find_state();
  std::map<std::string, type_summary> types() const;
  std::string describe_state() const;

  checkpoint model_;
  bool every_tensor_;
  std::optional<verify_result> state_;  ///< what an undo file beside it says
  std::string state_unknown_;           ///< why it could not be found out though there is one
};

}  // namespace revlora::tool
