// Every shipped adapter, through the program: merged as PEFT merges, and back to the same bytes.
#include "demo/agreement.hpp"
#include "formats/formats.hpp"
#include "support.hpp"
#include "undo/undo_file.hpp"

namespace revlora::tool::test {
namespace {

struct shipped {
  const char* model;  ///< the folder
  const char* adapter;
};

void PrintTo(const shipped& s, std::ostream* out) {
  *out << s.model << '/' << s.adapter;
}

std::string quoted(const fs::path& path) {
  return " '" + path.string() + "'";
}

/// A copy of a model's own files.
void copy_model(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (entry.is_regular_file()) copy_for_writing(entry.path(), to / entry.path().filename());
  }
}

void expect_equal_folders(const fs::path& expected, const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(expected)) {
    if (!entry.is_regular_file()) continue;
    expect_equal_files(folder / entry.path().filename(), entry.path());
  }
}

class EndToEnd : public testing::TestWithParam<shipped> {
 protected:
  const fs::path original = data / GetParam().model;
  const fs::path adapter = original / GetParam().adapter;

  agreement compared(const fs::path& merged) const {
    const checkpoint base(original);
    const auto adapters = read_adapters({adapter});
    const merge_plan plan(base, adapters, {.strengths = {1.0}});
    return compare_with_peft(base, checkpoint(merged), adapter / "merged_by_peft.safetensors", plan,
                             adapters);
  }

  void expect_agreement(const fs::path& merged) const {
    const agreement peft = compared(merged);
    EXPECT_TRUE(peft.within_bound()) << peft.largest_share;
    EXPECT_GT(peft.weights, 0u);
    if (original.filename() == "ocr-bf16" && adapter.filename() == "lora-r8") {
      EXPECT_EQ(peft.equal, peft.weights);
    }
  }

  /// That the undo file says of each tensor how many of its weights have other bits now.
  void expect_true_counts(const fs::path& model) const {
    const checkpoint base(original), merged(model);
    const file opened = tool::folder(model).open("model.undo", tool::folder::links::refused);
    const undo_file undo = undo_file::read(opened);
    for (const undo_shard& shard : undo.last().shards) {
      for (const undo_tensor& tensor : shard.tensors) {
        const auto before = base.bytes_of(*base.find(tensor.name));
        const auto after = merged.bytes_of(*merged.find(tensor.name));
        const std::size_t size = before.size() / base.find(tensor.name)->entry.element_count();
        std::uint64_t changed = 0, counted = 0;
        for (std::size_t i = 0; i < before.size(); i += size) {
          changed += !std::equal(&before[i], &before[i] + size, &after[i]);
        }
        for (const undo_window& window : tensor.windows) counted += window.changed;
        EXPECT_EQ(counted, changed) << tensor.name;
        EXPECT_GT(changed, 0u);
      }
    }
  }

  temporary_folder folder;
};

TEST_P(EndToEnd, InPlaceAndBack) {
  const fs::path model = folder / "model";
  copy_model(original, model);
  const outcome merged = revlora("merge" + quoted(model) + quoted(adapter));
  ASSERT_EQ(merged.status, 0) << merged.output;
  expect_agreement(model);
  expect_true_counts(model);

  const outcome unmerged = revlora("unmerge" + quoted(model));
  ASSERT_EQ(unmerged.status, 0) << unmerged.output;
  expect_equal_folders(original, model);
  fs::remove(model / "model.undo");
  EXPECT_EQ(names_in(model).size(),
            names_in(original).size() - (original.filename() == "llama-bf16" ? 3 : 2));
}

TEST_P(EndToEnd, AsANewFolder) {
  const fs::path out = folder / "out";
  const outcome merged =
      revlora("merge" + quoted(original) + quoted(adapter) + " --out" + quoted(out));
  ASSERT_EQ(merged.status, 0) << merged.output;
  expect_agreement(out);
  EXPECT_EQ(names_in(folder.path()), std::vector<fs::path>{"out"});
  ASSERT_EQ(revlora("unmerge" + quoted(out)).status, 0);
  expect_equal_folders(original, out);
}

INSTANTIATE_TEST_SUITE_P(
    Shipped, EndToEnd,
    testing::Values(shipped{"ocr-bf16", "lora-r8"}, shipped{"ocr-bf16", "lora-r16-fp32"},
                    shipped{"ocr-fp16", "lora-r8"}, shipped{"ocr-fp16", "lora-r16-fp32"},
                    shipped{"ocr-fp32", "lora-r8"}, shipped{"ocr-fp32", "lora-r16-fp32"},
                    shipped{"llama-bf16", "lora-qv-r8"}, shipped{"llama-bf16", "rslora-all-r32"},
                    shipped{"llama-bf16", "patterns"}));

void golden(const std::string& adapters, const char* expected) {
  const temporary_folder folder;
  const fs::path model = folder / "model.safetensors";
  copy_for_writing(data / "golden/model.safetensors", model);
  const outcome merged = revlora("merge" + quoted(model) + adapters);
  ASSERT_EQ(merged.status, 0) << merged.output;
  expect_equal_files(model, data / "golden" / expected);
  const outcome unmerged = revlora("unmerge" + quoted(model));
  ASSERT_EQ(unmerged.status, 0) << unmerged.output;
  expect_equal_files(model, data / "golden/model.safetensors");
}

TEST(Golden, OneAdapter) {
  golden(quoted(data / "golden/adapter1"), "expected_first.safetensors");
}

TEST(Golden, BothAdapters) {
  golden(quoted(data / "golden/adapter1") + quoted(data / "golden/adapter2"),
         "expected_both.safetensors");
}

TEST(Demo, ShowsEqualChecksums) {
  const outcome demo = revlora("demo");
  EXPECT_EQ(demo.status, 0) << demo.output;
  EXPECT_NE(demo.output.find("equal: every bit is back"), std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
