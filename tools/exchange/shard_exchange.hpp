// One file of a model: from what it is to what it is to be, in one pass, piece by piece.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "console/progress.hpp"
#include "exchange/shard_layout.hpp"
#include "exchange/tensor_goal.hpp"
#include "exchange/window_exchange.hpp"
#include "undo/undo_state.hpp"
#include "undo/undo_writer.hpp"
#include "work/ordered_work.hpp"

namespace revlora::tool {

/// What a tensor is merged with, and what it is to be merged with: one of them at least.
struct tensor_job {
  const undo_tensor* merged = nullptr;    ///< none: it is at the base
  const undo_shard* merged_in = nullptr;  ///< the file that it is of in the undo file
  const undo_merge* merged_by = nullptr;  ///< the merge that has left it so
  std::optional<tensor_goal> goal = {};   ///< none: the base
};

struct shard_job {
  std::size_t shard;
  std::map<std::string, tensor_job> tensors;  ///< by the names that the checkpoint finds
};

class shard_exchange {
 public:
  /// `undo` is the file that leads back from what is merged; null if nothing is. `log` takes what
  /// leads back from what comes to be; null if nobody needs that. All have to outlive this.
  shard_exchange(const checkpoint& model, const file* undo, kept_factor_reader* factors,
                 undo_writer* log, bool embed, ordered_work& team, progress& bar)
      : model_(model),
        undo_(undo),
        kept_(factors),
        log_(log),
        embed_(embed),
        team_(team),
        bar_(bar) {}

  /// Writes the whole file. What is returned has no identity yet. Throws a problem if what is
  /// merged does not lead back.
  undo_shard run(const shard_job& job, const file& to);

  const merge_counts& counts() const { return counts_; }

 private:
  /// One tensor while its parts are at work.
  struct tensor_at_work {
    tensor_at_work(const tensor_job& wanted, factor_shelf::reader merged, factor_shelf::reader goal)
        : job(wanted), merged_factors(std::move(merged)), goal_factors(std::move(goal)) {}

    void let_go() {
      merged_factors.let_go();
      goal_factors.let_go();
    }

    const tensor_job& job;
    undo_tensor log;
    factor_shelf merged_factors;
    factor_shelf goal_factors;
  };

  void exchange(const located_tensor* now, const tensor_job& job, const tensor_place& place);
  void exchange_by_windows(const located_tensor& now, tensor_at_work& at_work, std::uint64_t to);
  void exchange_whole(const located_tensor* now, tensor_at_work& at_work,
                      const tensor_place& place);
  void lead_back(std::vector<std::byte>& bytes, tensor_at_work& at_work, const undo_window& window);
  void note(const reached_window& reached, tensor_at_work& at_work);
  void copy(std::uint64_t from, std::uint64_t count, std::uint64_t to);

  const checkpoint& model_;
  const file* undo_;
  kept_factor_reader* kept_;
  undo_writer* log_;
  bool embed_;
  ordered_work& team_;
  progress& bar_;
  const file* from_ = nullptr;
  const file* to_ = nullptr;
  bool is_clone_ = false;
  std::deque<tensor_at_work> tensors_;
  std::vector<ordered_work::piece> pieces_;
  merge_counts counts_;
};

}  // namespace revlora::tool
