// The factors of adapters in undo files: with them an unmerge needs nothing else, without them the
// adapters bit for bit, and another one is refused by name.
#include "files/folder.hpp"
#include "small_model.hpp"
#include "undo/undo_file.hpp"

namespace revlora::tool::test {
namespace {

class Embedding : public SmallModel {
 protected:
  void expect_base_after(const std::string& arguments) const {
    expect_done(arguments);
    EXPECT_EQ(read(model), base);
  }
};

TEST_F(Embedding, AnAdapterThatIsGoneOrOverwrittenIsNotNeeded) {
  expect_done("merge model.safetensors adapter other");
  fs::remove_all(folder / "adapter");
  write_adapter(folder / "other", linear("m", {9, 9}, {9, 9, 9}));
  expect_base_after("unmerge model.safetensors");
}

TEST_F(Embedding, WithoutItTheUndoFileIsSmallerAndTheAdapterNeeded) {
  expect_done("merge model.safetensors adapter");
  const auto with = fs::file_size(undo);
  expect_done("unmerge model.safetensors");
  fs::remove(undo);
  expect_done("merge model.safetensors adapter --no-embed");
  const auto factors_in = [&] {
    const file opened =
        tool::folder(folder.path()).open("model.undo", tool::folder::links::refused);
    return undo_file::read(opened).last().shards[0].tensors[0].factors;
  }();
  ASSERT_EQ(factors_in.size(), 1u);
  EXPECT_FALSE(factors_in[0].embedded);
  EXPECT_EQ(factors_in[0].elsewhere.size(), 2u);
  EXPECT_NE(fs::file_size(undo), with);
  fs::rename(folder / "adapter", folder / "moved");
  expect_refused("unmerge model.safetensors", "say where it is now with --adapter");
  expect_base_after("unmerge model.safetensors --adapter moved");
}

TEST_F(Embedding, OtherAdaptersAreRefused) {
  expect_done("merge model.safetensors adapter --strength -0.3 --no-embed");
  expect_refused("unmerge model.safetensors --adapter other", "is not the adapter that was merged");
  expect_refused("unmerge model.safetensors --adapter half", (folder / "half").string());
  expect_refused("unmerge model.safetensors --adapter adapter other",
                 "has 1 adapter, --adapter names 2");
  expect_base_after("unmerge model.safetensors --adapter adapter");
}

TEST_F(Embedding, AnAdapterThatWasTrainedFurtherIsRefusedByName) {
  fs::copy(folder / "adapter", folder / "copy");
  expect_done("merge model.safetensors other adapter --no-embed");
  write_adapter(folder / "adapter", linear("m", {0.1f, 0.25f}, {1, 2, 3}));
  expect_refused("unmerge model.safetensors", quoted(folder / "adapter") + " is not the adapter");
  expect_refused("swap model.safetensors --to half", quoted(folder / "adapter"));
  expect_base_after("unmerge model.safetensors --adapter other copy");
}

TEST_F(Embedding, AnAdapterThatDiffersInItsLastModuleIsRefused) {
  const auto of_both_modules = [&](float last) {
    auto factors = linear("m", {0.1f, 0.2f}, {1, 2, 3});
    for (const auto& factor : linear("n", {0.5f}, {last})) factors.push_back(factor);
    return factors;
  };
  write_adapter(folder / "both", of_both_modules(1));
  expect_done("merge model.safetensors both --no-embed");
  write_adapter(folder / "both", of_both_modules(2));
  expect_refused("unmerge model.safetensors", "('n.weight' does not fit)");
  write_adapter(folder / "both", of_both_modules(1));
  expect_base_after("unmerge model.safetensors");
}

}  // namespace
}  // namespace revlora::tool::test
