// The header of a GGUF file: read where it is right, refused by name where it is not.
#include "files/folder.hpp"
#include "handmade_gguf.hpp"
#include "safetensors/gguf_header.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

gguf_file parsed(const std::string& file) {
  return read_gguf(std::as_bytes(std::span(file)), "file");
}

void expect_refused(const std::string& file, const std::string& part) {
  const std::string message = message_of([&] { parsed(file); });
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

const std::string data64(64, 'x');

TEST(Gguf, ReadsMetadataAndTensors) {
  const std::string list = bytes_of_number<std::uint32_t>(8) + bytes_of_number<std::uint64_t>(2) +
                           gguf_text("<s>") + gguf_text("");
  const std::string numbers =
      bytes_of_number<std::uint32_t>(2) + bytes_of_number<std::uint64_t>(3) + std::string(6, '\1');
  const gguf_file read = parsed(
      gguf({gguf_entry("general.architecture", 8, gguf_text("llama")),
            gguf_entry("tokens", 9, list), gguf_entry("numbers", 9, numbers),
            gguf_entry("u8", 0, "\xff"), gguf_entry("i8", 1, "\xff"), gguf_entry("u16", 2, "\1\2"),
            gguf_entry("i16", 3, "\xff\xff"), gguf_entry("u32", 4, bytes_of_number(7u)),
            gguf_entry("i32", 5, bytes_of_number(-7)), gguf_entry("f32", 6, bytes_of_number(0.5f)),
            gguf_entry("true", 7, "\1"), gguf_entry("u64", 10, bytes_of_number(~std::uint64_t{0})),
            gguf_entry("i64", 11, bytes_of_number(std::int64_t{-1})),
            gguf_entry("f64", 12, bytes_of_number(0.1))},
           {{"b", {2, 3}, 1, 32}, {"a", {4}, 0, 0}, {"empty", {0, 5}, 30, 64}}, data64));
  EXPECT_EQ(read.text("general.architecture"), "llama");
  EXPECT_EQ(read.text("u8"), "");
  EXPECT_EQ(read.text("absent"), "");
  const std::map<std::string, gguf_value> expected = {
      {"general.architecture", std::string("llama")},
      {"tokens", gguf_list{2}},
      {"numbers", gguf_list{3}},
      {"u8", std::uint64_t{255}},
      {"i8", std::int64_t{-1}},
      {"u16", std::uint64_t{513}},
      {"i16", std::int64_t{-1}},
      {"u32", std::uint64_t{7}},
      {"i32", std::int64_t{-7}},
      {"f32", 0.5},
      {"true", true},
      {"u64", ~std::uint64_t{0}},
      {"i64", std::int64_t{-1}},
      {"f64", 0.1}};
  EXPECT_EQ(read.metadata, expected);
  ASSERT_EQ(read.tensors.size(), 3u);
  EXPECT_EQ(read.tensors[0].name, "a");
  EXPECT_EQ(read.tensors[0].dtype, "F32");
  EXPECT_EQ(read.tensors[0].size_bytes(), 16u);
  EXPECT_EQ(read.tensors[1].name, "b");
  EXPECT_EQ(read.tensors[1].dtype, "F16");
  EXPECT_EQ(read.tensors[1].shape, (std::vector<std::uint64_t>{3, 2}));
  EXPECT_EQ(read.tensors[1].begin - read.tensors[0].begin, 32u);
  EXPECT_EQ(read.tensors[1].size_bytes(), 12u);
  EXPECT_EQ(read.tensors[2].size_bytes(), 0u);
}

TEST(Gguf, QuantisedTensorsAreMeasuredInBlocks) {
  const gguf_file read = parsed(gguf({}, {{"q", {256, 2}, 12, 0}}, std::string(288, 'x'), 32, 2));
  EXPECT_EQ(read.tensors.at(0).dtype, "Q4_K");
  EXPECT_EQ(read.tensors[0].size_bytes(), 288u);
  EXPECT_FALSE(read.tensors[0].type());
  expect_refused(gguf({}, {{"q", {100}, 12, 0}}, data64), "no whole blocks of Q4_K");
}

TEST(Gguf, ReadsNoMoreOfAFileThanItsHeader) {
  const temporary_folder folder;
  write(folder / "m.gguf", gguf({gguf_entry("long", 8, gguf_text(std::string(300'000, 'x'))),
                                 gguf_entry("short", 8, gguf_text("y"))},
                                {{"a", {4}, 0, 0}}, data64));
  const gguf_file read =
      read_gguf(tool::folder(folder.path()).open("m.gguf", tool::folder::links::refused));
  EXPECT_EQ(read.text("long").size(), 300'000u);
  EXPECT_EQ(read.text("short"), "y");
  EXPECT_EQ(read.tensors.at(0).name, "a");
}

TEST(Gguf, TheAlignmentIsAsTheFileSays) {
  const std::string entry = gguf_entry("general.alignment", 4, bytes_of_number(64u));
  EXPECT_EQ(parsed(gguf({entry}, {{"a", {4}, 0, 0}}, data64, 64)).tensors[0].begin % 64, 0u);
  expect_refused(gguf({gguf_entry("general.alignment", 4, bytes_of_number(0u))}, {}, ""), "power");
  expect_refused(gguf({gguf_entry("general.alignment", 8, gguf_text("32"))}, {}, ""), "power");
}

TEST(Gguf, RefusesOtherFilesAndVersions) {
  expect_refused("", "not a GGUF file");
  expect_refused("GGUX", "not a GGUF file");
  expect_refused("GGUF", "truncated");
  expect_refused(gguf({}, {}, "", 32, 1), "version 1");
  expect_refused(gguf({}, {}, "", 32, 4), "version 4");
  expect_refused(gguf({}, {}, "", 32, 3 << 24), "big-endian");
}

TEST(Gguf, RefusesWhatDoesNotFitTogether) {
  const auto with = [](gguf_tensor tensor) { return gguf({}, {tensor}, data64); };
  const std::uint64_t large = std::uint64_t{1} << 62;
  expect_refused(with({"t", {17}, 0, 0}), "beyond the end");
  expect_refused(with({"t", {1}, 0, 64}), "beyond the end");
  expect_refused(with({"t", {1}, 0, ~std::uint64_t{3}}), "too large");
  expect_refused(with({"t", {large}, 0, 0}), "too large");
  expect_refused(with({"t", {large, large}, 0, 0}), "too large");
  expect_refused(with({"t", {0, large, large}, 0, 0}), "too large");
  expect_refused(with({"t", {1, 1, 1, 1, 1}, 0, 0}), "5 dimensions");
  expect_refused(with({"t\x1b", {1}, 77, 0}), "'t\\x1b': numbers of type 77");
  expect_refused(gguf({}, {{"a", {4}, 0, 0}, {"b", {4}, 0, 8}}, data64), "overlaps");
  expect_refused(gguf({}, {{"a", {4}, 0, 0}, {"a", {4}, 0, 32}}, data64), "'a' appears twice");
  const std::string entry = gguf_entry("k", 7, "\1");
  expect_refused(gguf({entry, entry}, {}, ""), "'k' appears twice");
  expect_refused(gguf({gguf_entry("k", 99, "")}, {}, ""), "unknown type 99");
}

TEST(Gguf, LengthsThatGoBeyondTheFileAreRefusedBeforeMemoryIsTaken) {
  const std::string huge = bytes_of_number(~std::uint64_t{0});
  expect_refused(gguf({gguf_entry("k", 8, huge)}, {}, ""), "truncated");
  expect_refused(gguf({huge}, {}, ""), "truncated");
  for (const std::uint32_t kind : {4u, 8u}) {
    expect_refused(gguf({gguf_entry("k", 9, bytes_of_number(kind) + huge)}, {}, ""), "truncated");
  }
  const std::string whole = gguf({gguf_entry("k", 8, gguf_text("v"))}, {{"a", {16}, 0, 0}}, data64);
  for (std::size_t size = 4; size < whole.size(); ++size) {
    message_of([&] { parsed(whole.substr(0, size)); });
  }
}

}  // namespace
}  // namespace revlora::tool::test
