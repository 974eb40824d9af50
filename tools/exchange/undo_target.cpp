#include "exchange/undo_target.hpp"

namespace revlora::tool {

undo_writer undo_target::open(const file& original) {
  if (found_ != nullptr) return found_->go_on(whole_bytes_);
  return undo_writer::begin(place_->create(*target_, original));
}

void undo_target::publish(bool sync) {
  if (place_ != nullptr) place_->publish(sync);
}

void undo_target::take_back(undo_writer& writer, bool sync) {
  if (place_ != nullptr) return place_->take_back();
  writer.cut(whole_bytes_);
  if (found_->content().is_finished()) writer.finish();
  if (sync) writer.flush();
}

}  // namespace revlora::tool
