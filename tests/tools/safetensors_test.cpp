// The reader accepts what the format allows and refuses everything else, by name.
#include "safetensors/safetensors_file.hpp"

#include "files/folder.hpp"
#include "safetensors/new_layout.hpp"
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

/// Of a file with these tensors.
class NewLayout : public testing::Test {
 protected:
  const std::string header = "{" + entry("b", "BF16", "[3]", "[0,6]") +
                             R"(,"__metadata__":{"format":"pt"},)" +
                             entry("a", "F32", "[1,2]", "[6,14]") + "}";

  new_layout lay(const std::vector<tensor_growth>& grown) const {
    return lay_out(header, 8 + header.size() + 14, grown, "file");
  }
  /// As the reader finds them in a file of that layout.
  static std::vector<tensor> found_in(const new_layout& layout) {
    std::string file = layout.start;
    file.resize(layout.file_bytes);
    return table(file);
  }
};

TEST_F(NewLayout, GrownTensorsMoveThoseBehind) {
  const new_layout layout = lay({{"b", "BF16", {5}}});
  const auto tensors = found_in(layout);
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].name, "b");
  EXPECT_EQ(tensors[0].shape, std::vector<std::uint64_t>{5});
  EXPECT_EQ(tensors[0].begin, layout.start.size());
  EXPECT_EQ(tensors[0].begin % 8, 0u);
  EXPECT_EQ(tensors[1].begin, tensors[0].begin + 10);
  EXPECT_EQ(tensors[1].end, layout.file_bytes);
  ASSERT_EQ(layout.tensors.size(), 2u);
  EXPECT_EQ(layout.tensors[1].begin, tensors[1].begin);
}

TEST_F(NewLayout, NewTensorsAreTheLastAndAllElseStays) {
  const new_layout layout = lay({{"c", "F16", {2, 2}}, {"0", "F32", {}}});
  EXPECT_EQ(
      layout.start.substr(8).find(R"({"b":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]},)"
                                  R"("__metadata__":{"format":"pt"},)"
                                  R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[6,14]},)"
                                  R"("c":{"dtype":"F16","shape":[2,2],"data_offsets":[14,22]},)"
                                  R"("0":{"dtype":"F32","shape":[],"data_offsets":[22,26]}})"),
      0u)
      << layout.start;
  EXPECT_EQ(found_in(layout).size(), 4u);
}

TEST_F(NewLayout, NothingIsReallyNothing) {
  const new_layout layout = lay({});
  EXPECT_EQ(layout.start.substr(8, header.size()), header);
}

TEST_F(NewLayout, OfAnEmptyFile) {
  const new_layout layout = lay_out("{}", 10, std::vector<tensor_growth>{{"a", "U8", {3}}}, "file");
  EXPECT_EQ(found_in(layout).size(), 1u);
}

TEST_F(NewLayout, TakesLinearTime) {
  std::string many = "{";
  std::vector<tensor_growth> growths;
  for (int i = 0; i < 50'000; ++i) {
    const std::string name = std::to_string(i);
    many += (i == 0 ? "" : ",") + entry(name, "U8", "[0]", "[0,0]");
    growths.push_back({name, "U8", {1}});
  }
  many += "}";
  EXPECT_EQ(found_in(lay_out(many, 8 + many.size(), growths, "file")).size(), growths.size());
}

TEST_F(NewLayout, RefusesWhatNoFileCanHave) {
  const auto refused = [&](const tensor_growth& growth, const std::string& part) {
    const std::string message = message_of([&] { lay({growth}); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  refused({"__metadata__", "F32", {1}}, "reserved");
  refused({"c", "Q4_K", {1}}, "unknown dtype");
  refused({"c", "F32", {1ull << 62, 4}}, "too large");
}

TEST(SafetensorsFile, SaysWhatAFileIsInstead) {
  const temporary_folder folder;
  const auto said = [&](const std::string& content) {
    write(folder / "f", content);
    const place where(folder / "f");
    return message_of(
        [&] { read_tensor_table(where.in.open(where.name, tool::folder::links::refused)); });
  };
  const auto expect_said = [&](const std::string& content, const std::string& part) {
    EXPECT_NE(said(content).find(part), std::string::npos) << said(content);
  };
  expect_said("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS");
  expect_said("{\n  \"weight_map\": {}}", "is JSON text");
  expect_said("PK\x03\x04 and more of it", "Python pickle");
  expect_said("\x80\x02 and more of it", "Python pickle");
  expect_said("<!DOCTYPE html>", "web page");
  expect_said("GGUF and more", "GGUF");
  expect_said("something else", "is not a safetensors file");
  expect_said("short", "too short");
}

}  // namespace
}  // namespace revlora::tool::test
