// Weights that some models keep as one and others as several: which rows of the one the others are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace revlora::tool {

enum class row_layout {
  whole,                ///< it is not fused
  equal_parts,          ///< as many rows of each
  query_key_value,      ///< as many of keys as of values
  attention_and_mlp,    ///< as many of queries, keys and values; the rest is the feed-forward's
  interleaved_by_heads  ///< or so in some models: nothing in a file says
};

/// That of two weights one is a part of the other's rows.
struct row_share {
  row_layout layout = row_layout::whole;
  std::size_t part = 0;
  std::size_t parts = 1;
};

/// The first row of a part that has `rows` of `all`. Nothing if they do not add up.
std::optional<std::uint64_t> first_row(const row_share& share, std::uint64_t rows,
                                       std::uint64_t all);

/// What a part that fits says of the others: how many rows of keys, or of each of attention's,
/// there are. Parts of one weight have to say the same.
std::uint64_t implied_rows(const row_share& share, std::uint64_t rows, std::uint64_t all);

/// Another name for a tensor, for some of its rows, or for what it is some rows of.
struct other_name {
  std::string component;  ///< of a pipeline, if the name tells
  std::string name;       ///< of a tensor: "….q_proj.weight"
  row_share share = {};
  bool tensor_is_the_part = false;  ///< otherwise what the name says is the part
  std::string rule;                 ///< "q, k and v onto a fused weight"
};

/// The names that parts of a fused weight have, and fused weights that a tensor may be a part of,
/// in models that are otherwise named like this one.
std::vector<other_name> names_of_parts(const std::string& name);

}  // namespace revlora::tool
