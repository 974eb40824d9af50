// A model on disk, from what it is to what it is to be: merge, unmerge and swap are this.
//
// File after file: the new one is made beside the old, what leads back is added to the undo file
// and put on disk, and then the new one takes the place of the old. So whenever this is cut off,
// each file is what it was or what it was to be, and the undo file tells which. An error, or the
// wish that the program may end, makes what was done undone, as far as the disk allows.
#pragma once

#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/destination.hpp"
#include "exchange/shard_exchange.hpp"
#include "exchange/undo_target.hpp"

namespace revlora::tool {

/// What is to be done, file after file. Files that are left out stay as they are.
struct exchange_jobs {
  std::vector<shard_job> shards;
  std::vector<const undo_text*> texts;  ///< that are to be as in the base again
};

/// Whether tensors that an index knows get larger, or come to it.
bool grows(const checkpoint& model, const exchange_jobs& jobs, const located_index& index);

/// Refuses, before anything is written, jobs that would change a file of the model which may not
/// be.
void check_replaceable(const checkpoint& model, const exchange_jobs& jobs,
                       const destination& target);

struct exchange_options {
  bool embed = true;
  bool sync = true;
  int threads = 0;  ///< as ordered_work has it
  const char* doing = "merging";
};

struct exchange_result {
  merge_counts counts;
  std::vector<file_identity> files;  ///< that took the places of others
  std::uint64_t undo_bytes = 0;
  std::string trouble;  ///< what went wrong after all was done; empty if nothing
};

class model_exchange {
 public:
  /// `from` is the undo file by which the model is merged, null if it is not. All have to outlive
  /// this.
  model_exchange(checkpoint& model, destination& target, const found_undo* from,
                 kept_factor_reader* factors, const exchange_options& options)
      : model_(model),
        target_(target),
        from_(from),
        factors_(factors),
        options_(options),
        team_(options.threads) {}

  /// To the base: nothing is logged.
  exchange_result run(const exchange_jobs& jobs);
  /// To what `merge` says, with the undo file's sections of it. `adapters` are looked at again
  /// before anything takes its place. Throws `partly_done` if some files are changed and cannot be
  /// changed back.
  exchange_result run(const exchange_jobs& jobs, const undo_merge& merge, undo_target& log,
                      const std::vector<stored_adapter>& adapters);

 private:
  struct done_shard {
    const shard_job* job;
    undo_shard log;
  };

  bool is_going_on(const undo_merge& merge) const;
  void check_adapters() const;
  void run_shards(const exchange_jobs& jobs, undo_writer* writer);
  void copy_other_shards(const exchange_jobs& jobs, progress& bar);
  void put_texts(const exchange_jobs& jobs, undo_writer* writer);
  [[noreturn]] void lead_back(undo_writer* writer, std::exception_ptr failure);
  void change_back(undo_writer* writer);

  checkpoint& model_;
  destination& target_;
  const found_undo* from_;
  kept_factor_reader* factors_;
  exchange_options options_;
  ordered_work team_;
  const std::vector<stored_adapter>* adapters_ = nullptr;
  const undo_merge* merge_ = nullptr;
  undo_target* log_ = nullptr;
  bool is_published_ = false;                   ///< the undo file
  std::map<std::string, std::uint64_t> sizes_;  ///< of the tensors, before
  std::optional<std::size_t> at_work_;          ///< the shard that is being made
  std::deque<done_shard> done_;
  exchange_result result_;
};

}  // namespace revlora::tool
