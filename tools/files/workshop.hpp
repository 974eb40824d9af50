// Where files are made before they take their place: a folder of its own beside that place, because
// a rename is one step only within a file system.
//
// Its name is ".revlora-" and six random letters; it is made new, and open to nobody else. In it
// lies a file by whose content a later revlora recognises what an interrupted one left, and by
// whose lock it knows that nobody is at work there any more.
#pragma once

#include <optional>

#include "files/folder.hpp"

namespace revlora::tool {

class workshop {
 public:
  /// Removes what interrupted runs left there. `place` must outlive this object.
  explicit workshop(const folder& place);
  workshop(const workshop&) = delete;
  ~workshop();  ///< removes it, and all that is in it still

  const folder& inside() const { return inside_; }

 private:
  void try_to_remove() const;

  const folder& place_;
  folder inside_;
  std::optional<file> mark_;  ///< locked while this object lives
};

/// Removes what interrupted runs left in a folder, and no other process is using, and says so in a
/// note.
void remove_left_overs(const folder& place);

/// Whether an entry of a folder is a workshop, be somebody at work in it or not.
bool is_workshop(const folder& place, const std::string& name);

/// Says in a note what there is.
void report_left_overs(const folder& place);

}  // namespace revlora::tool
