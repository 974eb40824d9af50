// Weights that are one for the model and several for the adapter, and the other way round.
#include "handmade_plan.hpp"

namespace revlora::tool::test {
namespace {

std::vector<double> at(std::vector<double> d, std::size_t begin, std::size_t all) {
  std::vector<double> whole(all);
  std::copy(d.begin(), d.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin));
  return whole;
}
std::vector<double> part(const std::vector<double>& d, std::size_t begin, std::size_t count) {
  return {d.begin() + static_cast<std::ptrdiff_t>(begin),
          d.begin() + static_cast<std::ptrdiff_t>(begin + count)};
}
std::vector<double> sum(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

TEST_F(Plan, QueriesAndValuesAreRowsOfAFusedWeight) {
  make_model({{"model.layers.0.self_attn.qkv_proj.weight", {8, 3}}});
  const auto q = add_linear("model.layers.0.self_attn.q_proj", 4, 3);
  const auto v = add_linear("model.layers.0.self_attn.v_proj", 2, 3);
  EXPECT_EQ(changes().at("model.layers.0.self_attn.qkv_proj.weight"),
            sum(at(q, 0, 24), at(v, 18, 24)));
  EXPECT_NE(all_notes().find("q, k and v as parts of one weight (1 tensor: "
                             "'model.layers.0.self_attn.q_proj.weight' on "),
            std::string::npos);
}

TEST_F(Plan, RowsThatDoNotAddUpAreRefused) {
  make_model({{"m.qkv_proj.weight", {8, 3}}});
  add_linear("m.q_proj", 3, 3);
  EXPECT_NE(refusal().find("do not add up"), std::string::npos);
  updates_.clear();
  add_linear("m.q_proj", 4, 3);
  add_linear("m.k_proj", 3, 3);
  EXPECT_NE(refusal().find("do not add up"), std::string::npos);
  updates_.clear();
  make_model({{"m.qkv_proj.weight", {12, 3}}});
  add_linear("m.q_proj", 4, 3);
  add_linear("m.k_proj", 2, 3);
  EXPECT_NE(refusal().find("those of the other parts do not add up"), std::string::npos);
}

TEST_F(Plan, RowsOfHeadsThatMayAlternateAreRefusedByName) {
  make_model({{"m.query_key_value.weight", {6, 3}}});
  add_linear("m.query", 2, 3);
  EXPECT_NE(refusal().find("may alternate by heads"), std::string::npos);
}

TEST_F(Plan, AFusedUpdateIsCutIntoRows) {
  make_model({{"m.gate_proj.weight", {4, 3}}, {"m.up_proj.weight", {4, 3}}});
  const auto d = add_linear("m.gate_up_proj", 8, 3);
  const auto all = changes();
  EXPECT_EQ(all.at("m.gate_proj.weight"), part(d, 0, 12));
  EXPECT_EQ(all.at("m.up_proj.weight"), part(d, 12, 12));
  updates_.clear();
  add_linear("m.gate_up_proj", 9, 3);
  EXPECT_NE(refusal().find("do not add up to 9"), std::string::npos);
}

TEST_F(Plan, TheWholeWeightIsPreferredToItsParts) {
  make_model({{"m.qkv.weight", {6, 3}}, {"m.q.weight", {2, 3}}});
  const auto q = add_linear("m.q", 2, 3);
  EXPECT_EQ(changes(), (std::map<std::string, std::vector<double>>{{"m.q.weight", q}}));
}

TEST_F(Plan, RowsThatTheFormatSays) {
  make_model({{"m.weight", {6, 3}}, {"stack.weight", {2, 3, 2}}});
  const auto d = add_linear("m", 2, 3);
  std::get<low_rank_update>(updates_.back().content).rows = {3, 6};
  const auto e = add_linear("stack", 3, 2);
  std::get<low_rank_update>(updates_.back().content).rows = {3, 6};
  EXPECT_EQ(changes().at("m.weight"), at(d, 9, 18));
  EXPECT_EQ(changes().at("stack.weight"), at(e, 6, 12));
  std::get<low_rank_update>(updates_.back().content).rows = {4, 6};
  EXPECT_NE(refusal().find("of rows from 4 on of 6"), std::string::npos);
}

TEST_F(Plan, TwoUpdatesOfOneRegionAreRefused) {
  make_model({{"m.weight", {6, 3}}});
  add_linear("m", 4, 3);
  std::get<low_rank_update>(updates_.back().content).rows = {0, 6};
  add_linear("m", 2, 3);
  std::get<low_rank_update>(updates_.back().content).rows = {3, 6};
  EXPECT_NE(refusal().find("two modules of the adapter match 'm.weight'"), std::string::npos);
}

TEST_F(Plan, OneExpertOfAStack) {
  make_model(
      {{"l.0.mlp.experts.gate_up_proj", {2, 4, 3}}, {"l.0.mlp.experts.down_proj", {2, 3, 2}}});
  const auto up = add_linear("l.0.mlp.experts.1.up_proj", 2, 3);
  const auto down = add_linear("l.0.mlp.experts.0.down_proj", 3, 2);
  const auto all = changes();
  EXPECT_EQ(all.at("l.0.mlp.experts.gate_up_proj"), at(up, 18, 24));
  EXPECT_EQ(all.at("l.0.mlp.experts.down_proj"), at(down, 0, 12));
}

TEST_F(Plan, OneExpertOfATransposedStack) {
  make_model({{"l.0.mlp.experts.gate_up_proj", {2, 2, 4}},
              {"l.0.mlp.experts.gate_up_proj_bias", {2, 4}},
              {"l.0.mlp.experts.down_proj", {2, 2, 2}}});
  const auto up = add_linear("l.0.mlp.experts.gate_up_projs.1", 4, 2);
  const auto down = add_linear("l.0.mlp.experts.down_projs.1", 2, 2);
  const auto all = changes();
  EXPECT_EQ(all.at("l.0.mlp.experts.gate_up_proj"), at(transposed(up, 4), 8, 16));
  EXPECT_EQ(all.at("l.0.mlp.experts.down_proj"), at(transposed(down, 2), 4, 8));
  add_linear("l.0.mlp.experts.0.gate_proj", 2, 2);
  EXPECT_NE(refusal().find("alternate"), std::string::npos);
}

TEST_F(Plan, MixtralsExpertsInANewStack) {
  make_model({{"model.layers.0.mlp.experts.gate_up_proj", {2, 4, 3}}});
  const auto w1 = add_linear("model.layers.0.block_sparse_moe.experts.1.w1", 2, 3);
  EXPECT_EQ(changes().at("model.layers.0.mlp.experts.gate_up_proj"), at(w1, 12, 24));
}

class Stacks : public Plan {
 protected:
  /// As PEFT keeps it, and D of each expert.
  std::vector<std::vector<double>> add_stack(const std::string& module, std::uint64_t experts,
                                             std::uint64_t out, std::uint64_t in,
                                             std::vector<std::string> parameters,
                                             std::size_t depth = 0) {
    constexpr std::uint64_t rank = 2;
    const numbers b = matrix(out, rank * experts), a = matrix(experts * rank, in);
    expert_stack_update update;
    update.b = b.matrix;
    update.a = a.matrix;
    update.experts = experts;
    update.parameters = std::move(parameters);
    update.depth = depth;
    updates_.push_back({.module = module, .content = update});
    std::vector<std::vector<double>> all;
    for (std::uint64_t e = 0; e < experts; ++e) {
      std::vector<float> be, ae;
      for (std::uint64_t i = 0; i < out; ++i) {
        for (std::uint64_t k = 0; k < rank; ++k) {
          be.push_back(b.values[i * rank * experts + k * experts + e]);
        }
      }
      for (std::uint64_t k = 0; k < rank * in; ++k) ae.push_back(a.values[e * rank * in + k]);
      all.push_back(product(be, ae, out, rank, in));
    }
    return all;
  }
  const std::vector<std::string> both = {"gate_up_proj", "down_proj"};
};

TEST_F(Stacks, AreToldApartByTheirShapes) {
  make_model({{"l.0.experts.gate_up_proj", {2, 4, 3}}, {"l.0.experts.down_proj", {2, 3, 2}}});
  const auto up = add_stack("l.0.experts", 2, 4, 3, both, 1);
  const auto down = add_stack("l.0.experts", 2, 3, 2, both, 0);
  const auto all = changes();
  EXPECT_EQ(all.at("l.0.experts.gate_up_proj"), sum(at(up[0], 0, 24), at(up[1], 12, 24)));
  EXPECT_EQ(all.at("l.0.experts.down_proj"), sum(at(down[0], 0, 12), at(down[1], 6, 12)));
}

TEST_F(Stacks, MayBeTransposed) {
  make_model({{"l.0.experts.gate_up_proj", {2, 3, 4}}, {"l.0.experts.down_proj", {2, 2, 3}}});
  const auto up = add_stack("l.0.experts", 2, 4, 3, both, 1);
  add_stack("l.0.experts", 2, 3, 2, both, 0);
  EXPECT_EQ(changes().at("l.0.experts.gate_up_proj"),
            sum(at(transposed(up[0], 4), 0, 24), at(transposed(up[1], 4), 12, 24)));
}

TEST_F(Stacks, ThatFitInSeveralWaysAreRefused) {
  make_model({{"l.0.experts.a", {2, 3, 2}}, {"l.0.experts.b", {2, 3, 2}}});
  add_stack("l.0.experts", 2, 3, 2, {"a", "b"}, 1);
  add_stack("l.0.experts", 2, 3, 2, {"a", "b"}, 0);
  EXPECT_NE(refusal().find("in several ways"), std::string::npos);
}

TEST_F(Stacks, OfSquareMatricesNeedEvidence) {
  make_model({{"l.0.experts.down_proj", {2, 2, 2}}});
  add_stack("l.0.experts", 2, 2, 2, {"down_proj"});
  EXPECT_NE(refusal().find("--fan-in-fan-out"), std::string::npos);
}

TEST_F(Stacks, MayBeOneMatrixForEachInTheModel) {
  make_model({{"l.0.experts.0.w1.weight", {2, 3}},
              {"l.0.experts.0.w3.weight", {2, 3}},
              {"l.0.experts.1.w1.weight", {2, 3}},
              {"l.0.experts.1.w3.weight", {2, 3}}});
  const auto up = add_stack("l.0.experts", 2, 4, 3, {"gate_up_proj"});
  const auto all = changes();
  EXPECT_EQ(all.at("l.0.experts.0.w1.weight"), part(up[0], 0, 6));
  EXPECT_EQ(all.at("l.0.experts.1.w3.weight"), part(up[1], 6, 6));
  updates_.clear();
  add_stack("l.0.experts", 3, 4, 3, {"gate_up_proj"});
  EXPECT_NE(refusal().find("it is of 3 experts"), std::string::npos);
}

TEST_F(Stacks, AreRoundedFirstByPeft) {
  make_model({{"l.0.gate.weight", {4, 3}}});
  add_stack("l.0.gate", 1, 4, 3, {"weight"});
  changes({.strengths = {1.0}, .recipe = recipe_choice::peft});
  EXPECT_EQ(planned("l.0.gate.weight").recipe, revlora::recipe::rounded_delta);
}

TEST_F(Stacks, OfOneAreAPlainMatrix) {
  make_model({{"l.0.gate.weight", {4, 3}}});
  const auto gate = add_stack("l.0.gate", 1, 4, 3, {"weight"});
  EXPECT_EQ(changes().at("l.0.gate.weight"), gate[0]);
}

}  // namespace
}  // namespace revlora::tool::test
