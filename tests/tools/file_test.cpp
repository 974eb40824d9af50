// Ranges of files that are copied, and locks.
#include "files/file.hpp"

#include <chrono>

#include "files/folder.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

class File : public testing::Test {
 protected:
  file opened(const std::string& name) const {
    return tool::folder(folder.path()).open(name, tool::folder::links::refused);
  }
  file created(const std::string& name) const { return tool::folder(folder.path()).create(name); }

  temporary_folder folder;
};

TEST_F(File, RangesAreCopiedToWhereTheyShallBe) {
  std::string content(40'000'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i)
    content[i] = static_cast<char>(i * 2654435761u >> 24);
  write(folder / "a", content);
  const file from = opened("a");
  const file to = created("b");
  to.write(std::as_bytes(std::span(content).first(5)), 0);
  to.copy_range_from(from, 7, 30'000'001, 5);
  to.copy_range_from(from, 0, 0, 99);
  to.flush();
  EXPECT_TRUE(read(folder / "b") == content.substr(0, 5) + content.substr(7, 30'000'001));
}

TEST_F(File, ARangeBeyondTheEndIsAnError) {
  write(folder / "a", "12345");
  const file from = opened("a");
  const file to = created("b");
  EXPECT_NE(message_of([&] { to.copy_range_from(from, 2, 4, 0); }).find("truncated"),
            std::string::npos);
}

TEST_F(File, ACloneHasAllOrNothingIsDone) {
  write(folder / "a", "12345");
  const file to = created("b");
  const bool is_cloned = to.try_clone_from(opened("a"));
  EXPECT_EQ(read(folder / "b"), is_cloned ? "12345" : "");
}

TEST_F(File, ALockIsOfOneOnly) {
  write(folder / "a", "");
  using outcome = file::lock_outcome;
  const file first = opened("a"), second = opened("a");
  EXPECT_EQ(first.try_to_lock(file::lock_kind::exclusive), outcome::locked);
  EXPECT_EQ(second.try_to_lock(file::lock_kind::shared), outcome::taken);
  EXPECT_FALSE(second.lock(file::lock_kind::shared));
}

// All of them changed just now.
TEST_F(File, ManyFilesAreWaitedForOnce) {
  std::vector<file> files;
  for (int i = 0; i < 200; ++i) {
    write(folder / std::to_string(i), "");
    files.push_back(opened(std::to_string(i)));
  }
  const auto start = std::chrono::steady_clock::now();
  file::settle_all(files);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

}  // namespace
}  // namespace revlora::tool::test
