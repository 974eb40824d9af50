// Files that change while they are merged, and who may read what a merge makes.
#include "checkpoint/destination.hpp"

#include <sys/xattr.h>

#include <functional>

#include "support.hpp"
#include "undo/undo_file.hpp"
#include "undo/undo_place.hpp"

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

// Also the shards that no adapter changes: they go into the new folder.
TEST_F(Destination, ANewFolderIsMadeOfWhatWasRead) {
  const fs::path home = folder / "m";
  write(home / "a.safetensors", base);
  write(home / "b.safetensors", safetensors({{"n.weight", {1, 1}, {7}}}));
  write(home / "model.safetensors.index.json",
        R"({"weight_map":{"m.weight":"a.safetensors","n.weight":"b.safetensors"}})");
  const checkpoint model(home);
  destination target(model, folder / "new", false);
  target.begin(0);
  write(home / "b.safetensors", "somebody's");
  EXPECT_NE(message_of([&] { target.finish(); }), "");
}

TEST_F(Destination, AFolderThatSomebodyMovedIsNotMergedInto) {
  const fs::path home = folder / "m";
  write(home / "model.safetensors", base);
  const checkpoint model(home);
  destination target(model, {}, false);
  target.begin(0);
  fs::rename(home, folder / "elsewhere");
  EXPECT_NE(message_of([&] { target.finish(); }).find("was moved"), std::string::npos);
  write(home / "model.safetensors", base);
  EXPECT_NE(message_of([&] { target.finish(); }).find("was moved"), std::string::npos);
}

TEST_F(Destination, WhatAnUndoFileReplacedComesBack) {
  const fs::path undo_path = folder / "model.undo";
  undo_file earlier;
  earlier.model = folder / "gone";
  const auto bytes = earlier.to_bytes();
  write(undo_path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const std::string before = read(undo_path);
  const checkpoint model(path);
  destination target(model, {}, false);
  target.begin(0);
  undo_place undo({.overwrite = true}, model, target);
  undo.write({}, target);
  undo.publish();
  EXPECT_NE(read(undo_path), before);
  undo.take_back();
  EXPECT_EQ(read(undo_path), before);

  undo_place another({.path = folder / "another.undo"}, model, target);
  another.write({}, target);
  another.publish();
  fs::remove(folder / "another.undo");
  write(folder / "another.undo", "somebody's");
  another.take_back();
  EXPECT_EQ(read(folder / "another.undo"), "somebody's");
}

// Until the model is merged it looks like one that leads nothing back.
TEST_F(Destination, AnUndoFileIsInUseFromItsBeginning) {
  write(folder / "other.safetensors", base);
  const checkpoint model(path), other(folder / "other.safetensors");
  destination target(model, {}, false), another(other, {}, false);
  target.begin(0);
  undo_file content;
  content.model = path;
  content.files = target.identities();
  undo_place undo({.path = folder / "one.undo"}, model, target);
  undo.write(content.to_bytes(), target);
  target.finish();
  undo.publish();
  const std::string message =
      message_of([&] { undo_place({.path = folder / "one.undo"}, other, another); });
  EXPECT_NE(message.find("another revlora is using"), std::string::npos) << message;
}

/// An access control list as Linux keeps it: all for a user of this number.
std::string list_with(std::uint32_t user) {
  std::string list("\2\0\0\0", 4);
  const auto add = [&](std::uint16_t tag, std::uint16_t permissions, std::uint32_t id) {
    list.append(reinterpret_cast<const char*>(&tag), 2);
    list.append(reinterpret_cast<const char*>(&permissions), 2);
    list.append(reinterpret_cast<const char*>(&id), 4);
  };
  add(1, 7, ~0u);   // owner
  add(2, 7, user);  // this user
  add(4, 5, ~0u);   // group
  add(16, 7, ~0u);  // mask
  add(32, 0, ~0u);  // others
  return list;
}

TEST_F(Destination, WhatAFolderHandsOnOpensNothing) {
  const std::string list = list_with(65534);
  const auto has_list = [](const fs::path& at) {
    return ::getxattr(at.c_str(), "system.posix_acl_access", nullptr, 0) > 0;
  };
  fs::permissions(path, fs::perms(0640));
  if (::setxattr(folder.path().c_str(), "system.posix_acl_default", list.data(), list.size(), 0)) {
    GTEST_SKIP() << "this file system has no access control lists";
  }
  const checkpoint model(path);
  destination target(model, {}, false);
  const file& copy = target.begin(0);
  EXPECT_FALSE(has_list(copy.path()));
  EXPECT_FALSE(has_list(copy.path().parent_path()));
  undo_place undo({}, model, target);
  undo.write({}, target);
  target.finish();
  undo.publish();
  target.publish();
  for (const char* name : {"model.undo", "model.safetensors"}) {
    EXPECT_FALSE(has_list(folder / name)) << name;
    EXPECT_EQ(fs::status(folder / name).permissions(), fs::perms(0640)) << name;
  }

  // One that the model has is its own.
  ASSERT_EQ(::setxattr(path.c_str(), "system.posix_acl_access", list.data(), list.size(), 0), 0);
  const checkpoint again(path);
  destination second(again, {}, false);
  EXPECT_TRUE(has_list(second.begin(0).path()));
}

TEST_F(Destination, NobodyElseMayReadACopy) {
  fs::permissions(path, fs::perms(0640));
  const checkpoint model(path);
  destination target(model, {}, false);
  const file& copy = target.begin(0);
  EXPECT_EQ(fs::status(copy.path().parent_path()).permissions(), fs::perms(0700));
  EXPECT_EQ(copy.status_now().permissions(), 0640u);
  undo_place undo({}, model, target);
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
