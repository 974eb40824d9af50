// What happens to an undo file, and to one that it takes the place of, before the model is changed.
#include "undo/undo_place.hpp"

#include "../undo_frames.hpp"
#include "small_undo.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

class UndoPlace : public testing::Test {
 protected:
  UndoPlace() { write(path, base); }

  /// Writes an undo file that has no more than a beginning, and lets it take its place.
  static undo_writer publish(undo_place& where, const checkpoint& model, destination& target) {
    undo_writer writer = undo_writer::begin(where.create(target, model.file_of(0).content()));
    undo_merge merge;
    merge.model = model.path();
    writer.end_section(merge);
    where.publish(false);
    return writer;
  }

  temporary_folder folder;
  const fs::path path = folder / "model.safetensors";
  const std::string base = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}});
};

TEST_F(UndoPlace, WhatAnUndoFileReplacedComesBack) {
  const fs::path undo_path = folder / "model.undo";
  write(undo_path, small_undo_file());
  const std::string before = read(undo_path);
  const checkpoint model(path);
  destination target(model, {});
  undo_place undo({.overwrite = true}, model, target);
  const undo_writer one = publish(undo, model, target);
  EXPECT_NE(read(undo_path), before);
  undo.take_back();
  EXPECT_EQ(read(undo_path), before);

  undo_place another({.path = folder / "another.undo"}, model, target);
  const undo_writer other = publish(another, model, target);  // open, so that it keeps its inode
  fs::remove(folder / "another.undo");
  write(folder / "another.undo", "somebody's");
  another.take_back();
  EXPECT_EQ(read(folder / "another.undo"), "somebody's");
}

TEST_F(UndoPlace, OneThatReplacedNothingGoesAgain) {
  const checkpoint model(path);
  destination target(model, {});
  undo_place undo({}, model, target);
  publish(undo, model, target);
  EXPECT_TRUE(fs::exists(folder / "model.undo"));
  undo.take_back();
  EXPECT_FALSE(fs::exists(folder / "model.undo"));
}

TEST_F(UndoPlace, WhatSomebodyPutThereMeanwhileStays) {
  const checkpoint model(path);
  destination target(model, {});
  undo_place undo({}, model, target);
  write(folder / "model.undo", "somebody was faster");
  EXPECT_NE(message_of([&] { publish(undo, model, target); }).find("exists already"),
            std::string::npos);
  EXPECT_EQ(read(folder / "model.undo"), "somebody was faster");
}

// Until the model is merged it looks like one that leads nothing back.
TEST_F(UndoPlace, AnUndoFileIsInUseFromItsBeginning) {
  write(folder / "other.safetensors", base);
  const checkpoint model(path), other(folder / "other.safetensors");
  destination target(model, {}), another(other, {});
  undo_place undo({.path = folder / "one.undo"}, model, target);
  undo_writer writer = undo_writer::begin(undo.create(target, model.file_of(0).content()));
  writer.end_section(small_merge());
  undo.publish(false);
  const std::string message =
      message_of([&] { undo_place({.path = folder / "one.undo"}, other, another); });
  EXPECT_NE(message.find("another revlora is using"), std::string::npos) << message;
}

// Nobody may read of the weights what he may not read in the model.
TEST_F(UndoPlace, ItsPermissionsAreTheModels) {
  fs::permissions(path, fs::perms(0640));
  const checkpoint model(path);
  destination target(model, {});
  undo_place undo({}, model, target);
  publish(undo, model, target);
  EXPECT_EQ(fs::status(folder / "model.undo").permissions(), fs::perms(0640));
}

}  // namespace
}  // namespace revlora::tool::test
