// The undo file's bytes: they come back as they were, damage of any kind is refused by name, and of
// one that was interrupted all that is whole counts, and nothing else.
#include "undo/undo_file.hpp"

#include "small_undo.hpp"
#include "support.hpp"
#include "undo/record_in_file.hpp"

namespace revlora::tool::test {
namespace {

std::string refusal(const std::string& bytes) {
  return message_of([&] { reread(bytes); });
}

/// Where each section ends, the preamble's end first.
std::vector<std::size_t> ends_in(const std::string& bytes) {
  std::vector<std::size_t> ends = {24};
  for (const auto& frame : tests::frames_in(bytes)) {
    ends.push_back(ends.back() + 16 + frame.body.size() + frame.header.size() +
                   sizeof(sha256_digest));
  }
  return ends;
}

void expect_equal(const undo_tensor& again, const undo_tensor& was) {
  EXPECT_EQ(again.name, was.name);
  EXPECT_EQ(again.dtype, was.dtype);
  EXPECT_EQ(again.base_shape, was.base_shape);
  EXPECT_EQ(again.shape, was.shape);
  EXPECT_EQ(again.is_new, was.is_new);
  EXPECT_EQ(again.recipe, was.recipe);
  ASSERT_EQ(again.factors.size(), was.factors.size());
  for (std::size_t i = 0; i < was.factors.size(); ++i) {
    EXPECT_EQ(again.factors[i].adapter, was.factors[i].adapter);
    EXPECT_EQ(again.factors[i].type, was.factors[i].type);
    EXPECT_EQ(again.factors[i].rows, was.factors[i].rows);
    EXPECT_EQ(again.factors[i].rank, was.factors[i].rank);
    EXPECT_EQ(again.factors[i].cols, was.factors[i].cols);
    EXPECT_EQ(again.factors[i].strength, was.factors[i].strength);
    EXPECT_EQ(again.factors[i].embedded, was.factors[i].embedded);
    EXPECT_EQ(again.factors[i].elsewhere, was.factors[i].elsewhere);
  }
  ASSERT_EQ(again.windows.size(), was.windows.size());
  for (std::size_t i = 0; i < was.windows.size(); ++i) {
    EXPECT_EQ(again.windows[i].begin, was.windows[i].begin);
    EXPECT_EQ(again.windows[i].rows, was.windows[i].rows);
    EXPECT_EQ(again.windows[i].base_rows, was.windows[i].base_rows);
    EXPECT_EQ(again.windows[i].cols, was.windows[i].cols);
    EXPECT_EQ(again.windows[i].updates, was.windows[i].updates);
    EXPECT_EQ(again.windows[i].record, was.windows[i].record);
    EXPECT_EQ(again.windows[i].changed, was.windows[i].changed);
    EXPECT_EQ(again.windows[i].kept_rows, was.windows[i].kept_rows);
    EXPECT_EQ(again.windows[i].kept, was.windows[i].kept);
    EXPECT_EQ(again.windows[i].base, was.windows[i].base);
    EXPECT_EQ(again.windows[i].merged, was.windows[i].merged);
  }
}

TEST(UndoFile, ComesBackAsItWas) {
  const std::string bytes = small_undo_file();
  const undo_file again = reread(bytes);
  EXPECT_TRUE(again.is_finished());
  EXPECT_EQ(again.whole_bytes(), bytes.size());
  ASSERT_EQ(again.merges().size(), 1u);
  const undo_merge merge = small_merge();
  EXPECT_EQ(again.last().model, merge.model);
  EXPECT_EQ(again.last().time, merge.time);
  EXPECT_EQ(again.last().files, merge.files);
  ASSERT_EQ(again.last().adapters.size(), 2u);
  EXPECT_EQ(again.last().adapters[0].path, merge.adapters[0].path);
  EXPECT_EQ(again.last().adapters[0].strength, 0.1);
  EXPECT_EQ(again.last().adapters[1].strength, -1.0 / 3);

  undo_writer writer = undo_writer::begin(tests::file_in_memory(""));
  writer.end_section(merge);
  const undo_shard shard = write_small_shard(writer);
  ASSERT_EQ(again.last().shards.size(), 1u);
  EXPECT_EQ(again.last().shards[0].base_header, shard.base_header);
  EXPECT_EQ(again.last().shards[0].base_bytes, shard.base_bytes);
  EXPECT_EQ(again.last().shards[0].merged_header, shard.merged_header);
  EXPECT_EQ(again.last().shards[0].section_begin, ends_in(bytes)[1]);
  ASSERT_EQ(again.last().shards[0].tensors.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    expect_equal(again.last().shards[0].tensors[i], shard.tensors[i]);
  }

  ASSERT_EQ(again.last().texts.size(), 1u);
  const file opened = tests::file_in_memory(bytes);
  EXPECT_EQ(again.last().texts[0].file, "index.json");
  EXPECT_EQ(again.last().texts[0].merged, sha256_of(bytes_of("{ }")));
  const auto base = read_range(opened, again.last().texts[0].base);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(base.data()), base.size()), "{}");
  const undo_tensor& tensor = again.last().shards[0].tensors[0];
  const undo_record record = read_record(opened, tensor, tensor.windows[0]);
  EXPECT_TRUE(std::ranges::equal(record.bytes(), small_record().bytes()));
}

TEST(UndoFile, AnUnmergeTellsWhichFilesTookThePlacesOfOthers) {
  const auto frames = tests::frames_in(small_undo_file());
  const auto identity_by = [&](std::size_t sections) {
    const std::string part = tests::undo_file_of({frames.begin(), frames.begin() + sections});
    return reread(part).last().shards[0].identity;
  };
  EXPECT_EQ(identity_by(3).inode, ~std::uint64_t{0});
  EXPECT_EQ(identity_by(4), small_restored_file());
}

TEST(UndoFile, EveryTruncationIsRefused) {
  const std::string bytes = small_undo_file();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string message = refusal(bytes.substr(0, size));
    EXPECT_NE(message.find(size < 8 ? "not an undo file" : "truncated"), std::string::npos)
        << message;
  }
}

TEST(UndoFile, EveryFlippedByteIsRefused) {
  std::string bytes = small_undo_file();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    SCOPED_TRACE(i);
    for (const int bit : {0, 7}) {
      bytes[i] ^= static_cast<char>(1 << bit);
      EXPECT_NE(refusal(bytes), "");
      bytes[i] ^= static_cast<char>(1 << bit);
    }
  }
}

// As a run that was cut off leaves it.
TEST(UndoFile, OfAnUnfinishedOneAllWholeSectionsCountAndNothingElse) {
  const std::string bytes = small_undo_file(false);
  const auto ends = ends_in(bytes);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto whole = std::upper_bound(ends.begin(), ends.end(), size) - ends.begin() - 1;
    if (whole < 1) {
      EXPECT_NE(refusal(bytes.substr(0, size)).find(size < 8 ? "not an undo file" : "truncated"),
                std::string::npos);
      continue;
    }
    const undo_file undo = reread(bytes.substr(0, size));
    EXPECT_FALSE(undo.is_finished());
    EXPECT_EQ(undo.whole_bytes(), ends[static_cast<std::size_t>(whole)]);
    EXPECT_EQ(undo.last().shards.size(), whole >= 2 ? 1u : 0u);
    EXPECT_EQ(undo.last().texts.size(), whole >= 3 ? 1u : 0u);
  }
}

TEST(UndoFile, AFlippedByteOfAnUnfinishedOneEndsWhatIsWhole) {
  std::string bytes = small_undo_file(false);
  const auto ends = ends_in(bytes);
  for (std::size_t i = 24; i < bytes.size(); ++i) {
    SCOPED_TRACE(i);
    bytes[i] ^= 1;
    const auto whole = std::upper_bound(ends.begin(), ends.end(), i) - ends.begin() - 1;
    if (whole < 1) {
      EXPECT_NE(refusal(bytes), "");
    } else {
      EXPECT_EQ(reread(bytes).whole_bytes(), ends[static_cast<std::size_t>(whole)]);
    }
    bytes[i] ^= 1;
  }
}

// An unmerge that wanted to note something behind it, and was cut off.
TEST(UndoFile, WhatFollowsAFinishedOneMeansNothing) {
  const std::string bytes = small_undo_file();
  EXPECT_EQ(reread(bytes + "half a section").whole_bytes(), bytes.size());
}

TEST(UndoFile, IsKnownByItsFirstEightBytes) {
  const std::string bytes = small_undo_file();
  EXPECT_TRUE(undo_file::begins_like_one(bytes_of(bytes)));
  EXPECT_TRUE(undo_file::begins_like_one(bytes_of(bytes).first(8)));
  EXPECT_FALSE(undo_file::begins_like_one(bytes_of(bytes).first(7)));
  EXPECT_FALSE(undo_file::begins_like_one(bytes_of(bytes).subspan(1)));
}

TEST(UndoFile, OtherVersionsAreNamed) {
  for (const char version : {1, 3}) {
    std::string other = small_undo_file();
    other[8] = version;
    EXPECT_EQ(refusal(other), "'file' is an undo file of version " + std::to_string(version) +
                                  ", and this revlora knows version 2: unmerge with the revlora "
                                  "that wrote it");
  }
}

TEST(UndoFile, DamageIsNamed) {
  std::string damaged = small_undo_file();
  damaged[damaged.size() / 2] ^= 64;
  EXPECT_EQ(refusal(damaged), "'file' is damaged: a checksum does not fit");
}

/// With a byte of the record changed, and the checksum of the section made to fit.
std::string refusal_of_record(std::size_t place_in_record, char now) {
  auto frames = tests::frames_in(small_undo_file());
  const undo_file undo = reread(tests::undo_file_of(frames));
  const undo_tensor& tensor = undo.last().shards[0].tensors[0];
  const std::uint64_t body = undo.last().shards[0].section_begin + 16;
  frames[1].body[tensor.windows[0].record.begin - body + place_in_record] = now;
  const file opened = tests::file_in_memory(tests::undo_file_of(frames));
  return message_of([&] { read_record(opened, tensor, tensor.windows[0]); });
}

// An intact file with a record of another version: it needs another revlora, not a backup.
TEST(UndoFile, TellsOtherVersionsOfRecordsFromDamage) {
  const std::string other = refusal_of_record(3, 9);
  EXPECT_NE(other.find("format version 9"), std::string::npos) << other;
  EXPECT_EQ(other.find("damaged"), std::string::npos) << other;
  EXPECT_EQ(refusal_of_record(20, 'x').find("'file' is damaged: "), 0u)
      << refusal_of_record(20, 'x');
}

}  // namespace
}  // namespace revlora::tool::test
