// Undo files that somebody forged, with a checksum that fits: refused when they are read.
#include <functional>
#include <nlohmann/json.hpp>

#include "files/sha256.hpp"
#include "small_undo.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t preamble = 28;

std::string header_of(const std::vector<std::byte>& file) {
  std::uint64_t size = 0;
  std::memcpy(&size, file.data() + 20, 8);
  return {reinterpret_cast<const char*>(file.data()) + preamble, size};
}

/// The file with another header, and the lengths and the checksum that belong to it.
std::vector<std::byte> with_header(const std::vector<std::byte>& file, const std::string& header) {
  const std::uint64_t old_size = header_of(file).size(), size = header.size();
  const std::uint64_t total = file.size() - old_size + size;
  std::vector<std::byte> forged(file.begin(), file.begin() + preamble);
  std::memcpy(forged.data() + 12, &total, 8);
  std::memcpy(forged.data() + 20, &size, 8);
  for (const char character : header) forged.push_back(static_cast<std::byte>(character));
  forged.insert(forged.end(), file.begin() + static_cast<long>(preamble + old_size),
                file.end() - sizeof(sha256_digest));
  const sha256_digest digest = sha256_of(forged);
  forged.insert(forged.end(), digest.begin(), digest.end());
  return forged;
}

undo_file reread(const std::string& header) {
  return undo_file::from_bytes(with_header(small_undo_file().to_bytes(), header), "file");
}

std::string refusal(const std::function<void(json&)>& edit) {
  json header = json::parse(header_of(small_undo_file().to_bytes()));
  edit(header);
  return message_of([&] { reread(header.dump()); });
}

void expect_refused(const std::function<void(json&)>& edit, const std::string& part) {
  const std::string message = refusal(edit);
  EXPECT_EQ(message.find("file is damaged: "), 0u) << message;
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(ForgedUndo, TheHelperForgesFilesThatFit) {
  const auto bytes = small_undo_file().to_bytes();
  EXPECT_EQ(with_header(bytes, header_of(bytes)), bytes);
}

TEST(ForgedUndo, RecordsOfOtherMatrices) {
  const auto shape = [](std::vector<std::uint64_t> extents) {
    return [extents](json& header) { header["tensors"][0]["shape"] = extents; };
  };
  const std::uint64_t large = std::uint64_t{1} << 32;
  const std::vector<std::vector<std::uint64_t>> others = {
      {3, 2}, {1, 3}, {3, 3}, {2, 4}, {6}, {}, {2, 3, 2}, {2, large, large, 3}, {2, 0}};
  for (const auto& extents : others) {
    expect_refused(shape(extents), "is one of another matrix");
  }
  expect_refused(shape({1000000, 1000000}), "another matrix");
  EXPECT_EQ(refusal([](json& header) { header["tensors"][0]["dtype"] = "BF16"; }),
            "file is damaged: the record of 'a \"b\" ü' is one of another matrix");
  expect_refused([](json& header) { header["tensors"][0]["dtype"] = "I32"; }, "another matrix");
}

TEST(ForgedUndo, CountsThatCannotBe) {
  expect_refused([](json& header) { header["tensors"][0]["changed"] = 7; }, "more weights");
  expect_refused([](json& header) { header["adapters"] = json::array(); }, "more adapters");
  expect_refused([](json& header) { header["tensors"][0]["record_bytes"] = 1u << 30; },
                 "too short");
  expect_refused([](json& header) { header["tensors"] = json::array(); }, "belong to no record");
  for (const json& wrong : {json(-1), json(6.0), json("6"), json(nullptr), json(1e30)}) {
    expect_refused([&](json& header) { header["tensors"][0]["changed"] = wrong; }, "changed");
    expect_refused([&](json& header) { header["tensors"][0]["record_bytes"] = wrong; },
                   "record_bytes");
    expect_refused([&](json& header) { header["tensors"][0]["shape"][1] = wrong; }, "shape");
    expect_refused([&](json& header) { header["files"][0]["inode"] = wrong; }, "inode");
  }
}

TEST(ForgedUndo, NamesThatLeadElsewhere) {
  for (const std::string name : {"", ".", "..", "../m", "/m", "a/b", "a\n", "a\x1b[2J"}) {
    expect_refused([&](json& header) { header["tensors"][0]["file"] = name; }, "plain file name");
    expect_refused([&](json& header) { header["files"][0]["name"] = name; }, "plain file name");
  }
  const std::string with_nul("/a\0b", 4);
  for (const std::string& path : {with_nul, std::string("relative"), std::string()}) {
    expect_refused([&](json& header) { header["model"] = path; }, "absolute path");
    expect_refused([&](json& header) { header["adapters"][1]["path"] = path; }, "absolute path");
  }
}

TEST(ForgedUndo, NamesThatAppearTwice) {
  const auto bytes = small_undo_file().to_bytes();
  undo_file twice = undo_file::from_bytes(bytes, "file");
  twice.tensors.push_back(twice.tensors[0]);
  twice.tensors[1].file = "other.safetensors";
  EXPECT_NE(message_of([&] { undo_file::from_bytes(twice.to_bytes(), "file"); }).find("twice"),
            std::string::npos);
  expect_refused([](json& header) { header["files"].push_back(header["files"][0]); }, "twice");
}

TEST(ForgedUndo, HeadersThatAreNone) {
  for (const char* key : {"model", "adapters", "tensors"}) {
    expect_refused([&](json& header) { header.erase(key); }, key);
    for (const json& wrong : {json(1), json(nullptr), json::object(), json::array({1})}) {
      expect_refused([&](json& header) { header[key] = wrong; }, "no proper");
    }
  }
  expect_refused([](json& header) { header["files"] = "none"; }, "files");
  expect_refused([](json& header) { header["adapters"][0]["strength"] = nullptr; }, "strength");
  const std::string brackets(200'000, '[');
  for (const std::string& header :
       {std::string("[]"), std::string("x"), std::string(), "{\"model\":" + brackets}) {
    EXPECT_EQ(message_of([&] { reread(header); }).find("file is damaged: "), 0u);
  }
}

TEST(ForgedUndo, FilesWithoutAListOfFilesAreOlder) {
  json header = json::parse(header_of(small_undo_file().to_bytes()));
  header.erase("files");
  EXPECT_TRUE(reread(header.dump()).files.empty());
}

}  // namespace
}  // namespace revlora::tool::test
