// The pattern rule: `re.match(r"(.*\.)?(KEY)$", module)`, the first key of the file wins.
#include "formats/pattern.hpp"

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

TEST(Pattern, APlainDotMatchesAnyCharacterOfAName) {
  EXPECT_TRUE(matches("a.b", "aüb"));
  EXPECT_TRUE(matches("a.b", "x.a重b"));
  EXPECT_FALSE(matches("a.b", "aüüb"));
  EXPECT_FALSE(matches("a\\.b", "axb"));
  EXPECT_TRUE(matches("^a.b", "axb"));
  EXPECT_FALSE(matches("^a.b", "x.axb"));
  EXPECT_TRUE(matches("...", "x.abc"));
  EXPECT_TRUE(matches("...", "a.b"));
  EXPECT_FALSE(matches("..", "a"));
}

// Keys that are names are looked up: the same as if they were expressions, which they become by an
// empty group.
TEST(Pattern, LookUpsFindWhatExpressionsFind) {
  const std::vector<std::string> parts = {"a", "b", ".", "\\.", "^", "ü"};
  const auto text = [&](std::size_t number, std::size_t limit) {
    std::string made;
    for (; number > 0; number /= limit + 1) {
      if (number % (limit + 1) > 0) made += parts[number % (limit + 1) - 1];
    }
    return made;
  };
  for (std::size_t k = 1; k < 6 * 6 * 6 * 6; ++k) {
    std::string key = text(k, 5);
    if (key.find('^', 1) != std::string::npos) continue;
    const std::string expression = "(?:)" + key;
    const nlohmann::ordered_json object = {{key, 1}}, compared = {{expression, 1}};
    const module_pattern looked_up(object, "p"), tried(compared, "p");
    for (const char* module : {"a", "b", "ab", "a.b", "a.ab", "b.a", ".a", "a.", "a..b", "a.b.a",
                               "abab", "a.a.b.b", "ü", "aü", "ü.a", "b.ü"}) {
      EXPECT_EQ(looked_up.find(module), tried.find(module)) << key << " for " << module;
    }
  }
}

TEST(Pattern, TheFirstKeyWinsAmongNamesAndExpressions) {
  EXPECT_EQ(find(R"({"[a]": 1, "a": 2})", "a"), 1.0);
  EXPECT_EQ(find(R"({"a": 2, "[a]": 1})", "a"), 2.0);
  EXPECT_EQ(find(R"({"a.b": 1, "a..": 2, "a.c": 3})", "a.c"), 2.0);
}

TEST(Pattern, RefusesWhatPythonReadsOtherwise) {
  for (const char* key : {"(?i)q", "(?<name>q)", "(?R)", "(*ACCEPT)q", "\\Kq", "\\Qq\\E", "q\\z",
                          "\\hq", "[[:alpha:]]q", "q{,3}", "\\x{71}", "\\v", "*ACCEPT", "?R",
                          "?<name>q", "?|q", "\\x7g", "\\x"}) {
    const std::string message = message_of([&] { matches(key, "q"); });
    EXPECT_NE(message.find("not supported"), std::string::npos) << key << ": " << message;
  }
  EXPECT_TRUE(matches("\\x71", "q"));
  EXPECT_TRUE(matches("a\\\\Kq", "a\\Kq"));  // an escaped backslash is no escape
}

TEST(Pattern, HostileExpressionsEndInAMessage) {
  const std::string module(60, 'a');
  for (const char* key : {"((a+)+)+[bc]", "(a|a)*[bc]", "(?=(a+)+[bc])a", "(((.*)*)*)*[bc]"}) {
    const std::string message = message_of([&] { matches(key, module); });
    EXPECT_NE(message.find("cannot match"), std::string::npos) << key << ": " << message;
  }
  EXPECT_NE(message_of([&] { matches("((a{1,999}){1,999}){1,999}", module); }).find("not valid"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              matches(std::string(100'000, '(') + std::string(100'000, ')'), module);
            }).find("not valid"),
            std::string::npos);
}

TEST(Pattern, ExpressionsAreLimitedInNumberNamesAreNot) {
  const auto keys = [](int count, const std::string& end) {
    nlohmann::ordered_json::object_t object;
    for (int i = 0; i < count; ++i) object.emplace_back("m." + std::to_string(i) + end, i);
    return module_pattern(nlohmann::ordered_json(std::move(object)), "pattern");
  };
  EXPECT_EQ(keys(1000, "x?").find("m.999"), 999.0);
  EXPECT_EQ(message_of([&] { keys(1001, "x?"); }), "pattern: more than 1000 regular expressions");
  EXPECT_EQ(keys(5000, "\\.q").find("a.m.4321.q"), 4321.0);
}

TEST(Pattern, RefusesWhatIsNoExpressionOrNoNumber) {
  EXPECT_NE(message_of([] { matches("q(", "q"); }).find("not valid"), std::string::npos);
  EXPECT_NE(message_of([] { find(R"({"q": "8"})", "q"); }).find("not a number"), std::string::npos);
  EXPECT_NE(message_of([] { find("[8]", "q"); }).find("not an object"), std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
