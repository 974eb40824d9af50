#include "work/ordered_work.hpp"

#include <sched.h>

#include <algorithm>
#include <system_error>
#include <thread>

#include "console/audience.hpp"
#include "console/interruption.hpp"

namespace revlora::tool {

namespace {

constexpr std::size_t most_threads = 8;

/// That this program may use: the C++ library tells of all that are there.
std::size_t processors() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return std::thread::hardware_concurrency();
  }
  return static_cast<std::size_t>(CPU_COUNT(&allowed));
}

/// That of a thread which works for another one. It leaves it to that one to tell how far all of
/// them are, and to be asked to stop, which it does between its own pieces: whoever called the
/// engine is spoken to on the thread of the call only.
class audience_of_worker final : public audience {
 public:
  explicit audience_of_worker(audience& caller) : caller_(caller) {}

  void hear(const progress&) override {}
  void hear_note(const std::string& text) override { caller_.hear_note(text); }
  void hear_warning(const std::string& text) override { caller_.hear_warning(text); }
  void stop_if_asked() override {}

 private:
  audience& caller_;
};

}  // namespace

ordered_work::ordered_work(int threads)
    : threads_(threads > 0 ? static_cast<std::size_t>(threads)
                           : std::clamp<std::size_t>(processors(), 1, most_threads)) {
}

void ordered_work::run(std::vector<piece> pieces) {
  next_ = finished_ = 0;
  failure_ = nullptr;
  audience& caller = present_audience();
  std::vector<std::thread> others;
  try {
    others.reserve(threads_);
    while (others.size() + 1 < std::min(threads_, pieces.size())) {
      others.emplace_back([&] {
        audience_of_worker own(caller);
        const listening meanwhile(own);
        take_part(pieces);
      });
    }
  } catch (const std::exception&) {  // then with those that there are
  }
  take_part(pieces);
  for (std::thread& each : others) each.join();
  if (failure_) std::rethrow_exception(failure_);
}

void ordered_work::take_part(const std::vector<piece>& pieces) {
  for (;;) {
    std::size_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      if (failure_ || next_ == pieces.size()) return;
      number = next_++;
    }
    try {
      stop_if_interrupted();
      pieces[number].work();
      finish(number, pieces[number]);
    } catch (...) {
      fail(std::current_exception());
      return;
    }
  }
}

void ordered_work::finish(std::size_t number, const piece& done) {
  std::unique_lock lock(mutex_);
  turn_.wait(lock, [&] { return finished_ == number || failure_; });
  if (failure_) return;
  if (done.finish) done.finish();
  ++finished_;
  turn_.notify_all();
}

void ordered_work::fail(std::exception_ptr reason) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(reason);
  turn_.notify_all();
}

}  // namespace revlora::tool
