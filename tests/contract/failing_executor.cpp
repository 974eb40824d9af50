// An executor that does not do its work: the call ends by executor_failed, the weights as they
// were, or, where nothing leads back, finished by the calling thread.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>
#if defined(__unix__)
#include <sys/mman.h>
#endif

#include "check.hpp"
#include "grid.hpp"
#include "refused.hpp"
#include "sections.hpp"

#if defined(__unix__)
namespace contract {
namespace {

/// Leaves out the second of three panels, or does it twice. What packs factors is in more pieces.
struct failing {
  bool repeats;

  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& body) const {
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const bool fails = count == 3 && i == 1;
      if (fails && !repeats) continue;
      body(i);
      if (fails) body(i);
    }
  }
};

/// Weights of three panels that a child changes for its parent too, even if it aborts.
template <class W>
class shared_weights {
 public:
  static constexpr std::ptrdiff_t rows = 40, cols = 70;

  explicit shared_weights(const grid<W>& from)
      : memory_(mmap(nullptr, from.bytes().size(), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0)),
        size_(from.bytes().size()) {
    if (memory_ == MAP_FAILED) std::abort();
    std::memcpy(memory_, from.bytes().data(), size_);
  }
  shared_weights(const shared_weights&) = delete;
  shared_weights& operator=(const shared_weights&) = delete;
  ~shared_weights() { munmap(memory_, size_); }

  revlora::matrix_view<W> view() { return {static_cast<W*>(memory_), rows, cols}; }
  std::span<const std::byte> bytes() const { return {static_cast<std::byte*>(memory_), size_}; }

 private:
  void* memory_;
  std::size_t size_;
};

template <class W>
void is_noticed(const failing& on, const std::string& about) {
  constexpr auto rows = shared_weights<W>::rows, cols = shared_weights<W>::cols;
  numbers random(1);
  const grid<W> base(random, pattern::ordinary, rows, cols, 0);
  const factors<float> first(random, pattern::ordinary, rows, cols, 3, 0.25f);
  const factors<float> second(random, pattern::ordinary, rows, cols, 2, -0.5f);
  const revlora::low_rank list = first.view(), wanted = second.view();
  grid<W> merged = base;
  revlora::undo_record record;
  revlora::merge(merged.view(), list, record, revlora::serial{});
  const std::vector<std::byte> bytes = record.to_bytes();

  shared_weights<W> w(merged);
  const revlora::validation found = revlora::validate(w.view(), list, record, on);
  CHECK(found.reason() == revlora::refusal::executor_failed, about);
  const auto ends = [&](const auto& call) {
    ends_by(found, call, about);
    CHECK_SAME_BYTES(merged.bytes(), w.bytes(), about);
    CHECK_SAME_BYTES(bytes, record.bytes(), about);
  };
  ends([&] { revlora::unmerge(w.view(), list, record, on); });
  ends([&] { revlora::merge(w.view(), wanted, record, on); });
  ends([&] { revlora::swap(w.view(), list, wanted, record, on); });
  ends([&] { revlora::detail::require(revlora::validate(w.view(), list, record, on)); });
  ends([&] { revlora::state_of(w.view(), record, on); });

  shared_weights<W> plain(base);
  revlora::merge(plain.view(), list, on);
  CHECK_SAME_BYTES(merged.bytes(), plain.bytes(), about);
}

}  // namespace

void failing_executors() {
  for (const bool repeats : {false, true}) {
    const std::string about = repeats ? "a panel done twice" : "a panel left out";
    is_noticed<float>({repeats}, about);
    is_noticed<revlora::f16>({repeats}, about);
    is_noticed<revlora::bf16>({repeats}, about);
  }
}

}  // namespace contract
#else
namespace contract {
void failing_executors() {
  std::puts("failing executors are not tested without mmap");
}
}  // namespace contract
#endif
