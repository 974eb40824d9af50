// What the tensors of PEFT's files change: by hand, one kind of module after the other.
#include "formats/peft_contents.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

using shape = std::vector<std::uint64_t>;

/// Tensors one behind the other, as in a file of nothing else.
std::vector<tensor> table(const std::vector<std::pair<std::string, shape>>& named) {
  std::vector<tensor> tensors;
  std::size_t at = 0;
  for (const auto& [name, extents] : named) {
    tensor each{"base_model.model." + name, "F32", extents, at, at};
    each.end += 4 * each.element_count();
    at = each.end;
    tensors.push_back(std::move(each));
  }
  return tensors;
}

peft_contents contents(const std::vector<std::pair<std::string, shape>>& named,
                       const std::string& fields = "") {
  const peft_config config(R"({"peft_type": "LORA", "r": 2, "lora_alpha": 1)" + fields + "}",
                           "config");
  return contents_of(table(named), config, "file");
}

std::string refusal(const std::vector<std::pair<std::string, shape>>& named,
                    const std::string& fields = "") {
  return message_of([&] { contents(named, fields); });
}

const std::vector<std::pair<std::string, shape>> q = {{"q.lora_A.weight", {2, 3}},
                                                      {"q.lora_B.weight", {5, 2}}};

/// The factors of `q` and what comes besides.
std::vector<std::pair<std::string, shape>> with_q(
    const std::vector<std::pair<std::string, shape>>& others) {
  auto all = q;
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

template <class Content>
const Content& get(const peft_contents& all, std::size_t number) {
  return std::get<Content>(all.updates.at(number).content);
}

TEST(PeftContents, LinearLayers) {
  const auto all = contents(q);
  ASSERT_EQ(all.updates.size(), 1u);
  EXPECT_EQ(all.updates[0].module, "q");
  EXPECT_EQ(all.updates[0].parameter, "weight");
  const auto& update = get<low_rank_update>(all, 0);
  EXPECT_EQ(update.kind, layer_kind::linear);
  EXPECT_EQ(update.shape, (shape{5, 3}));
  EXPECT_EQ(update.scale, 0.5);
  EXPECT_EQ(update.fan_in_fan_out, false);
  EXPECT_EQ(update.a, (stored_matrix{0, "F32", 0, 2, 3, 3, 1}));
  EXPECT_EQ(update.b, (stored_matrix{0, "F32", 24, 5, 2, 2, 1}));
}

TEST(PeftContents, EmbeddingsAreSeenTransposed) {
  const auto all = contents({{"e.lora_embedding_A", {2, 7}}, {"e.lora_embedding_B", {3, 2}}});
  const auto& update = get<low_rank_update>(all, 0);
  EXPECT_EQ(update.kind, layer_kind::embedding);
  EXPECT_EQ(update.shape, (shape{7, 3}));
  EXPECT_EQ(update.b, (stored_matrix{0, "F32", 0, 7, 2, 1, 7}));
  EXPECT_EQ(update.a, (stored_matrix{0, "F32", 56, 2, 3, 1, 2}));
}

TEST(PeftContents, ConvolutionsOfOneToThreeDimensions) {
  for (std::size_t dimensions = 1; dimensions <= 3; ++dimensions) {
    shape a = {2, 4}, b = {6, 2};
    a.insert(a.end(), dimensions, 3);
    b.insert(b.end(), dimensions, 1);
    const auto all = contents({{"c.lora_A.weight", a}, {"c.lora_B.weight", b}});
    const auto& update = get<low_rank_update>(all, 0);
    EXPECT_EQ(update.kind, layer_kind::convolution);
    a[0] = 6;
    EXPECT_EQ(update.shape, a);
    EXPECT_EQ(update.a.rows, 2u);
  }
}

TEST(PeftContents, GroupedConvolutionsAreRefusedButNamed) {
  const auto all = contents({{"c.lora_A.weight", {2, 4, 3}}, {"c.lora_B.weight", {6, 1, 1}}});
  EXPECT_NE(all.refused.find("'c' is a convolution in 2 groups"), std::string::npos) << all.refused;
}

TEST(PeftContents, AnAdaptersOwnBiasIsADifference) {
  const auto all = contents(with_q({{"q.lora_B.bias", {5}}}), R"(,"lora_bias": true)");
  ASSERT_EQ(all.updates.size(), 2u);
  EXPECT_EQ(all.updates[0].parameter, "bias");
  EXPECT_EQ(get<difference_update>(all, 0).scale, 0.5);
  EXPECT_EQ(get<difference_update>(all, 0).shape, shape{5});
  EXPECT_NE(refusal(with_q({{"q.lora_B.bias", {4}}})).find("bias that does not fit"),
            std::string::npos);
}

TEST(PeftContents, ReplacedTensors) {
  const auto all = contents(with_q({{"lm_head.weight", {9, 3}},
                                    {"q.base_layer.bias", {5}},
                                    {"q.base_layer.weight", {5, 3}},
                                    {"scale", {}}}),
                            R"(,"bias": "lora_only")");
  ASSERT_EQ(all.updates.size(), 5u);
  EXPECT_EQ(all.updates[0].module, "lm_head");
  EXPECT_FALSE(get<replacement_update>(all, 0).is_likely_the_base);
  EXPECT_EQ(all.updates[1].parameter, "bias");
  EXPECT_FALSE(get<replacement_update>(all, 1).is_likely_the_base);
  EXPECT_TRUE(get<replacement_update>(all, 2).is_likely_the_base);
  EXPECT_EQ(get<low_rank_update>(all, 3).shape, (shape{5, 3}));
  EXPECT_EQ(all.updates[4].module, "scale");
  EXPECT_EQ(all.updates[4].parameter, "");
}

TEST(PeftContents, HeadsThatAreSavedTwiceCountOnce) {
  const std::vector<std::pair<std::string, shape>> twice = {{"h.modules_to_save.weight", {2, 3}},
                                                            {"h.original_module.weight", {4, 3}},
                                                            {"h.weight", {6, 3}}};
  const auto all = contents(with_q(twice));
  ASSERT_EQ(all.updates.size(), 2u);
  EXPECT_EQ(get<replacement_update>(all, 0).shape, (shape{6, 3}));
  EXPECT_NE(refusal(with_q({{"h.weight", {1}}, {"h.base_layer.weight", {1}}})).find("the same"),
            std::string::npos);
}

TEST(PeftContents, TrainedTokensReplaceRows) {
  const std::vector<std::pair<std::string, shape>> tokens = {
      {"e.token_adapter.base_layer.weight", {9, 3}},
      {"e.token_adapter.trainable_tokens_delta", {2, 3}}};
  const auto all = contents(tokens, R"(,"trainable_token_indices": {"e": [8, 1]})");
  ASSERT_EQ(all.updates.size(), 2u);
  EXPECT_TRUE(get<replacement_update>(all, 0).is_likely_the_base);
  EXPECT_EQ(get<replacement_update>(all, 1).rows, (shape{8, 1}));
  EXPECT_EQ(all.updates[1].parameter, "weight");
  EXPECT_NE(refusal(tokens).find("does not say which"), std::string::npos);
  EXPECT_NE(refusal(tokens, R"(,"trainable_token_indices": [1])").find("names 1 row"),
            std::string::npos);
  EXPECT_NE(refusal(tokens, R"(,"trainable_token_indices": [1, 1])").find("twice"),
            std::string::npos);
}

const std::vector<std::pair<std::string, shape>> stacks = {
    {"x.experts.lora_A.weight", {6, 4}},
    {"x.experts.lora_B.weight", {8, 6}},
    {"x.experts.base_layer.lora_A.weight", {6, 8}},
    {"x.experts.base_layer.lora_B.weight", {4, 6}}};

TEST(PeftContents, StacksOfExperts) {
  const auto all = contents(stacks, R"(,"target_parameters": ["experts.up", "experts.down"])");
  ASSERT_EQ(all.updates.size(), 2u);
  for (std::size_t depth = 0; depth < 2; ++depth) {
    EXPECT_EQ(all.updates[depth].module, "x.experts");
    const auto& update = get<expert_stack_update>(all, depth);
    EXPECT_EQ(update.experts, 3u);
    EXPECT_EQ(update.scale, 0.5);
    EXPECT_EQ(update.depth, depth);
    EXPECT_EQ(update.parameters, (std::vector<std::string>{"up", "down"}));
  }
  EXPECT_EQ(get<expert_stack_update>(all, 0).a.cols, 4u);
  EXPECT_EQ(get<expert_stack_update>(all, 1).a.cols, 8u);
}

TEST(PeftContents, StacksHaveRanksByTheirParameters) {
  const std::string fields =
      R"(,"target_parameters": ["experts.up", "experts.down"], "rank_pattern": {"experts.up": 4})";
  const auto all = contents(stacks, fields);
  const auto& update = get<expert_stack_update>(all, 0);
  EXPECT_EQ(update.parameters, std::vector<std::string>{"down"}) << "6 rows are no multiple of 4";
  EXPECT_EQ(all.updates[0].parameter, "down");
  const std::string ambiguous =
      R"(,"target_parameters": ["experts.up", "experts.down"], "alpha_pattern": {"experts.up": 4})";
  EXPECT_NE(refusal(stacks, ambiguous).find("different ranks or alphas"), std::string::npos);
}

TEST(PeftContents, ParametersWithoutAModuleAreToldByTheRank) {
  auto all = stacks;
  all.insert(all.end(), q.begin(), q.end());
  const auto read = contents(all, R"(,"target_parameters": ["up", "down"])");
  ASSERT_EQ(read.updates.size(), 3u);
  EXPECT_EQ(read.updates[0].module, "q");
  EXPECT_EQ(get<low_rank_update>(read, 0).shape, (shape{5, 3}));
  EXPECT_EQ(get<expert_stack_update>(read, 1).experts, 3u);
}

TEST(PeftContents, ParametersOfTwoDimensionsAreStacksOfOne) {
  const auto all = contents(q, R"(,"target_parameters": ["q.weight"])");
  EXPECT_EQ(get<expert_stack_update>(all, 0).experts, 1u);
  EXPECT_EQ(all.updates[0].parameter, "weight");
}

TEST(PeftContents, Attention) {
  const std::vector<std::pair<std::string, shape>> attention = {
      {"x.attn.lora_A.weight", {2, 4}},
      {"x.attn.lora_B.weight", {12, 2}},
      {"x.attn.base_layer.out_proj.lora_A.weight", {2, 4}},
      {"x.attn.base_layer.out_proj.lora_B.weight", {4, 2}}};
  const auto all = contents(attention, R"(,"alpha_pattern": {"attn": 6})");
  ASSERT_EQ(all.updates.size(), 2u);
  EXPECT_EQ(all.updates[0].module, "x.attn");
  EXPECT_EQ(all.updates[0].parameter, "in_proj_weight");
  EXPECT_EQ(all.updates[1].module, "x.attn.out_proj");
  EXPECT_EQ(all.updates[1].parameter, "weight");
  EXPECT_EQ(get<low_rank_update>(all, 0).scale, 3);
  EXPECT_EQ(get<low_rank_update>(all, 1).scale, 6) << "PEFT trains it with twice the update";
}

TEST(PeftContents, RefusesFactorsThatDoNotFit) {
  EXPECT_NE(refusal({q[0]}).find("no lora_B"), std::string::npos);
  EXPECT_NE(refusal({q[1]}).find("no lora_A"), std::string::npos);
  EXPECT_NE(refusal({}).find("no LoRA factors"), std::string::npos);
  EXPECT_NE(refusal(q, R"(,"rank_pattern": {"q": 3})").find("has rank 2, but"), std::string::npos);
  EXPECT_NE(refusal({{"q.lora_A.weight", {2, 3}}, {"q.lora_B.weight", {5, 3}}}).find("do not fit"),
            std::string::npos);
  EXPECT_NE(refusal({{"q.lora_A.weight", {0}}, {"q.lora_B.weight", {0}}}).find("empty factors"),
            std::string::npos);
  EXPECT_NE(refusal(with_q({{"q.lora_A.default.weight", {2, 3}}})).find("more than one adapter"),
            std::string::npos);
  EXPECT_NE(refusal(with_q({{"q.lora_embedding_A", {2, 3}}})).find("more than one adapter"),
            std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
