// Files that change while they are merged, and who may read what a merge makes.
#include "destination.hpp"

#include <sys/xattr.h>

#include <functional>

#include "support.hpp"
#include "undo_place.hpp"

namespace revlora::tool::test {
namespace {

class Destination : public testing::Test {
 protected:
  Destination() { write(path, base); }

  temporary_folder folder;
  const fs::path path = folder / "model.safetensors";
  const std::string base = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}});
  const std::string newer = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 7}}});
};

TEST_F(Destination, AShardThatSomebodyWroteMeanwhileStays) {
  const auto in_place = [&](const std::function<void()>& meanwhile) {
    write(path, base);
    const checkpoint model(path);
    destination target(model, {}, false);
    target.begin(0);
    meanwhile();
    const std::string now = read(path);
    const std::string message = message_of([&] { target.finish(); });
    EXPECT_NE(message.find("was changed by somebody meanwhile"), std::string::npos) << message;
    EXPECT_NE(message_of([&] { target.publish(); }), "");
    EXPECT_EQ(read(path), now);
  };
  in_place([&] { write(path, newer); });
  in_place([&] {  // of the same size and with the same time
    const auto time = fs::last_write_time(path);
    write(path, newer);
    fs::last_write_time(path, time);
  });
  in_place([&] {  // another file
    write(folder / "other", newer);
    fs::rename(folder / "other", path);
  });
  in_place([&] { fs::resize_file(path, 20); });
  in_place([&] {
    fs::rename(path, folder / "elsewhere");
    fs::create_symlink("elsewhere", path);
  });
  fs::remove(path);
}

TEST_F(Destination, AShardThatSomebodyTruncatedIsAnErrorAndNoFault) {
  const checkpoint model(path);
  fs::resize_file(path, base.size() - 4);
  EXPECT_NE(message_of([&] { model.bytes_of(*model.find("m.weight")); }).find("truncated"),
            std::string::npos);
  destination target(model, {}, false);
  EXPECT_NE(message_of([&] { target.begin(0); }).find("truncated"), std::string::npos);
}

TEST_F(Destination, WhatIsWrittenBesideIsPublishedOnlyWhereNothingIs) {
  const checkpoint model(path);
  destination target(model, folder / "new.safetensors", false);
  target.begin(0);
  target.finish();
  write(folder / "new.safetensors", "somebody was faster");
  EXPECT_NE(message_of([&] { target.publish(); }).find("exists already"), std::string::npos);
  EXPECT_EQ(read(folder / "new.safetensors"), "somebody was faster");
}

TEST_F(Destination, NobodyElseMayReadACopy) {
  fs::permissions(path, fs::perms(0640));
  const checkpoint model(path);
  destination target(model, {}, false);
  const file& copy = target.begin(0);
  EXPECT_EQ(fs::status(copy.path().parent_path()).permissions(), fs::perms(0700));
  EXPECT_EQ(copy.status_now().permissions(), 0640u);
  undo_place undo({}, false, false, model, target);
  undo.write({}, target);
  target.finish();
  undo.publish();
  EXPECT_EQ(fs::status(folder / "model.undo").permissions(), fs::perms(0640));
  target.publish();
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0640));
}

TEST_F(Destination, ExtendedAttributesStay) {
  if (::setxattr(path.c_str(), "user.origin", "hub", 3, 0) != 0) {
    GTEST_SKIP() << "this file system has no extended attributes";
  }
  const checkpoint model(path);
  destination target(model, {}, false);
  target.begin(0);
  target.finish();
  target.publish();
  char value[8] = {};
  EXPECT_EQ(::getxattr(path.c_str(), "user.origin", value, sizeof value), 3);
  EXPECT_STREQ(value, "hub");
}

}  // namespace
}  // namespace revlora::tool::test
