// The reader accepts what the format allows and refuses everything else, by name.
#include "safetensors.hpp"

#include "support.hpp"

namespace revlora::tool::test {
namespace {

std::vector<tensor> table(const std::string& file) {
  return read_tensor_table(std::as_bytes(std::span(file)), "file");
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

void expect_refused(const std::string& file, const std::string& part) {
  const std::string message = message_of([&] { table(file); });
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirBytes) {
  const auto tensors = table(safetensors(
      "{" + entry("b", "F32", "[2,1]", "[6,14]") + "," + entry("a", "BF16", "[3]", "[0,6]") + "}  ",
      std::string(14, '\0')));
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[1].name, "b");
  EXPECT_EQ(tensors[1].size_bytes(), 8u);
  EXPECT_EQ(tensors[1].type(), element_type::fp32);
}

TEST(Safetensors, AcceptsScalarsEmptyTensorsAndMetadata) {
  const auto tensors = table(safetensors(R"({"__metadata__":{"format":"pt"},)" +
                                             entry("empty", "F16", "[0,5]", "[0,0]") + "," +
                                             entry("scalar", "F64", "[]", "[0,8]") + "}",
                                         std::string(8, '\0')));
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].element_count(), 0u);
  EXPECT_EQ(tensors[1].element_count(), 1u);
  EXPECT_TRUE(table(safetensors("{}")).empty());
}

TEST(Safetensors, RefusesWrongLengths) {
  expect_refused("", "too short");
  expect_refused("1234567", "too short");
  expect_refused(std::string("\x10\0\0\0\0\0\0\0{}", 10), "truncated inside the header");
  expect_refused(std::string(8, '\xff') + "{}", "not a safetensors file");
  expect_refused(safetensors(""), "begin with '{'");
}

TEST(Safetensors, RefusesWhatIsNotAJsonObject) {
  expect_refused(safetensors("[]"), "begin with '{'");
  expect_refused(safetensors(" {}"), "begin with '{'");
  expect_refused(safetensors("{]"), "not valid JSON");
  expect_refused(safetensors("{\"a\xff\":1}"), "not valid JSON");
  expect_refused(safetensors("{} {}"), "not valid JSON");
  expect_refused(safetensors(R"({"a":1})"), "not an object");
  expect_refused(safetensors(R"({"__metadata__":{"a":1}})"), "__metadata__");
}

TEST(Safetensors, RefusesKeysThatAppearTwice) {
  const std::string a = entry("a", "U8", "[0]", "[0,0]");
  expect_refused(safetensors("{" + a + "," + a + "}"), "'a' appears twice");
  expect_refused(
      safetensors(R"({"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}})"),
      "'dtype' appears twice");
}

TEST(Safetensors, RefusesEntriesThatDoNotFitTogether) {
  const std::string eight(8, '\0');
  const auto with = [&](const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return safetensors("{" + entry("t", dtype, shape, offsets) + "}", eight);
  };
  expect_refused(with("F99", "[2]", "[0,8]"), "unknown dtype 'F99'");
  expect_refused(with("F32", "2", "[0,8]"), "shape");
  expect_refused(with("F32", "[-2]", "[0,8]"), "shape");
  expect_refused(with("F32", "[2.0]", "[0,8]"), "shape");
  expect_refused(with("F32", "[2]", "[0]"), "data_offsets");
  expect_refused(with("F32", "[2]", "[0,8,8]"), "data_offsets");
  expect_refused(with("F32", "[2]", "[8,0]"), "outside");
  expect_refused(with("F32", "[4]", "[0,16]"), "outside");
  expect_refused(with("F32", "[3]", "[0,8]"), "needs 12 bytes, but has 8");
  expect_refused(with("F4", "[3]", "[0,8]"), "whole bytes");
  expect_refused(with("F32", "[4294967296,4294967296]", "[0,8]"), "too large");
  expect_refused(safetensors(R"({"t":{"shape":[2],"data_offsets":[0,8]}})", eight), "dtype");
}

TEST(Safetensors, RefusesHolesOverlapsAndLeftovers) {
  const std::string twelve(12, '\0');
  const std::string first = "{" + entry("a", "F32", "[1]", "[0,4]") + ",";
  expect_refused(safetensors(first + entry("b", "F32", "[1]", "[8,12]") + "}", twelve), "hole");
  expect_refused(safetensors(first + entry("b", "F32", "[2]", "[2,10]") + "}", twelve), "overlaps");
  expect_refused(safetensors(first + entry("b", "F32", "[1]", "[4,8]") + "}", twelve),
                 "4 bytes at the end");
}

}  // namespace
}  // namespace revlora::tool::test
