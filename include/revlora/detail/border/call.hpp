// A call as a door hands it over: plain data.
#pragma once

#include <cstdint>

#include "../kernel_interface.hpp"
#include "../plain.hpp"

namespace revlora::plain {

enum class verb : std::uint8_t {
  merge,           ///< of `wanted`, and nothing leads back
  subtract,        ///< of `merged`, rounded
  merge_recorded,  ///< of `wanted`, with a record to be made
  unmerge,         ///< of `merged`, by the record
  swap,            ///< of `merged` for `wanted`, by the record
  look,            ///< what the weights are to the record
};

struct call {
  verb asked;
  bool only_checks;  ///< what would be refused; nothing is written
  bool elsewhere;    ///< from one matrix to another
  weights from, to;  ///< the same, if not elsewhere
  adapter_list merged, wanted;
  const record* old_record;  ///< that leads from the weights to their base; null: none
  record** new_record;       ///< to be filled, and made if there is none yet
  workspace** memory;        ///< likewise; null: what the thread keeps
  executor runs_on;
  const kernel_interface::kernel_table* kernels;  ///< those that the verb needs
};

/// What weights are to a record.
enum class state : std::uint8_t {
  base,    ///< what the record leads back to
  merged,  ///< what the record starts from (also if the merge changed nothing)
  other,   ///< neither: changed by somebody, or other weights
};

struct answer {
  kernel_interface::change_counts counts;
  plain::state state;
};

}  // namespace revlora::plain
