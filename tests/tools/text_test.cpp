// Nothing that a file says reaches a terminal but characters that are seen.
#include "console/text.hpp"

#include "console/utf8.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

TEST(Text, OrdinaryTextStaysAsItIs) {
  for (const char* text :
       {"", "model.layers.0.q_proj", "Gewicht für Größe", "重み", "🙂", "a b"}) {
    EXPECT_EQ(printable(text), text);
    EXPECT_EQ(quoted(text), "'" + std::string(text) + "'");
    EXPECT_TRUE(is_utf8(text));
  }
}

TEST(Text, WhatChangesTheDisplayIsEscaped) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\x1b[2J", "\\x1b[2J"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"line\nbreak\r\t", "line\\nbreak\\r\\t"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b"
       "2J",
       "\\x9b2J"},  // the C1 character CSI
      {"\xe2\x80\xae"
       "txt.exe",
       "\\u202etxt.exe"},           // from right to left
      {"\xe2\x81\xa6", "\\u2066"},  // isolated, from left to right
      {"\xd8\x9c", "\\u061c"},
      {"\xe2\x80\x8b", "\\u200b"},  // no width
      {"\xef\xbb\xbf", "\\ufeff"},
      {"\xef\xbf\xb9", "\\ufff9"},
      {"\xf3\xa0\x81\x81", "\\U000e0041"},  // a tag
      {"back\\slash", "back\\\\slash"}};
  for (const auto& [text, shown] : cases) EXPECT_EQ(printable(text), shown);
}

TEST(Text, BytesThatAreNoUtf8AreEscaped) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\x80", "\\x80"},
      {"\xff", "\\xff"},
      {"\xc3", "\\xc3"},  // cut off
      {"\xc3(", "\\xc3("},
      {"\xc0\xaf", "\\xc0\\xaf"},  // overlong
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
      {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // half of a pair
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond U+10FFFF
      {"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"}};
  for (const auto& [text, shown] : cases) {
    EXPECT_EQ(printable(text), shown);
    EXPECT_FALSE(is_utf8(text)) << shown;
  }
  for (const char* text : {"\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "\xc2\x80"}) {
    EXPECT_TRUE(is_utf8(text)) << printable(text);
  }
}

TEST(Text, AQuoteCannotEndAQuotedText) {
  EXPECT_EQ(quoted("it's"), "'it\\'s'");
  EXPECT_EQ(quoted("\\'"), "'\\\\\\''");
  std::string text = "it's";
  EXPECT_EQ(quoted(text), "'it\\'s'");  // and not what std::quoted makes of it
  EXPECT_EQ(quoted(fs::path("a\nb")), "'a\\nb'");
}

TEST(Text, VeryLongTextsLoseTheirMiddleBetweenCharacters) {
  const std::string unit = "\xe2\x82\xac";  // the euro sign
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string text(shift, 'a');
    for (int i = 0; i < 100'000; ++i) text += unit;
    const std::string shown = printable(text);
    EXPECT_LT(shown.size(), 8300u);
    EXPECT_NE(shown.find(" more bytes] " + unit), std::string::npos);
    EXPECT_EQ(shown.find('\\'), std::string::npos);
  }
  EXPECT_LT(printable(std::string(100'000, '\x80')).size(), 4 * 8300u);
}

TEST(Text, ControlCharactersAreFound) {
  for (const std::string text : {"\n", "a\x7f", "\xc2\x85"}) {
    EXPECT_TRUE(has_control_characters(text));
  }
  EXPECT_TRUE(has_control_characters(std::string(1, '\0')));
  EXPECT_FALSE(has_control_characters("plain ü"));
}

TEST(Text, Numbers) {
  EXPECT_EQ(describe_bytes(999), "999 bytes");
  EXPECT_EQ(describe_bytes(1250), "1.2 kB");
  EXPECT_EQ(describe_bytes(13'500'000'000), "13.5 GB");
  EXPECT_EQ(describe_count(999), "999");
  EXPECT_EQ(describe_count(1234567), "1,234,567");
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(counted(0, "file"), "0 files");
  EXPECT_EQ(counted(2000, "file"), "2,000 files");
  EXPECT_EQ(describe_number(0.03544, 4), "0.0354");
  EXPECT_EQ(describe_shortest(0.1), "0.1");
  EXPECT_EQ(describe_shortest(-1.0 / 3), "-0.3333333333333333");
  EXPECT_EQ(percent(1, 3), "33.3 %");
  EXPECT_EQ(describe_rounded(8 / 3.0), "2.667");
  EXPECT_EQ(describe_rounded(-0.5), "-0.5");
  EXPECT_EQ(describe_duration(0.2), "1 s");
  EXPECT_EQ(describe_duration(120), "2 min");
  EXPECT_EQ(describe_duration(130), "2 min 10 s");
  EXPECT_EQ(describe_duration(3900), "1 h 5 min");
  EXPECT_EQ(describe_shape({}), "[]");
  EXPECT_EQ(describe_shape(std::vector<std::uint64_t>{2, 30}), "[2, 30]");
}

}  // namespace
}  // namespace revlora::tool::test
