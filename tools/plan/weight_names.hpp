// Which tensors of a model an adapter's name means.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "formats/stored_adapter.hpp"
#include "plan/fused_rows.hpp"
#include "plan/wrapped_names.hpp"

namespace revlora::tool {

/// A tensor that a name means, or a part of one, or one of those that share what it means.
struct weight_match {
  const std::string* tensor;  ///< its name, in the checkpoint
  const located_tensor* at;
  row_share share = {};
  bool tensor_is_the_part = false;
  std::optional<std::uint64_t> expert_of_tensor;  ///< a stack; the name means one expert of it
  std::optional<std::uint64_t> expert_of_name;    ///< that the tensor is; the name means all
  std::string rule;       ///< by which the names are not the same; empty if they are
  bool is_alias = false;  ///< not the model's own name, whatever is around it
};

class weight_names {
 public:
  /// The model has to outlive this object. O(n log n) of its names.
  explicit weight_names(const checkpoint& model);

  /// What `<module>.<parameter>` means, of that component if one is given. Nothing if there is no
  /// such tensor; throws a problem that begins with `where` if there are several and nothing says
  /// which.
  std::vector<weight_match> find(const std::string& component, const std::string& module,
                                 const std::string& parameter, module_spelling spelling,
                                 const std::string& where) const;

 private:
  struct entry {
    plain_name key;
    other_name as;
    const std::string* tensor;
    const located_tensor* at;
  };
  struct underscored_entry {
    std::string key;
    std::size_t entry;
  };

  std::vector<weight_match> exact(const std::string& component, const std::string& name) const;
  std::vector<const entry*> under(const plain_name& key, const std::string& component) const;
  std::vector<weight_match> dotted(const std::string& component, const std::string& name,
                                   const std::string& where) const;
  std::vector<weight_match> underscored(const std::string& component, const std::string& module,
                                        const std::string& parameter,
                                        const std::string& where) const;

  const checkpoint& model_;
  std::vector<entry> entries_;                  ///< sorted by key
  std::vector<underscored_entry> underscored_;  ///< sorted by key
};

/// The tensor's whole name.
std::string full_name(const std::string& module, const std::string& parameter);

}  // namespace revlora::tool
