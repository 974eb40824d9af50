// Files that change while they are merged, and who may read what a merge makes.
#include "checkpoint/destination.hpp"

#include <sys/xattr.h>

#include <functional>

#include "support.hpp"

namespace revlora::tool::test {
namespace {

class Destination : public testing::Test {
 protected:
  Destination() { write(path, base); }

  /// What an engine makes of a shard: here the same.
  static file copy_of(const checkpoint& model, destination& target, std::size_t shard = 0) {
    file made = target.begin(shard);
    const file& original = model.file_of(shard).content();
    made.copy_range_from(original, 0, original.size(), 0);
    return made;
  }

  temporary_folder folder;
  const fs::path path = folder / "model.safetensors";
  const std::string base = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}});
  const std::string newer = safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 7}}});
};

TEST_F(Destination, AShardThatSomebodyWroteMeanwhileStays) {
  const auto in_place = [&](const std::function<void()>& meanwhile) {
    write(path, base);
    const checkpoint model(path);
    destination target(model, {});
    const file made = copy_of(model, target);
    meanwhile();
    const std::string now = read(path);
    const std::string message = message_of([&] { target.put(0, made); });
    EXPECT_NE(message.find("was changed by somebody meanwhile"), std::string::npos) << message;
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
  destination target(model, {});
  EXPECT_NE(message_of([&] { copy_of(model, target); }).find("truncated"), std::string::npos);
}

TEST_F(Destination, WhatIsWrittenBesideIsPublishedOnlyWhereNothingIs) {
  const checkpoint model(path);
  destination target(model, {.out = folder / "new.safetensors"});
  target.put(0, copy_of(model, target));
  write(folder / "new.safetensors", "somebody was faster");
  EXPECT_NE(message_of([&] { target.finish(); }).find("exists already"), std::string::npos);
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
  destination target(model, {.out = folder / "new"});
  target.put(0, copy_of(model, target));
  write(home / "b.safetensors", "somebody's");
  EXPECT_NE(message_of([&] { target.finish(); }), "");
  EXPECT_FALSE(fs::exists(folder / "new"));
}

TEST_F(Destination, ANewFolderIsTheWholePipeline) {
  const fs::path home = folder / "p";
  write(home / "model_index.json", R"({"unet":["diffusers","U"],"tokenizer":["t","T"]})");
  write(home / "unet/model.safetensors", base);
  write(home / "unet/config.json", "{}");
  write(home / "tokenizer/inner/vocab.json", "[]");
  fs::permissions(home / "unet", fs::perms(0750));
  const checkpoint model(home);
  destination target(model, {.out = folder / "new"});
  target.put(0, copy_of(model, target));
  target.finish();
  EXPECT_EQ(read(folder / "new/unet/model.safetensors"), base);
  EXPECT_EQ(read(folder / "new/unet/config.json"), "{}");
  EXPECT_EQ(read(folder / "new/tokenizer/inner/vocab.json"), "[]");
  EXPECT_EQ(fs::status(folder / "new/unet").permissions(), fs::perms(0750));
}

TEST_F(Destination, AFolderThatSomebodyMovedIsNotMergedInto) {
  const fs::path home = folder / "m";
  write(home / "model.safetensors", base);
  const checkpoint model(home);
  destination target(model, {});
  const file made = copy_of(model, target);
  fs::rename(home, folder / "elsewhere");
  EXPECT_NE(message_of([&] { target.put(0, made); }).find("was moved"), std::string::npos);
  write(home / "model.safetensors", base);
  EXPECT_NE(message_of([&] { target.put(0, made); }).find("was moved"), std::string::npos);
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
  destination target(model, {});
  const file copy = copy_of(model, target);
  EXPECT_FALSE(has_list(copy.path()));
  EXPECT_FALSE(has_list(copy.path().parent_path()));
  target.put(0, copy);
  EXPECT_FALSE(has_list(path));
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0640));

  // One that the model has is its own.
  ASSERT_EQ(::setxattr(path.c_str(), "system.posix_acl_access", list.data(), list.size(), 0), 0);
  const checkpoint again(path);
  destination second(again, {});
  EXPECT_TRUE(has_list(second.begin(0).path()));
}

TEST_F(Destination, NobodyElseMayReadACopy) {
  fs::permissions(path, fs::perms(0640));
  const checkpoint model(path);
  destination target(model, {});
  const file copy = copy_of(model, target);
  EXPECT_EQ(fs::status(copy.path().parent_path()).permissions(), fs::perms(0700));
  EXPECT_EQ(copy.status_now().permissions(), 0640u);
  target.put(0, copy);
  EXPECT_EQ(fs::status(path).permissions(), fs::perms(0640));
}

TEST_F(Destination, ExtendedAttributesStay) {
  if (::setxattr(path.c_str(), "user.origin", "hub", 3, 0) != 0) {
    GTEST_SKIP() << "this file system has no extended attributes";
  }
  const checkpoint model(path);
  destination target(model, {});
  target.put(0, copy_of(model, target));
  char value[8] = {};
  EXPECT_EQ(::getxattr(path.c_str(), "user.origin", value, sizeof value), 3);
  EXPECT_STREQ(value, "hub");
}

}  // namespace
}  // namespace revlora::tool::test
