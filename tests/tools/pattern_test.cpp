// The pattern rule: `re.match(r"(.*\.)?(KEY)$", module)`, the first key of the file wins.
#include "pattern.hpp"

#include "support.hpp"

namespace revlora::tool::test {
namespace {

std::optional<double> find(const std::string& object, const std::string& module) {
  return module_pattern(nlohmann::ordered_json::parse(object), "pattern").find(module);
}

bool matches(const std::string& key, const std::string& module) {
  return find(nlohmann::ordered_json{{key, 1}}.dump(), module).has_value();
}

TEST(Pattern, MatchesTheNameOrWhatFollowsADot) {
  EXPECT_TRUE(matches("q_proj", "q_proj"));
  EXPECT_TRUE(matches("q_proj", "layers.0.self_attn.q_proj"));
  EXPECT_TRUE(matches("self_attn.q_proj", "layers.0.self_attn.q_proj"));
  EXPECT_FALSE(matches("q_proj", "layers.0.my_q_proj"));
  EXPECT_FALSE(matches("q_proj", "q_proj.inner"));
  EXPECT_TRUE(matches("1.q_proj", "layers.1.q_proj"));
  EXPECT_FALSE(matches("1.q_proj", "layers.11.q_proj"));
}

TEST(Pattern, KeysAreRegularExpressions) {
  EXPECT_TRUE(matches("layers.1.q", "layers_1xq"));
  EXPECT_FALSE(matches("layers\\.1\\.q", "layers_1xq"));
  EXPECT_TRUE(matches("layers\\.1\\..*k_proj", "model.layers.1.self_attn.k_proj"));
  EXPECT_FALSE(matches("layers\\.1\\..*k_proj", "model.layers.11.self_attn.k_proj"));
  EXPECT_TRUE(matches("layers\\.\\d+\\.q", "layers.12.q"));
  EXPECT_TRUE(matches("q_proj|k_proj", "a.k_proj"));
  EXPECT_FALSE(matches("q_proj|k_proj", "a.q_proj.b"));
  EXPECT_TRUE(matches("(?P<layer>\\d+)\\.q(?=_proj)_proj", "layers.3.q_proj"));
  EXPECT_TRUE(matches("(?<!x)y", "a.y"));
}

TEST(Pattern, ACaretAllowsNoPrefix) {
  EXPECT_TRUE(matches("^blocks.0.proj", "blocks.0.proj"));
  EXPECT_FALSE(matches("^blocks.0.proj", "model.blocks.0.proj"));
}

TEST(Pattern, TheFirstKeyOfTheFileWins) {
  EXPECT_EQ(find(R"({"z.*": 1, "a.*": 2, ".*": 3})", "za"), 1.0);
  EXPECT_EQ(find(R"({".*": 3, "z.*": 1})", "za"), 3.0);
  EXPECT_EQ(find(R"({"b": 0.5})", "a"), std::nullopt);
  EXPECT_EQ(find(R"({"a": 0.5})", "x.a"), 0.5);
}

TEST(Pattern, RefusesWhatPythonReadsOtherwise) {
  for (const char* key : {"(?i)q", "(?<name>q)", "(?R)", "(*ACCEPT)q", "\\Kq", "\\Qq\\E", "q\\z",
                          "\\hq", "[[:alpha:]]q", "q{,3}", "\\x{71}", "\\v"}) {
    const std::string message = message_of([&] { matches(key, "q"); });
    EXPECT_NE(message.find("not supported"), std::string::npos) << key << ": " << message;
  }
  EXPECT_TRUE(matches("a\\\\Kq", "a\\Kq"));  // an escaped backslash is no escape
}

TEST(Pattern, RefusesWhatIsNoExpressionOrNoNumber) {
  EXPECT_NE(message_of([] { matches("q(", "q"); }).find("not valid"), std::string::npos);
  EXPECT_NE(message_of([] { find(R"({"q": "8"})", "q"); }).find("not a number"), std::string::npos);
  EXPECT_NE(message_of([] { find("[8]", "q"); }).find("not an object"), std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
