// Files with as many names as their authors like: reading and matching them takes linear time. The
// limits are of processor time, and far from what is measured: 0.4 s for a table of 300 000
// tensors, 1.5 s for matching 150 000 modules with them.
#include <ctime>

#include "checkpoint/checkpoint.hpp"
#include "formats/formats.hpp"
#include "formats/peft_config.hpp"
#include "plan/names_by_end.hpp"
#include "plan/plan.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

class stopwatch {
 public:
  ~stopwatch() { EXPECT_LT(std::clock() - start_, 10 * CLOCKS_PER_SEC); }

 private:
  std::clock_t start_ = std::clock();
};

std::string module_name(std::size_t number) {
  return "layers." + std::to_string(number) + ".q_proj";
}

/// Tensors of one F32 weight each.
std::string scalars(const std::vector<std::string>& names) {
  std::string header = "{";
  for (std::size_t i = 0; i < names.size(); ++i) {
    header += (i > 0 ? ",\"" : "\"") + names[i] +
              R"(":{"dtype":"F32","shape":[1,1],"data_offsets":[)" + std::to_string(4 * i) + "," +
              std::to_string(4 * i + 4) + "]}";
  }
  return safetensors(header + "}", std::string(4 * names.size(), '\0'));
}

std::string many_scalars(std::size_t count, const std::string& prefix,
                         const std::vector<std::string>& suffixes) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::string& suffix : suffixes) names.push_back(prefix + module_name(i) + suffix);
  }
  return scalars(names);
}

const std::vector<std::string> factor_suffixes = {".lora_A.weight", ".lora_B.weight"};

TEST(ManyNames, AreFoundByTheirEnds) {
  std::vector<std::string> names;  // all of 1 to 6 letters and dots
  for (unsigned length = 1; length <= 6; ++length) {
    for (unsigned bits = 0; bits < 1u << length; ++bits) {
      std::string name;
      for (unsigned i = 0; i < length; ++i) name += (bits >> i & 1) != 0 ? 'a' : '.';
      names.push_back(name);
    }
  }
  std::vector<const std::string*> pointers;
  for (const std::string& name : names) pointers.push_back(&name);
  const names_by_end by_end(pointers);
  for (const std::string& end : names) {
    std::vector<std::string> found, expected;
    for (const auto& entry : by_end.ending_with(end)) found.push_back(*entry.name);
    for (const std::string& name : names) {
      if (name.ends_with("." + end)) expected.push_back(name);
    }
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(found, expected) << end;
  }
}

TEST(ManyNames, ATensorTable) {
  const std::string file = many_scalars(300'000, "", {".weight"});
  const stopwatch watch;
  EXPECT_EQ(read_tensor_table(std::as_bytes(std::span(file)), "file").size(), 300'000u);
}

TEST(ManyNames, AnAdapterWithAnotherPrefix) {
  const temporary_folder folder;
  write(folder / "model.safetensors", many_scalars(100'000, "model.", {".weight"}));
  write_adapter(folder / "adapter", {});
  write(folder / "adapter/adapter_model.safetensors",
        many_scalars(50'000, "base_model.model.", factor_suffixes));
  const stopwatch watch;
  const checkpoint model(folder / "model.safetensors");
  const auto adapters = read_adapters({folder / "adapter"});
  const merge_plan plan(model, adapters, {.strengths = {1.0}});
  EXPECT_EQ(plan.tensors().size(), 50'000u);
}

// Every name of the model is the end of every name of the adapter, which are refused at once.
TEST(ManyNames, ThatEndAlike) {
  const temporary_folder folder;
  std::vector<std::string> names = {"weight"};
  for (int i = 0; i < 1000; ++i) names.push_back("m." + names.back());
  write(folder / "model.safetensors", scalars(names));
  write_adapter(folder / "adapter", {});
  std::vector<std::string> factors;
  for (int i = 0; i < 5000; ++i) {
    const std::string module = "n" + std::to_string(i) + "." + names[999 - i % 3];
    const std::string stem = module.substr(0, module.size() - 7);
    for (const std::string& suffix : factor_suffixes) {
      factors.push_back("base_model.model." + stem + suffix);
    }
  }
  write(folder / "adapter/adapter_model.safetensors", scalars(factors));
  const stopwatch watch;
  const checkpoint model(folder / "model.safetensors");
  const auto adapters = read_adapters({folder / "adapter"});
  EXPECT_NE(message_of([&] {
              merge_plan(model, adapters, {.strengths = {1.0}});
            }).find("several tensors"),
            std::string::npos);
}

TEST(ManyNames, ARankForEachModule) {
  std::string ranks;
  for (std::size_t i = 0; i < 100'000; ++i) {
    ranks += (i > 0 ? ",\"" : "\"") + module_name(i) + "\":" + std::to_string(i + 1);
  }
  const stopwatch watch;
  const peft_config config(R"({"peft_type": "LORA", "rank_pattern": {)" + ranks +
                               R"(}, "alpha_pattern": {)" + ranks + "}}",
                           "config");
  for (std::size_t i = 0; i < 100'000; ++i) {
    ASSERT_EQ(config.rank_of("model." + module_name(i)), static_cast<std::int64_t>(i + 1));
    ASSERT_EQ(config.scale_of("model." + module_name(i)), 1.0);
  }
}

}  // namespace
}  // namespace revlora::tool::test
