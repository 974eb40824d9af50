// Work that is done by several threads at a time, and finished piece by piece in order.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

namespace revlora::tool {

class ordered_work {
 public:
  struct piece {
    std::function<void()> work;    ///< at any time, beside that of others
    std::function<void()> finish;  ///< alone, after that of all pieces before; may be empty
  };

  /// So many threads; 0: as many as there are processors for this program, eight at most, because
  /// copying does not get faster by more, and each needs memory.
  explicit ordered_work(int threads);

  /// Does all of it. If a piece throws, no other is begun, and the exception leaves when those that
  /// were are done.
  void run(std::vector<piece> pieces);

 private:
  void take_part(const std::vector<piece>& pieces);
  void finish(std::size_t number, const piece& done);
  void fail(std::exception_ptr reason);

  std::size_t threads_;
  std::mutex mutex_;
  std::condition_variable turn_;
  std::size_t next_ = 0;      ///< piece to begin
  std::size_t finished_ = 0;  ///< so many, in order
  std::exception_ptr failure_;
};

}  // namespace revlora::tool
