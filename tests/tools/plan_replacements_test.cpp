// Tensors that are replaced, grow, are new, get a difference, or are one of two names.
#include "handmade_plan.hpp"

namespace revlora::tool::test {
namespace {

class Replacements : public Plan {
 protected:
  void add_replacement(const std::string& module, const std::vector<float>& values,
                       std::uint64_t rows, std::uint64_t cols,
                       const std::string& parameter = "weight") {
    replacement_update update;
    update.shape = {rows, cols};
    update.values = file_matrix(values, rows, cols);
    updates_.push_back({.module = module, .parameter = parameter, .content = update});
  }
};

TEST_F(Replacements, OfEqualNumbersAreNothingToDo) {
  make_model({{"m.weight", {3, 2}}});
  add_replacement("m", base_["m.weight"], 3, 2);
  EXPECT_TRUE(changes().empty());
  EXPECT_TRUE(notes_.empty());
}

TEST_F(Replacements, OfOtherNumbers) {
  make_model({{"m.weight", {3, 2}}});
  add_replacement("m", {1, 2, 3, 4, 5, 7}, 3, 2);
  changes({.strengths = {0.5}});
  ASSERT_TRUE(planned("m.weight").replacement);
  EXPECT_EQ(planned("m.weight").shape, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_NE(all_notes().find("strength is not applied"), std::string::npos);
}

TEST_F(Replacements, MayHaveMoreRows) {
  make_model({{"m.weight", {1, 2}}});
  add_replacement("m", {1, 2, 3, 4}, 2, 2);
  add_linear("m", 2, 2);
  changes({.strengths = {1.0}, .fan_in_fan_out = false});
  EXPECT_EQ(planned("m.weight").shape, (std::vector<std::uint64_t>{2, 2}));
  EXPECT_EQ(planned("m.weight").updates.front().region.rows, 2u);
  EXPECT_NE(all_notes().find("grows from [1, 2] to [2, 2]"), std::string::npos);
}

TEST_F(Replacements, MayNotHaveFewer) {
  make_model({{"m.weight", {3, 2}}});
  add_replacement("m", {1, 2, 3, 4}, 2, 2);
  EXPECT_NE(refusal().find("a tensor may only get more rows"), std::string::npos);
}

TEST_F(Replacements, AreNewWhereNothingIsLikeThem) {
  make_model({{"model.norm.weight", {3}}});
  add_replacement("score", {1, 2}, 1, 2);
  changes();
  EXPECT_TRUE(planned("score.weight").is_new);
  EXPECT_NE(all_notes().find("'score.weight' [1, 2] is new"), std::string::npos);
  updates_.clear();
  add_replacement("other.norm", {1, 2}, 1, 2);
  EXPECT_NE(refusal().find("no tensor 'other.norm.weight'"), std::string::npos);
}

TEST_F(Replacements, OfSomeRows) {
  make_model({{"m.weight", {4, 2}}});
  add_replacement("m", {1, 2, 3, 4}, 2, 2);
  auto& update = std::get<replacement_update>(updates_.back().content);
  update.rows = {1, 3};
  changes();
  EXPECT_EQ(planned("m.weight").replacement->rows, (std::vector<replaced_row>{{1, 0}, {3, 1}}));
  update.rows = {1, 4};
  EXPECT_NE(refusal().find("replaces row 4 of a weight [4, 2]"), std::string::npos);
  update.rows = {3, 1};
  changes();
  EXPECT_EQ(planned("m.weight").replacement->rows, (std::vector<replaced_row>{{1, 1}, {3, 0}}));
  update.rows = {3, 3};
  EXPECT_NE(refusal().find("replaces a row twice"), std::string::npos);
}

TEST_F(Replacements, ADifferenceHasTheTensorsShape) {
  make_model({{"m.bias", {3}}});
  difference_update difference;
  difference.shape = {3};
  difference.values = file_matrix({1, 2, 3}, 3, 1);
  difference.scale = 2;
  updates_.push_back({.module = "m", .parameter = "bias", .content = difference});
  changes({.strengths = {0.25}});
  EXPECT_EQ(planned("m.bias").differences.front().scale, 0.5f);
  std::get<difference_update>(updates_.back().content).values = file_matrix({1, 2}, 2, 1);
  EXPECT_NE(refusal().find("does not fit 'm.bias' [3]"), std::string::npos);
}

TEST_F(Replacements, AHeadThatIsNotStoredIsTheEmbedding) {
  make_model({{"model.embed_tokens.weight", {5, 2}}}, R"({"tie_word_embeddings": true})");
  const auto d = add_linear("lm_head", 5, 2);
  EXPECT_EQ(changes().at("model.embed_tokens.weight"), d);
  EXPECT_NE(all_notes().find("'model.embed_tokens.weight' for 'lm_head.weight'"),
            std::string::npos);
  EXPECT_NE(all_notes().find("is also the output layer"), std::string::npos);
  add_linear("model.embed_tokens", 5, 2);
  EXPECT_NE(refusal().find("\"tie_word_embeddings\": false"), std::string::npos);
}

TEST_F(Replacements, AHeadThatIsNotStoredAndNotTiedIsMissing) {
  make_model({{"model.embed_tokens.weight", {5, 2}}}, R"({"tie_word_embeddings": false})");
  add_linear("lm_head", 5, 2);
  EXPECT_NE(refusal().find("no tensor 'lm_head.weight'"), std::string::npos);
}

TEST_F(Replacements, AHeadThatNobodySpeaksOfIsMissing) {
  make_model({{"model.embed_tokens.weight", {5, 2}}});
  add_linear("lm_head", 5, 2);
  EXPECT_NE(refusal().find("no tensor 'lm_head.weight'"), std::string::npos);
}

TEST_F(Replacements, OfATiedMatrixMayNotDiffer) {
  make_model({{"model.embed_tokens.weight", {1, 2}}}, R"({"tie_word_embeddings": true})");
  add_replacement("lm_head", {7, 8}, 1, 2);
  add_replacement("model.embed_tokens", {7, 8}, 1, 2);
  changes();
  EXPECT_TRUE(planned("model.embed_tokens.weight").replacement);
  add_replacement("model.embed_tokens", {7, 9}, 1, 2);
  EXPECT_NE(refusal().find("two different replacements"), std::string::npos);
}

TEST_F(Replacements, BothOfATiedPairChangeIfBothAreStored) {
  make_model({{"model.embed_tokens.weight", {5, 2}}, {"lm_head.weight", {5, 2}}},
             R"({"tie_word_embeddings": true})");
  const auto d = add_linear("model.embed_tokens", 5, 2);
  EXPECT_EQ(changes(), (std::map<std::string, std::vector<double>>{{"model.embed_tokens.weight", d},
                                                                   {"lm_head.weight", d}}));
}

TEST_F(Plan, PeftRoundsTheUpdatesOfEmbeddingsFirst) {
  make_model({{"m.weight", {3, 2}}, {"e.weight", {3, 2}}});
  add_linear("m", 3, 2);
  add_linear("e", 3, 2);
  std::get<low_rank_update>(updates_.back().content).kind = layer_kind::embedding;
  changes({.strengths = {1.0}, .recipe = recipe_choice::peft});
  EXPECT_EQ(planned("m.weight").recipe, revlora::recipe::fused);
  EXPECT_EQ(planned("e.weight").recipe, revlora::recipe::rounded_delta);
}

}  // namespace
}  // namespace revlora::tool::test
