// Whether the factors of each piece of an adapter are added as they are, or transposed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/orientation.hpp"
#include "plan/pieces.hpp"

namespace revlora::tool {

class orientation_choice {
 public:
  /// `wish` is what the user says of square weights.
  orientation_choice(const orientation_evidence& of_model, std::optional<bool> wish)
      : evidence_(of_model), wish_(wish) {}

  /// Before any is asked for: a piece that fits in one way tells of others.
  void learn(const update_piece& piece);
  /// Throws a problem that begins with `where` if the piece does not fit, or nothing tells how.
  bool is_transposed(const update_piece& piece, const std::string& where);
  /// Of weights that do not lie as the adapter says.
  std::vector<std::string> notes(const std::string& source) const;

 private:
  struct against_the_flag {
    std::uint64_t weights = 0;
    std::string reason;  ///< of the first
  };

  orientation_evidence evidence_;
  std::optional<bool> wish_;
  std::map<std::string, against_the_flag> corrected_;  ///< by how they lie
};

}  // namespace revlora::tool
