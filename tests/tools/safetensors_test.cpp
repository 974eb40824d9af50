// The reader accepts what the format allows and refuses everything else, by name.
#include "safetensors/safetensors_file.hpp"

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
  // Without elements, and without extents that make sense together.
  expect_refused(with("U8", "[0,4294967296,4294967296]", "[0,0]"), "too large");
  expect_refused(with("U8", "[4294967296,4294967296,0]", "[0,0]"), "too large");
}

TEST(Safetensors, RefusesWhatDoesNotFollowTheSchema) {
  const auto with = [](const std::string& fields) {
    return safetensors("{\"t\":{" + fields + "}}");
  };
  const std::string rest = R"("shape":[0],"data_offsets":[0,0])";
  expect_refused(with(R"("dtype":"U8",)" + rest + R"(,"strides":[1])"), "unknown field 'strides'");
  expect_refused(with(R"("dtype":[],)" + rest), "dtype is not a string");
  expect_refused(with(R"("dtype":"U8","shape":[[0]],"data_offsets":[0,0])"), "shape");
  expect_refused(with(R"("dtype":"U8","shape":[0])"), "data_offsets is missing");
  expect_refused(with(R"("dtype":"U8","shape":[0],"data_offsets":[])"), "data_offsets");
  expect_refused(safetensors(R"({"__metadata__":{"a":"b","a":"b"}})"), "'a' appears twice");
  expect_refused(safetensors(R"({"__metadata__":{},"__metadata__":{}})"), "appears twice");
  expect_refused(safetensors(R"({"__metadata__":null})"), "__metadata__");
  const std::string brackets(200'000, '[');
  expect_refused(with(R"("dtype":"U8","shape":)" + brackets), "shape");
  expect_refused(safetensors("{\"t\":" + brackets), "not an object");
  expect_refused(safetensors(R"({"__metadata__":{"a":)" + brackets), "__metadata__");
}

TEST(Safetensors, RefusesMoreDimensionsThanAnybodyHas) {
  const auto ones = [](std::size_t count) {
    std::string shape = "[1";
    for (std::size_t i = 1; i < count; ++i) shape += ",1";
    return safetensors("{" + entry("t", "U8", shape + "]", "[0,1]") + "}", "x");
  };
  EXPECT_EQ(table(ones(64))[0].element_count(), 1u);
  expect_refused(ones(65), "more than 64");
}

TEST(Safetensors, NamesReachMessagesQuoted) {
  const std::string message = message_of(
      [] { table(safetensors("{" + entry("a\\u001b[2J", "\\u009bX", "[0]", "[0,0]") + "}")); });
  EXPECT_EQ(message, "file: tensor 'a\\x1b[2J': unknown dtype '\\x9bX'");
}

TEST(Safetensors, MatricesAreWhatAMergeSees) {
  const std::vector<std::uint64_t> shape = {2, 3, 4};
  const auto matrix = matrix_of("BF16", shape);
  ASSERT_TRUE(matrix);
  EXPECT_EQ(matrix->rows, 2);
  EXPECT_EQ(matrix->cols, 12);
  EXPECT_FALSE(matrix_of("I8", shape));
  EXPECT_FALSE(matrix_of("BF16", std::vector<std::uint64_t>{2}));
  const std::uint64_t large = std::uint64_t{1} << 32;
  EXPECT_FALSE(matrix_of("BF16", std::vector<std::uint64_t>{large, large}));
  EXPECT_FALSE(matrix_of("BF16", std::vector<std::uint64_t>{0, large, large}));
  EXPECT_FALSE(matrix_of("BF16", std::vector<std::uint64_t>{~std::uint64_t{0}, 1}));
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
