// A model of two tensors in one file, adapters for them, and the program run beside it.
#pragma once

#include "support.hpp"

namespace revlora::tool::test {

class SmallModel : public testing::Test {
 protected:
  SmallModel() {
    write(model, base);
    write_adapter(folder / "adapter", linear("m", {0.1f, 0.2f}, {1, 2, 3}));
    write_adapter(folder / "other", linear("m", {0.3f, 0.2f}, {1, 2, 3}));
    write_adapter(folder / "nothing", linear("m", {0, 0}, {1, 2, 3}));
    write_adapter(folder / "half", linear("n", {0.5f}, {1}));
  }

  /// Runs the program in the folder.
  outcome run(const std::string& arguments) const {
    fs::current_path(folder.path());
    return revlora(arguments);
  }

  /// And that nothing is written then.
  void expect_refused(const std::string& arguments, const std::string& part) const {
    const auto names = names_in(folder.path());
    const std::string before = read(model);
    const std::string undo_before = fs::is_regular_file(undo) ? read(undo) : "";
    expect_refusal(run(arguments), part);
    EXPECT_EQ(names_in(folder.path()), names);
    EXPECT_EQ(read(model), before);
    EXPECT_EQ(fs::is_regular_file(undo) ? read(undo) : "", undo_before);
  }

  void expect_done(const std::string& arguments) const {
    const outcome result = run(arguments);
    ASSERT_EQ(result.status, 0) << result.output;
  }

  temporary_folder folder;
  const fs::path model = folder / "model.safetensors";
  const fs::path undo = folder / "model.undo";
  const std::string base =
      safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"n.weight", {1, 1}, {7}}});
};

}  // namespace revlora::tool::test
