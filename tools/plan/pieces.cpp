#include "plan/pieces.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/oriented_factors.hpp"

namespace revlora::tool {

namespace {

constexpr std::uint64_t most_experts = 100'000;

std::uint64_t product(const std::vector<std::uint64_t>& shape, std::size_t from) {
  std::uint64_t elements = 1;
  for (std::size_t i = from; i < shape.size(); ++i) elements *= shape[i];
  return elements;
}

update_piece whole(const low_rank_update& update, const weight_match& match,
                   const shape_of_match& shape_of) {
  return {match, 0, shape_of(match), update, 0};
}

/// Narrows a piece to one expert of the stack that the tensor is.
void narrow_to_expert(update_piece& piece, std::uint64_t expert, const std::string& where) {
  if (piece.shape.size() != 3) {
    throw problem(where + "it is of one expert, and " + quoted(*piece.at.tensor) + " " +
                  describe_shape(piece.shape) + " is no stack of them");
  }
  if (expert >= piece.shape[0]) {
    throw problem(where + "it is of expert " + std::to_string(expert) + ", and " +
                  quoted(*piece.at.tensor) + " has " + std::to_string(piece.shape[0]));
  }
  piece.begin = expert * piece.shape[1] * piece.shape[2];
  piece.shape.erase(piece.shape.begin());
}

/// gpt-oss, which has biases beside its stacks, alternates the rows of the two.
bool may_alternate(const weight_match& match, const checkpoint& model) {
  return model.find(*match.tensor + "_bias") != nullptr;
}

/// Narrows a piece to the rows that its update is of.
void narrow_to_rows(update_piece& piece, const checkpoint& model, const std::string& where) {
  const row_share& share = piece.at.share;
  const std::string stored = quoted(*piece.at.tensor) + " " + describe_shape(piece.shape);
  if (share.layout == row_layout::interleaved_by_heads) {
    throw problem(where + "it is a part of " + stored +
                  ", in which rows of queries, keys and values may alternate by heads: no file "
                  "says whether they do. Train the adapter on the model as it is stored");
  }
  if (may_alternate(piece.at, model)) {
    throw problem(where + "it is a part of " + stored +
                  ", in which the rows of gate_proj and up_proj alternate: they cannot be told as "
                  "one part. Train the adapter on the stack as it is stored");
  }
  const std::uint64_t rows = piece.update.shape[0];
  const auto first = piece.shape.size() < 2 || piece.shape[1] != piece.update.shape[1]
                         ? std::nullopt
                         : first_row(share, rows, piece.shape[0]);
  if (!first) {
    throw problem(where + describe_factors(piece.update) + ": it is a part of " + stored +
                  ", but these sizes do not add up");
  }
  piece.implied_rows = implied_rows(share, rows, piece.shape[0]);
  piece.begin += *first * product(piece.shape, 1);
  piece.shape[0] = rows;
}

/// Narrows a piece to the rows that the adapter's format says.
void narrow_to_given_rows(update_piece& piece, const std::string& where) {
  const row_range& rows = *piece.update.rows;
  const auto& shape = piece.update.shape;
  const std::uint64_t columns = product(shape, 1);
  const bool fits = !piece.shape.empty() && columns > 0 && piece.shape.back() == columns &&
                    product(piece.shape, 0) == rows.total * columns && shape[0] <= rows.total &&
                    rows.first <= rows.total - shape[0];
  if (!fits) {
    throw problem(where + describe_factors(piece.update) + ": they are of rows from " +
                  std::to_string(rows.first) + " on of " + std::to_string(rows.total) + ", and " +
                  quoted(*piece.at.tensor) + " is " + describe_shape(piece.shape));
  }
  piece.begin = rows.first * columns;
  piece.shape = shape;
}

/// Cuts the rows of an update among the tensors that are its parts.
std::vector<update_piece> share_rows(const low_rank_update& update,
                                     std::vector<weight_match> matches,
                                     const shape_of_match& shape_of, const std::string& where) {
  std::ranges::sort(matches, {}, [](const weight_match& each) { return each.share.part; });
  std::vector<update_piece> pieces;
  std::uint64_t first = 0;
  for (const weight_match& match : matches) {
    update_piece piece = whole(update, match, shape_of);
    const std::uint64_t rows = piece.shape.empty() ? 0 : piece.shape[0];
    if (matches.size() != match.share.parts || first + rows > update.shape[0]) break;
    piece.update.b = update.b.row_slice(first, rows);
    piece.update.shape[0] = rows;
    first += rows;
    pieces.push_back(std::move(piece));
  }
  if (first == update.shape[0] && pieces.size() == matches.size()) return pieces;
  throw problem(where + describe_factors(update) + ": the model has it as several weights, " +
                quoted(*matches.front().tensor) + " and others, but their rows do not add up to " +
                std::to_string(update.shape[0]));
}

}  // namespace

low_rank_update update_of_expert(const expert_stack_update& update, std::uint64_t expert) {
  const std::uint64_t rank = update.a.rows / update.experts;
  low_rank_update one;
  one.shape = {update.b.rows, update.a.cols};
  one.b = update.b.every_column(expert, update.experts);
  one.a = update.a.row_slice(expert * rank, rank);
  one.scale = update.scale;
  return one;
}

std::vector<update_piece> cut(const checkpoint& model, const low_rank_update& update,
                              const std::vector<weight_match>& matches,
                              const shape_of_match& shape_of, const std::string& where) {
  const weight_match& first = matches.front();
  const bool is_whole = first.share.layout == row_layout::whole && !first.expert_of_tensor;
  if (update.rows && !is_whole) {
    throw problem(where +
                  "it is of some rows of a weight that the model keeps as a part of another, "
                  "or in parts: merge it into a model that is stored as it was trained");
  }
  if (first.expert_of_name) {
    throw problem(where + "it is one matrix, and the model has " + std::to_string(matches.size()) +
                  " experts of that name");
  }
  if (first.tensor_is_the_part) return share_rows(update, matches, shape_of, where);
  update_piece piece = whole(update, first, shape_of);
  if (update.rows) narrow_to_given_rows(piece, where);
  if (first.expert_of_tensor) narrow_to_expert(piece, *first.expert_of_tensor, where);
  if (first.share.layout != row_layout::whole) narrow_to_rows(piece, model, where);
  return {piece};
}

std::vector<update_piece> cut(const checkpoint& model, const expert_stack_update& update,
                              std::vector<weight_match> matches, const shape_of_match& shape_of,
                              const std::string& where) {
  const bool is_stack = !matches.front().expert_of_name;
  const auto shape = shape_of(matches.front());
  if (update.experts == 1 && is_stack && shape.size() == 2) {
    return cut(model, update_of_expert(update, 0), matches, shape_of, where);
  }
  const auto refuse = [&](const std::string& has) {
    throw problem(where + "it is of " + counted(update.experts, "expert") + ", and the model has " +
                  has);
  };
  const std::string& name = *matches.front().tensor;
  if (is_stack && (shape.size() != 3 || shape[0] != update.experts)) {
    refuse(quoted(name) + " " + describe_shape(shape));
  }
  if (update.experts > most_experts) refuse("fewer, as every model");
  std::ranges::stable_sort(matches, {}, &weight_match::expert_of_name);
  std::vector<update_piece> pieces;
  auto from = matches.begin();
  for (std::uint64_t expert = 0; expert < update.experts; ++expert) {
    std::vector<weight_match> its;
    if (is_stack) {
      its = matches;
      for (weight_match& each : its) each.expert_of_tensor = expert;
    } else {
      for (; from != matches.end() && from->expert_of_name == expert; ++from) {
        its.push_back(*from);
        its.back().expert_of_name.reset();
      }
    }
    if (its.empty()) refuse("none of number " + std::to_string(expert) + " beside " + quoted(name));
    for (update_piece& each : cut(model, update_of_expert(update, expert), its, shape_of, where)) {
      pieces.push_back(std::move(each));
    }
  }
  if (!is_stack && from != matches.end()) refuse("more: " + quoted(*from->tensor));
  return pieces;
}

}  // namespace revlora::tool
