// Bytes that claim to be an undo record never do harm: they are refused, with the weights as they
// were, or they lead back to the base.
//
// The digest would keep the fuzzer out, so it is made to fit. What is left to find are records that
// somebody forged. The golden records are the seeds, and their weights are unmerged.
#include <cstdlib>
#include <cstring>

#include "golden_scene.hpp"
#include "revlora/detail/record/stream_checksum.hpp"
#include "revlora/revlora.hpp"

namespace {

using namespace revlora;

void require(bool holds) {
  if (!holds) std::abort();
}

template <class T>
bool same(const tests::matrix<T>& expected, const tests::matrix<T>& got) {
  return std::memcmp(expected.bytes().data(), got.bytes().data(), expected.bytes().size()) == 0;
}

bool same(const undo_record& expected, const undo_record& got) {
  return std::ranges::equal(expected.bytes(), got.bytes());
}

/// A golden scene, merged by one recipe.
template <class T>
struct merged_scene {
  tests::golden_scene<T> scene;
  adapter_list adapters;
  revlora::adapter wanted = scene.first.view();
  tests::matrix<T> merged = scene.base;
  tests::matrix<T> swapped = scene.base;
  undo_record swapped_record;

  explicit merged_scene(recipe how) : adapters(scene.list, how) {
    merge(merged.view(), adapters);
    merge(swapped.view(), {wanted, how}, swapped_record);
  }

  /// Whether `verb` was not refused.
  template <class Verb>
  static bool accepts(const Verb& verb) {
    try {
      verb();
      return true;
    } catch (const record_refused&) {
      return false;
    }
  }

  void follow(const undo_record& record) const {
    tests::matrix<T> w = merged;
    const bool accepted = accepts([&] { unmerge(w.view(), adapters, record); });
    require(same(accepted ? scene.base : merged, w));
    require(accepted ==
            accepts([&] { revlora::detail::require(validate(merged.view(), adapters, record)); }));

    w = merged;
    undo_record next = record;
    require(accepted == accepts([&] {
              swap(w.view(), adapters, {wanted, adapters.recipe()}, next);
            }));
    require(same(accepted ? swapped : merged, w));
    require(same(accepted ? swapped_record : record, next));
  }
};

template <class T>
void follow(const undo_record& record) {
  static const merged_scene<T> scenes[] = {merged_scene<T>(recipe::fused),
                                           merged_scene<T>(recipe::rounded_delta),
                                           merged_scene<T>(recipe::nan)};
  scenes[static_cast<int>(record.recipe())].follow(record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto given = std::as_bytes(std::span(data, size));
  std::vector<std::byte> bytes(given.begin(), given.end());
  for (const bool repairs : {false, true}) {
    if (repairs && size >= 8) {
      const std::uint64_t digest = detail::checksum_of({bytes.data(), size - 8});
      std::memcpy(bytes.data() + size - 8, &digest, 8);
    }
    try {
      const undo_record record = undo_record::from_bytes(bytes);
      require(std::ranges::equal(record.bytes(), bytes));
      detail::with_element(record.type(), [&]<class T>(const T*) { follow<T>(record); });
    } catch (const record_refused&) {
    }
  }
  return 0;
}
