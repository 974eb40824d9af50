// The undo file's bytes: they come back as they were, and damage of any kind is refused by name.
#include "undo/undo_file.hpp"

#include <cstring>

#include "files/sha256.hpp"
#include "small_undo.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

std::string refusal(std::vector<std::byte> bytes) {
  return message_of([&] { undo_file::from_bytes(bytes, "file"); });
}

TEST(UndoFile, ComesBackAsItWas) {
  const undo_file undo = small_undo_file();
  const auto bytes = undo.to_bytes();
  const undo_file again = undo_file::from_bytes(bytes, "file");
  EXPECT_EQ(again.model, undo.model);
  ASSERT_EQ(again.adapters.size(), 2u);
  EXPECT_EQ(again.adapters[0].strength, 0.1);
  EXPECT_EQ(again.adapters[1].strength, -1.0 / 3);
  ASSERT_EQ(again.files.size(), 1u);
  EXPECT_EQ(again.files[0], undo.files[0]);
  ASSERT_EQ(again.tensors.size(), 1u);
  EXPECT_EQ(again.tensors[0].name, undo.tensors[0].name);
  EXPECT_EQ(again.tensors[0].shape, undo.tensors[0].shape);
  EXPECT_EQ(again.tensors[0].changed, 6u);
  EXPECT_EQ(again.to_bytes(), bytes);
}

TEST(UndoFile, EveryTruncationIsRefused) {
  const auto bytes = small_undo_file().to_bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string message = refusal({bytes.begin(), bytes.begin() + static_cast<long>(size)});
    EXPECT_NE(message.find(size < 8 ? "not an undo file" : "truncated"), std::string::npos)
        << message;
  }
}

TEST(UndoFile, EveryFlippedByteIsRefused) {
  auto bytes = small_undo_file().to_bytes();
  for (std::byte& byte : bytes) {
    byte ^= std::byte{1};
    EXPECT_NE(refusal(bytes), "");
    byte ^= std::byte{1};
  }
}

TEST(UndoFile, IsKnownByItsFirstEightBytes) {
  const auto bytes = small_undo_file().to_bytes();
  EXPECT_TRUE(undo_file::begins_like_one(bytes));
  EXPECT_TRUE(undo_file::begins_like_one(std::span(bytes).first(8)));
  EXPECT_FALSE(undo_file::begins_like_one(std::span(bytes).first(7)));
  EXPECT_FALSE(undo_file::begins_like_one(std::span(bytes).subspan(1)));
}

TEST(UndoFile, NamesWhatIsWrong) {
  auto bytes = small_undo_file().to_bytes();
  auto later = bytes;
  later[8] = std::byte{2};
  EXPECT_NE(refusal(later).find("version 2"), std::string::npos);
  auto damaged = bytes;
  damaged[damaged.size() / 2] ^= std::byte{64};
  EXPECT_NE(refusal(damaged).find("damaged"), std::string::npos);
  auto longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_NE(refusal(longer).find("damaged"), std::string::npos);
}

// An intact file with a record of another version: it needs another revlora, not a backup.
TEST(UndoFile, TellsOtherVersionsOfRecordsFromDamage) {
  const undo_file undo = small_undo_file();
  auto bytes = undo.to_bytes();
  const std::size_t digest = bytes.size() - sizeof(sha256_digest);
  bytes[digest - undo.tensors[0].record.size_bytes() + 3] = std::byte{9};
  const sha256_digest fitting = sha256_of(std::span(bytes).first(digest));
  std::memcpy(bytes.data() + digest, fitting.data(), fitting.size());
  EXPECT_NE(refusal(bytes).find("format version 9"), std::string::npos) << refusal(bytes);
  EXPECT_EQ(refusal(bytes).find("damaged"), std::string::npos) << refusal(bytes);
}

}  // namespace
}  // namespace revlora::tool::test
