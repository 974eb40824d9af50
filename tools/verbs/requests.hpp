// What the user can ask for, and what was done: between the command line and the verbs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace revlora::tool {

/// How an adapter was named: `PATH` or `PATH=STRENGTH`.
struct adapter_request {
  std::filesystem::path path;
  double strength = 1;
};

/// What most verbs know.
struct common_options {
  bool force = false;  ///< replace files that are read-only
  bool sync = true;    ///< wait until files are on disk
  int threads = 0;     ///< 0: as many as there are processors, eight at most
  /// Which of several sets of weights in one folder is meant: the name of a file or an index.
  std::optional<std::string> weights;
};

/// How adapters are read and become a plan.
struct merge_options {
  recipe_choice recipe = recipe_choice::fused;
  std::optional<bool> fan_in_fan_out;
  bool allow_unused = false;
  bool embed = true;     ///< the undo file has the factors in it
  bool dry_run = false;  ///< only say what would be done
};

struct merge_request {
  std::filesystem::path model;
  std::vector<adapter_request> adapters = {};
  merge_options how = {};
  common_options common = {};
  std::optional<std::filesystem::path> out = {};
  std::optional<std::filesystem::path> undo = {};
  bool overwrite_undo = false;  ///< also an undo file that leads something back
};

struct unmerge_request {
  std::filesystem::path model;
  std::optional<std::filesystem::path> undo = {};
  /// Where the adapters are now, in the order of the merge; empty if they are where they were. Only
  /// undo files without factors need them.
  std::vector<std::filesystem::path> adapters = {};
  common_options common = {};
  bool dry_run = false;
};

struct swap_request {
  std::filesystem::path model;
  std::vector<adapter_request> to = {};  ///< none: the base
  merge_options how = {};
  common_options common = {};
  std::optional<std::filesystem::path> undo = {};
  std::vector<std::filesystem::path> adapters = {};  ///< as of unmerge_request
};

struct verify_request {
  std::filesystem::path model;
  std::optional<std::filesystem::path> undo = {};
  common_options common = {};
};

/// One update of a tensor, for reports.
struct update_outlook {
  std::filesystem::path adapter;
  std::uint64_t rank = 0;
  double strength = 0;  ///< the whole factor in front of B·A
};

/// What happens, or would happen, to one tensor.
struct tensor_outlook {
  std::string file;
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::vector<update_outlook> updates;
  bool is_replaced = false;
  std::optional<double> relative_size;  ///< std(D)/std(W); only of a dry run
};

/// What a merge or a swap did, or would do.
struct merge_result {
  std::filesystem::path model;
  std::filesystem::path undo;
  std::vector<tensor_outlook> tensors;
  std::uint64_t weights = 0;         ///< in these tensors
  std::uint64_t changed = 0;         ///< how many of them are other bits now; of a dry run a guess
  std::uint64_t not_finite = 0;      ///< how many became infinite or NaN
  bool adds_something = false;       ///< what the adapters add is not zero everywhere
  std::uint64_t undo_bytes = 0;      ///< of the undo file; of a dry run a guess
  std::uint64_t record_bytes = 0;    ///< of which records and replaced bytes
  std::uint64_t factor_bytes = 0;    ///< of which embedded factors
  std::uint64_t disk_bytes = 0;      ///< the most that the disk has to have free besides
  std::vector<std::string> notes;    ///< how names were matched, and the like
  std::string trouble;               ///< what went wrong after all was done; empty if nothing
  bool is_finished_earlier = false;  ///< it finished a merge that was interrupted
};

struct unmerge_result {
  std::filesystem::path model;
  std::filesystem::path undo;
  std::size_t restored = 0;     ///< tensors
  std::size_t at_the_base = 0;  ///< tensors that were there already
  std::uint64_t disk_bytes = 0;
  std::string trouble;
};

enum class model_condition { base, merged, partly_merged, changed };

struct verify_result {
  struct tensor_condition {
    std::string file;
    std::string name;
    model_condition condition;
  };
  std::filesystem::path model;
  std::filesystem::path undo;
  std::vector<adapter_request> adapters;  ///< that are merged, or were
  std::uint64_t since = 0;                ///< when that merge was begun, in seconds since 1970
  std::vector<tensor_condition> tensors;
  model_condition condition;
};

/// Throw an exception, with the model as it was (or `partly_done`), if anything is wrong.
merge_result merge_model(const merge_request& request);
unmerge_result unmerge_model(const unmerge_request& request);
merge_result swap_model(const swap_request& request);
verify_result verify_model(const verify_request& request);

}  // namespace revlora::tool
