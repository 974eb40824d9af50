// JSON: whoever writes it decides neither how long reading takes nor how deep it goes.
#include "files/json.hpp"

#include <ctime>

#include "support.hpp"

namespace revlora::tool::test {
namespace {

std::string refusal(const std::string& text) {
  return message_of([&] { parse_object(text, "file"); });
}

std::string nested(std::size_t levels) {
  return R"({"a":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
}

TEST(Json, KeepsTheOrderAndTheValues) {
  const std::string text =
      R"({"z":1,"a":[true,null,-2,0.5,"t",{"y":{},"x":[]}],"m":18446744073709551615})";
  EXPECT_EQ(parse_object(text, "file").dump(), text);
}

TEST(Json, IsBoundedInDepth) {
  parse_object(nested(31), "file");
  EXPECT_EQ(refusal(nested(32)), "file: nested more than 32 levels deep");
  EXPECT_NE(refusal(nested(200'000)).find("deep"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":)" + std::string(200'000, '[')).find("deep"), std::string::npos);
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += R"({"a":)";
  EXPECT_NE(refusal(objects).find("deep"), std::string::npos);
}

TEST(Json, ManyKeysTakeLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"key" + std::to_string(i) + "\":{},";
  const std::clock_t start = std::clock();
  EXPECT_EQ(parse_object(text + "\"\":0}", "file").size(), 200'001u);
  EXPECT_EQ(refusal(text + "\"key0\":0}"), "file: the key 'key0' appears twice");
  EXPECT_LT(std::clock() - start, 5 * CLOCKS_PER_SEC);
}

TEST(Json, RefusesKeysThatAppearTwiceAnywhere) {
  EXPECT_NE(refusal(R"({"a":[{"b":1,"c":2,"b":1}]})").find("'b' appears twice"), std::string::npos);
  EXPECT_NE(refusal(R"({"a\u001b":1,"\u0061\u001b":2})").find("'a\\x1b' appears twice"),
            std::string::npos);
  parse_object(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})", "file");
}

TEST(Json, RefusesWhatIsNoObject) {
  EXPECT_EQ(refusal("[]"), "file: not a JSON object");
  EXPECT_EQ(refusal("1"), "file: not a JSON object");
  EXPECT_NE(refusal("").find("not valid JSON"), std::string::npos);
  EXPECT_NE(refusal("{\"a\":1} x").find("not valid JSON"), std::string::npos);
  EXPECT_NE(refusal(std::string("{\"a\0\":1}", 8)).find("not valid JSON"), std::string::npos);
  EXPECT_NE(refusal("{\"\xed\xa0\x80\":1}").find("not valid JSON"), std::string::npos);
  EXPECT_EQ(refusal(R"({"a":1e999})"), "file: a number is out of range");
}

}  // namespace
}  // namespace revlora::tool::test
