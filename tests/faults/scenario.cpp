#include "scenario.hpp"

namespace revlora::tool::test {

namespace {

constexpr int rows = 12;
constexpr int columns = 24;

std::vector<float> values(int count, float step) {
  std::vector<float> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(step * static_cast<float>(i * 37 % 101 - 50));
  return numbers;
}

handmade_tensor weight_of(const std::string& module) {
  return {module + ".weight", {rows, columns}, values(rows * columns, 0.03125f)};
}

tree made_models() {
  const temporary_folder folder;
  std::vector<handmade_tensor> all{{"norm.weight", {columns}, values(columns, 1)}};
  std::vector<handmade_tensor> factors;
  std::string weight_map;
  for (const std::string number : {"1", "2", "3"}) {
    const std::string module = "layer" + number;
    const std::string shard = "model-0000" + number + "-of-00003.safetensors";
    const auto weight = weight_of(module);
    write(folder / "three" / shard, safetensors({weight}));
    weight_map += (weight_map.empty() ? "\"" : ",\"") + weight.name + "\":\"" + shard + "\"";
    all.push_back(weight);
    for (auto& factor : linear(module, values(rows, 0.25f), values(columns, 0.125f))) {
      factors.push_back(std::move(factor));
    }
  }
  write(folder / "three/model.safetensors.index.json", R"({"weight_map":{)" + weight_map + "}}");
  write(folder / "three/config.json", "{}");
  write(folder / "one/model.safetensors", safetensors(all));
  write_adapter(folder / "adapter", factors);
  fs::create_directory(folder / "elsewhere");
  return read_tree(folder.path());
}

}  // namespace

std::string scenario::merge() const {
  return "merge " + model + " adapter" + (undo.empty() ? "" : " --undo " + undo) +
         (out.empty() ? "" : " --out " + out);
}

std::string scenario::unmerge() const {
  return "unmerge " + (out.empty() ? model : out) + (undo.empty() ? "" : " --undo " + undo);
}

std::string scenario::command() const {
  return from == start::base || from == start::unmerged ? merge() : unmerge();
}

void PrintTo(const scenario& each, std::ostream* stream) {
  *stream << each.name;
}

const tree& models() {
  static const tree made = made_models();
  return made;
}

tree prepare(const scenario& each, const fs::path& folder) {
  write_tree(models(), folder);
  fs::current_path(folder);
  std::vector<std::string> earlier;
  if (each.from != start::base) earlier.push_back(each.merge());
  if (each.from == start::unmerged) earlier.push_back(each.unmerge());
  for (const std::string& command : earlier) EXPECT_EQ(revlora(command).status, 0) << command;
  tree prepared = read_tree(folder);
  if (each.from == start::partly_merged) {
    const std::string shard = each.model + "/model-00002-of-00003.safetensors";
    prepared.at(shard) = models().at(shard);
  }
  return prepared;
}

const std::vector<scenario>& scenarios() {
  const std::string one = "one/model.safetensors";
  static const std::vector<scenario> all = {
      {"MergeOneFile", start::base, one},
      {"MergeThreeShards", start::base, "three"},
      {"MergeWithTheUndoFileElsewhere", start::base, "three", "elsewhere/three.undo"},
      {"MergeOverASpentUndoFile", start::unmerged, "three"},
      {"MergeToANewFile", start::base, one, "", "elsewhere/merged.safetensors"},
      {"MergeToANewFolder", start::base, "three", "", "elsewhere/merged"},
      {"UnmergeOneFile", start::merged, one},
      {"UnmergeThreeShards", start::merged, "three"},
      {"UnmergeWhatIsPartlyMerged", start::partly_merged, "three"},
  };
  return all;
}

}  // namespace revlora::tool::test
