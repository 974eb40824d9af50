// What is to say of an undo file.
#pragma once

#include "files/folder.hpp"
#include "info/info.hpp"
#include "undo/undo_file.hpp"

namespace revlora::tool {

class undo_info : public report {
 public:
  /// Finds out the state of the model that it is of, if that is still beside it or where it was.
  undo_info(const place& where, const file& opened, bool every_tensor);

  std::string text() const override;
  nlohmann::ordered_json json() const override;

 private:
  /// Of one tensor, or of all.
  struct counts {
    std::uint64_t weights = 0;       ///< in its windows
    std::uint64_t changed = 0;       ///< of them
    std::uint64_t record_bytes = 0;  ///< with what it keeps of replaced rows
    std::uint64_t factor_bytes = 0;  ///< of factors that are in the file
    std::uint64_t factors_elsewhere = 0;
  };

  static counts counts_of(const undo_tensor& tensor);
  std::string describe_size() const;

  std::filesystem::path path_;
  std::uint64_t bytes_;
  undo_file content_;
  bool every_tensor_;
  std::string state_;
  std::size_t tensors_ = 0;
  counts all_;
};

}  // namespace revlora::tool
