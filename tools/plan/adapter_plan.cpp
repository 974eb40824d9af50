#include "plan/adapter_plan.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "plan/mergeable.hpp"
#include "plan/orientation_choice.hpp"
#include "plan/oriented_factors.hpp"
#include "plan/pieces.hpp"
#include "plan/replacements.hpp"
#include "plan/taken_regions.hpp"
#include "plan/unmatched.hpp"

namespace revlora::tool {

namespace {

class adapter_planner {
 public:
  adapter_planner(const model_names& names, const orientation_evidence& of_model,
                  const stored_adapter& adapter, std::size_t number, const plan_options& options,
                  planned_tensors& planned, std::vector<std::string>& notes)
      : names_(names),
        orientation_(of_model, options.fan_in_fan_out),
        adapter_(adapter),
        number_(number),
        options_(options),
        planned_(planned),
        notes_(notes),
        source_(quoted(adapter.path) + ": ") {}

  void plan() {
    check_unused();
    check_architecture(names_.model, adapter_, source_);
    const auto matched = match_updates(names_, adapter_, options_.allow_unused, source_, notes_);
    // A tensor that grows has its new shape when the others are fitted to it.
    for (const matched_update& each : matched) replace(each);
    for (const matched_update& each : matched) add_difference(each);
    for (const matched_update& each : matched) cut_into_pieces(each);
    for (const piece_of_update& each : pieces_) place(each);
    note_replacements();
    note_ties();
    for (std::string& each : orientation_.notes(source_)) notes_.push_back(std::move(each));
  }

 private:
  struct piece_of_update {
    update_piece piece;
    std::string where;
    bool is_of_parameter;  ///< of one of PEFT's "target_parameters"
  };

  std::string where(const matched_update& each) const {
    const adapter_update& update = *each.update;
    if (!update.spelled.empty()) return source_ + quoted(update.spelled) + ": ";
    return source_ + quoted(update.module.empty() ? each.name : update.module) + ": ";
  }

  void check_unused() {
    if (adapter_.unused.empty()) return;
    std::string list;
    for (const unused_part& each : adapter_.unused) {
      list += (list.empty() ? "" : ", ") + each.what + " (" + each.why + ")";
    }
    if (!options_.allow_unused) {
      throw problem(source_ + "has more than can be merged: " + list +
                    ". The result would not be the model that was trained; --allow-unused goes on "
                    "without it");
    }
    notes_.push_back(source_ + "left out: " + list);
  }

  float strength_of(double scale, const std::string& where) const {
    const auto rounded = static_cast<float>(scale * options_.strengths[number_]);
    if (!std::isfinite(rounded)) throw problem(where + "the strength is not a finite number");
    return rounded;
  }

  plain_change change_of(const matched_update& each, const std::string& at) const {
    return {names_, adapter_, number_, each, at, options_.merged_tensors};
  }

  void replace(const matched_update& each) {
    const auto* update = std::get_if<replacement_update>(&each.update->content);
    if (update == nullptr) return;
    const std::string at = where(each);
    const auto* tensor = plan_replacement(change_of(each, at), planned_, notes_);
    if (tensor == nullptr) return;
    const std::string& dtype = update->values.dtype;
    const std::string& stored = tensor->entry.dtype;
    replaced_[dtype == stored ? "" : ", converted from " + dtype + " to " + stored].push_back(
        tensor->name);
  }

  void add_difference(const matched_update& each) {
    const auto* update = std::get_if<difference_update>(&each.update->content);
    if (update == nullptr) return;
    const std::string at = where(each);
    plan_difference(change_of(each, at), strength_of(update->scale, at), planned_);
  }

  void cut_into_pieces(const matched_update& each) {
    const std::string at = where(each);
    const shape_of_match shape_of = [&](const weight_match& match) {
      return planned_.of(*match.tensor, *match.at).shape;
    };
    const auto keep = [&](std::vector<update_piece> pieces, bool is_of_parameter) {
      for (update_piece& piece : pieces) {
        check_layout(piece, at);
        orientation_.learn(piece);
        pieces_.push_back({std::move(piece), at, is_of_parameter});
      }
    };
    if (const auto* update = std::get_if<low_rank_update>(&each.update->content)) {
      keep(cut(names_.model, *update, each.matches, shape_of, at), false);
    } else if (const auto* stack = std::get_if<expert_stack_update>(&each.update->content)) {
      keep(cut(names_.model, *stack, each.matches, shape_of, at), true);
    }
  }

  void check_layout(const update_piece& piece, const std::string& where) {
    if (piece.implied_rows == 0) return;
    const std::pair weight(*piece.at.tensor, piece.at.expert_of_tensor);
    const auto other = implied_rows_.try_emplace(weight, piece.implied_rows).first;
    if (other->second == piece.implied_rows) return;
    throw problem(where + "it is a part of " + quoted(*piece.at.tensor) +
                  ", but its rows and those of the other parts do not add up");
  }

  void place(const piece_of_update& each) {
    const update_piece& piece = each.piece;
    const std::string& name = *piece.at.tensor;
    const bool is_transposed = orientation_.is_transposed(piece, each.where);
    if (piece.at.share.layout != row_layout::whole && is_transposed) {
      throw problem(each.where + "it is a part of " + quoted(name) +
                    ", or has it as a part, which lies as [in, out]: only rows can be shared out");
    }
    std::uint64_t columns = 1;
    for (std::size_t i = 1; i < piece.shape.size(); ++i) columns *= piece.shape[i];
    const float strength = strength_of(piece.update.scale, each.where);
    const planned_update update{{piece.begin, piece.shape[0], columns},
                                oriented(piece.update, is_transposed, number_, strength)};
    add(name, *piece.at.at, update, each);
    if (const std::string* twin = names_.tied.twin(name)) {
      add(*twin, *names_.model.find(*twin), update, each);
    }
  }

  void add(const std::string& name, const located_tensor& at, const planned_update& update,
           const piece_of_update& piece) {
    planned_tensor& tensor = planned_.of(name, at);
    if (!taken_.take(name, update.region)) {
      throw problem(piece.where + "two modules of the adapter match " + quoted(name) +
                    (names_.tied.has(name)
                         ? ", which is embedding and output layer in one: save the model with "
                           "\"tie_word_embeddings\": false and an output layer of its own, and "
                           "merge into that"
                         : ""));
    }
    tensor.updates.push_back(update);
    choose_recipe(tensor, piece);
  }

  void choose_recipe(planned_tensor& tensor, const piece_of_update& piece) const {
    // What PEFT's merge does, layer by layer: its embeddings and parameters have D in the type of
    // the weight before they add it, its other layers add it in fp32.
    const bool peft_rounds =
        piece.is_of_parameter || piece.piece.update.kind == layer_kind::embedding;
    const bool rounds = options_.recipe == recipe_choice::peft
                            ? peft_rounds
                            : options_.recipe == recipe_choice::rounded_delta;
    const auto recipe = rounds ? revlora::recipe::rounded_delta : revlora::recipe::fused;
    if (tensor.updates.size() > 1 && tensor.recipe != recipe) {
      throw problem(piece.where + "PEFT rounds the updates of " + quoted(tensor.name) +
                    " in two ways: choose another recipe than peft, or merge one after the other");
    }
    tensor.recipe = recipe;
  }

  void note_replacements() {
    for (const auto& [conversion, tensors] : replaced_) {
      notes_.push_back(source_ + "replaces " + listed(tensors) + conversion);
    }
    if (!replaced_.empty() && options_.strengths[number_] != 1) {
      notes_.push_back(source_ +
                       "the strength is not applied to tensors that the adapter replaces");
    }
  }

  void note_ties() {
    const auto tied = std::ranges::find_if(pieces_, [&](const piece_of_update& each) {
      return names_.tied.has(*each.piece.at.tensor);
    });
    if (tied == pieces_.end()) return;
    notes_.push_back(source_ + quoted(*tied->piece.at.tensor) +
                     " is tied: it is also the output layer, of a model that has one. Both change, "
                     "as by PEFT's merge, though the adapter was trained on one of them");
  }

  const model_names& names_;
  orientation_choice orientation_;
  const stored_adapter& adapter_;
  std::size_t number_;
  const plan_options& options_;
  planned_tensors& planned_;
  std::vector<std::string>& notes_;
  std::string source_;
  std::vector<piece_of_update> pieces_;
  taken_regions taken_;
  /// Of fused weights, and of each expert's in a stack.
  std::map<std::pair<std::string, std::optional<std::uint64_t>>, std::uint64_t> implied_rows_;
  std::map<std::string, std::vector<std::string>> replaced_;  ///< by how they are converted
};

}  // namespace

void plan_adapter(const model_names& names, const orientation_evidence& of_model,
                  const stored_adapter& adapter, std::size_t number, const plan_options& options,
                  planned_tensors& planned, std::vector<std::string>& notes) {
  adapter_planner(names, of_model, adapter, number, options, planned, notes).plan();
}

}  // namespace revlora::tool
