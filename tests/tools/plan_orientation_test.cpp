// Which way a square weight lies, and how factors meet convolutions.
#include "handmade_plan.hpp"

namespace revlora::tool::test {
namespace {

TEST_F(Plan, ModulesOfOtherShapesTellOfSquareOnes) {
  make_model({{"h.0.attn.c_attn.weight", {2, 6}}, {"h.0.attn.c_proj.weight", {2, 2}}});
  add_linear("h.0.attn.c_attn", 6, 2, false);
  const auto d = add_linear("h.0.attn.c_proj", 2, 2, false);
  EXPECT_EQ(changes().at("h.0.attn.c_proj.weight"), transposed(d, 2));
  EXPECT_NE(all_notes().find("\"fan_in_fan_out\" does not hold for 1 square weight, taken as "
                             "[in, out]"),
            std::string::npos)
      << all_notes();
}

TEST_F(Plan, EachTowerHasItsOwnEvidence) {
  make_model({{"encoder.layer.0.query.weight", {2, 2}},
              {"encoder.layer.0.up.weight", {4, 2}},
              {"encoder.layer.0.up.bias", {4}},
              {"decoder.h.0.c_fc.weight", {2, 4}},
              {"decoder.h.0.c_fc.bias", {4}},
              {"decoder.h.0.c_proj.weight", {2, 2}}});
  const auto query = add_linear("encoder.layer.0.query", 2, 2, true);
  const auto projection = add_linear("decoder.h.0.c_proj", 2, 2, true);
  const auto all = changes();
  EXPECT_EQ(all.at("encoder.layer.0.query.weight"), query);
  EXPECT_EQ(all.at("decoder.h.0.c_proj.weight"), transposed(projection, 2));
}

TEST_F(Plan, TheFamilyTells) {
  make_model({{"h.0.attn.c_proj.weight", {2, 2}}}, R"({"model_type": "gpt2"})");
  const auto d = add_linear("h.0.attn.c_proj", 2, 2, false);
  EXPECT_EQ(changes().at("h.0.attn.c_proj.weight"), transposed(d, 2));
  make_model({{"h.0.attn.c_proj.weight", {2, 2}}}, R"({"model_type": "gpt_bigcode"})");
  EXPECT_EQ(changes().at("h.0.attn.c_proj.weight"), d);
}

TEST_F(Plan, WithoutEvidenceTheUserHasToSay) {
  make_model({{"m.weight", {2, 2}}});
  const auto d = add_linear("m", 2, 2, true);
  EXPECT_NE(refusal().find("--fan-in-fan-out no for layers of torch's class Linear, or yes"),
            std::string::npos);
  EXPECT_EQ(changes({.strengths = {1.0}, .fan_in_fan_out = true}).at("m.weight"), transposed(d, 2));
  EXPECT_EQ(changes({.strengths = {1.0}, .fan_in_fan_out = false}).at("m.weight"), d);
  updates_.clear();
  const auto without_flag = add_linear("m", 2, 2, false);
  EXPECT_EQ(changes().at("m.weight"), without_flag);
}

TEST_F(Plan, ALinearLayerMayBeKeptAsAConvolution) {
  make_model({{"m.weight", {3, 2, 1, 1}}, {"n.weight", {3, 8}}});
  const auto m = add_linear("m", 3, 2);
  const auto n = add_linear("n", 3, 8);
  std::get<low_rank_update>(updates_.back().content).shape = {3, 2, 2, 2};
  std::get<low_rank_update>(updates_.back().content).kind = layer_kind::convolution;
  EXPECT_EQ(changes(),
            (std::map<std::string, std::vector<double>>{{"m.weight", m}, {"n.weight", n}}));
}

TEST_F(Plan, GroupedConvolutionsAreRefusedByName) {
  make_model({{"m.weight", {4, 1, 3}}});
  add_linear("m", 4, 12);
  std::get<low_rank_update>(updates_.back().content).shape = {4, 4, 3};
  std::get<low_rank_update>(updates_.back().content).kind = layer_kind::convolution;
  EXPECT_NE(refusal().find("grouped or depthwise convolution"), std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
