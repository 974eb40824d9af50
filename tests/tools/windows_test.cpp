// Tensors that are larger than what is in memory at a time: the bits are those of one call over the
// whole of them.
#include "revlora/merge.hpp"
#include "support.hpp"
#include "undo/undo_file.hpp"
#include "verbs/requests.hpp"

namespace revlora::tool::test {
namespace {

constexpr int rows = 5000, cols = 1024;  // 20 MB

std::vector<float> numbers(std::size_t count, std::uint32_t seed) {
  std::vector<float> values(count);
  for (float& value : values) {
    seed = seed * 1664525 + 1013904223;
    value = static_cast<float>(seed >> 8) / (1 << 23) - 1;
  }
  return values;
}

class Windows : public testing::Test {
 protected:
  Windows() {
    write(model, safetensors({{"m.weight", {rows, cols}, weights}}));
    base = read(model);
  }

  std::vector<float> weights_now() const {
    const std::string bytes = read(model);
    std::vector<float> values(weights.size());
    std::memcpy(values.data(), bytes.data() + bytes.size() - 4 * values.size(), 4 * values.size());
    return values;
  }

  undo_merge undo_now() const {
    const file opened =
        tool::folder(folder.path()).open("model.undo", tool::folder::links::refused);
    return undo_file::read(opened).last();
  }

  void expect_base_after_unmerge() const {
    unmerge_model({.model = model});
    EXPECT_TRUE(read(model) == base);
  }

  temporary_folder folder;
  const fs::path model = folder / "model.safetensors";
  const std::vector<float> weights = numbers(std::size_t{rows} * cols, 1);
  const std::vector<float> b = numbers(rows, 2), a = numbers(cols, 3);
  const fs::path adapter = write_adapter(folder / "adapter", linear("m", b, a));
  std::string base;
};

TEST_F(Windows, AreMergedAsOneMatrix) {
  merge_model({.model = model, .adapters = {{adapter, 0.7}}});
  std::vector<float> expected = weights;
  merge(matrix_view<float>(expected.data(), rows, cols),
        low_rank(matrix_view<const float>(b.data(), rows, 1),
                 matrix_view<const float>(a.data(), 1, cols), 0.7f));
  EXPECT_TRUE(weights_now() == expected);

  const undo_merge merge = undo_now();
  const auto& windows = merge.shards.at(0).tensors.at(0).windows;
  ASSERT_EQ(windows.size(), 5u);
  std::uint64_t end = 0;
  for (const undo_window& each : windows) {
    EXPECT_EQ(each.begin, end);
    EXPECT_LE(each.rows * each.cols * 4, 4u << 20);
    EXPECT_EQ(each.updates.front().first_row, end / cols);
    end += each.rows * each.cols;
  }
  EXPECT_EQ(end, weights.size());
  expect_base_after_unmerge();
}

TEST_F(Windows, AreSwappedAsOneMatrix) {
  const fs::path other = write_adapter(folder / "other", linear("m", numbers(rows, 4), a));
  merge_model({.model = model, .adapters = {{other}}});
  const std::string expected = read(model);
  unmerge_model({.model = model});
  merge_model({.model = model, .adapters = {{adapter}}});
  swap_model({.model = model, .to = {{other}}});
  EXPECT_TRUE(read(model) == expected);
  expect_base_after_unmerge();
}

// A row of the first window, and one of the last.
TEST_F(Windows, AreReplacedAsOneMatrix) {
  std::vector<float> replaced = weights;
  replaced[5] = 7;
  replaced[replaced.size() - 1] = 8;
  std::vector<handmade_tensor> tensors = linear("m", b, a);
  tensors.push_back({"base_model.model.m.weight", {rows, cols}, replaced});
  merge_model({.model = model, .adapters = {{write_adapter(folder / "both", tensors)}}});
  std::vector<float> expected = replaced;
  merge(matrix_view<float>(expected.data(), rows, cols),
        low_rank(matrix_view<const float>(b.data(), rows, 1),
                 matrix_view<const float>(a.data(), 1, cols), 1.0f));
  EXPECT_TRUE(weights_now() == expected);
  const undo_merge merge = undo_now();
  const auto& windows = merge.shards.at(0).tensors.at(0).windows;
  ASSERT_EQ(windows.size(), 5u);
  EXPECT_EQ(windows[0].kept_rows, (std::vector<row_run>{{0, 1}}));
  EXPECT_TRUE(windows[1].kept_rows.empty());
  EXPECT_EQ(windows.back().kept_rows, (std::vector<row_run>{{windows.back().rows - 1, 1}}));
  expect_base_after_unmerge();
}

}  // namespace
}  // namespace revlora::tool::test
