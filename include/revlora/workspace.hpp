/// \file
/// Memory that is kept from call to call.
#pragma once

#include <utility>

#include "detail/door/workspace_calls.hpp"
#include "detail/namespace.hpp"
#include "detail/plain.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {

/// What calls need beside weights and records: packed factors, codes that are not in the record
/// yet, and what keeps the threads in order. A call that is given a workspace leaves all of that
/// there for the next one, which allocates nothing if it is of the same kind: of weights of the
/// same shape, with as many adapters of the same ranks, on as many threads. A record that has held
/// one as long is filled again without allocation too.
///
///     revlora::workspace kept;
///     for (layer& each : layers)
///       revlora::merge(each.weights, each.adapter, each.record, revlora::openmp{}, &kept);
///
/// It grows with what the largest call needed, and is freed with the object, or by `kept = {}`. Not
/// more than the packed factors and the codes of that call is ever touched; the rest takes only
/// addresses.
///
/// Without one each calling thread keeps up to 4 MiB for itself until it ends, which is enough for
/// small matrices; what a call needs beyond is freed when it returns.
///
/// Calls that run at the same time need a workspace each.
class workspace {
 public:
  /// An empty one.
  workspace() = default;
  /// Takes the memory of one that is empty afterwards.
  workspace(workspace&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  /// Likewise.
  workspace& operator=(workspace&& other) noexcept {
    std::swap(held_, other.held_);
    detail::free_workspace(std::exchange(other.held_, nullptr));
    return *this;
  }
  ~workspace() { detail::free_workspace(held_); }

  /// As it crosses the border of a call: for the doors.
  plain::workspace*& to_plain() { return held_; }

 private:
  plain::workspace* held_ = nullptr;
};

}  // namespace REVLORA_NAMESPACE
}  // namespace revlora
