#include "files/file_identity.hpp"

namespace revlora::tool {

bool file_identity::is_of(const file_status& status) const {
  return status.device() == device && status.inode() == inode && status.modified() == modified;
}

}  // namespace revlora::tool
