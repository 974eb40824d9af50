// What is to say of an adapter, be it one that cannot be merged.
#pragma once

#include "formats/stored_adapter.hpp"
#include "info/info.hpp"

namespace revlora::tool {

class adapter_info : public report {
 public:
  explicit adapter_info(const info_request& request);

  std::string text() const override;
  nlohmann::ordered_json json() const override;

 private:
  stored_adapter adapter_;
  bool every_tensor_;
};

}  // namespace revlora::tool
