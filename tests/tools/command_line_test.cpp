// The command line: what is printed, and with which status the program ends.
#include <nlohmann/json.hpp>

#include "commands/adapter_argument.hpp"
#include "support.hpp"

namespace revlora::tool::test {
namespace {

const std::string model = "'" + (data / "llama-bf16").string() + "'";
const std::string adapter = "'" + (data / "llama-bf16/patterns").string() + "'";

TEST(CommandLine, HelpAndVersion) {
  const outcome help = revlora("--help");
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(revlora("help").output, help.output);
  EXPECT_EQ(revlora("-h").output, help.output);
  for (const std::string command : {"merge", "unmerge", "swap", "verify", "info", "demo"}) {
    EXPECT_NE(help.output.find("\n  " + command + "  "), std::string::npos) << command;
    const outcome of_command = revlora(command + " --help");
    EXPECT_EQ(of_command.status, 0);
    EXPECT_NE(of_command.output.find("Usage: revlora " + command), std::string::npos);
    EXPECT_EQ(revlora("help " + command).output, of_command.output);
  }
  const outcome version = revlora("--version");
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.output.find("revlora "), 0u);
  EXPECT_NE(version.output.find(", computes with "), std::string::npos) << version.output;
}

TEST(CommandLine, TheEnvironmentNamesTheInstructionSetOrNothingIsDone) {
  for (const char* const set : {"sse2", "neon"}) {
    const outcome version = revlora("--version", std::string("REVLORA_ISA=") + set);
    if (version.status == 0)
      EXPECT_NE(version.output.find(std::string("computes with ") + set), std::string::npos);
    else
      expect_refusal(version, "REVLORA_ISA");
  }
  const temporary_folder folder;
  const std::string out = (folder / "out").string();
  expect_refusal(revlora("merge " + model + " " + adapter + " --out " + out, "REVLORA_ISA=mmx"),
                 "REVLORA_ISA");
  EXPECT_FALSE(fs::exists(out));
}

TEST(CommandLine, WrongUseIsOneLineAndStatusOne) {
  expect_refusal(revlora(""), "`revlora --help` lists the commands");
  expect_refusal(revlora("merge"), "MODEL is required: `revlora merge --help`");
  expect_refusal(revlora("merge " + model), "ADAPTER");
  expect_refusal(revlora("swap " + model), "--to none for the base");
  expect_refusal(revlora("merge " + model + " " + adapter + " --strength nan"), "finite");
  expect_refusal(revlora("merge " + model + " " + adapter + " --strength 1e400"), "finite");
  expect_refusal(revlora("merge " + model + " " + adapter + " --strength much"), "finite");
  expect_refusal(revlora("merge " + model + " " + adapter + "=much"), "finite");
  expect_refusal(revlora("merge " + model + " " + adapter + "=0.5 --strength 1"), "of its own");
  expect_refusal(revlora("merge " + model + " " + adapter + " --recipe best"), "not 'best'");
  expect_refusal(revlora("merge " + model + " " + adapter + " --threads 0"), "1 or more");
  expect_refusal(revlora("merge /missing " + adapter), "does not exist");
  expect_refusal(revlora("merge " + model + " /missing"), "'/missing' does not exist");
  expect_refusal(revlora("merge " + model + " /missing=2"), "'/missing' does not exist");
  expect_refusal(revlora("unmerge /missing"), "does not exist");
  expect_refusal(revlora("verify /missing"), "does not exist");
  expect_refusal(revlora("info /missing"), "does not exist");
}

TEST(CommandLine, AWordThatThereIsNotIsAnsweredByTheNearest) {
  expect_refusal(revlora("merg"), "no command 'merg': did you mean 'merge'? `revlora --help`");
  expect_refusal(revlora("merge-model"), "did you mean 'merge'?");
  expect_refusal(revlora("help swpa"), "did you mean 'swap'?");
  expect_refusal(revlora("frobnicate"), "no command 'frobnicate': `revlora --help` lists them");
  expect_refusal(revlora("merge a b --drry-run"),
                 "`revlora merge` has no option '--drry-run': did you mean '--dry-run'?");
  expect_refusal(revlora("info a --strength 1"), "`revlora info --help` lists them");
  expect_refusal(revlora("--what"), "has no option '--what'");
}

TEST(CommandLine, SeveralStrengthsAreAnsweredByHowToWriteThem) {
  expect_refusal(revlora("merge m one two --strength 0.8 0.5"), "like this: one=0.8 two=0.5");
  expect_refusal(revlora("merge m one --strength 0.8 0.5"), "like this: ADAPTER=0.8 OTHER=0.5");
}

TEST(AdapterArgument, APathThatIsThereIsAPathElseTheLastSignSplits) {
  const temporary_folder folder;
  fs::current_path(folder.path());
  fs::create_directory("a=1");
  fs::create_directory("b");
  const auto read = [](const std::vector<std::string>& written,
                       const std::optional<std::string>& for_all = {}) {
    std::string all;
    for (const adapter_request& each : read_adapter_arguments(written, for_all)) {
      all += each.path.string() + ':' + describe_shortest(each.strength) + ' ';
    }
    return all;
  };
  EXPECT_EQ(read({"a=1", "b", "a=1=0.5", "b=-2e-1", "c=3", "c=d"}),
            "a=1:1 b:1 a=1:0.5 b:-0.2 c:3 c=d:1 ");
  EXPECT_EQ(read({"a=1", "b"}, "0.5"), "a=1:0.5 b:0.5 ");
  EXPECT_EQ(read({"b=+0.5"}), "b:0.5 ");
  for (const std::string wrong : {"b=", "b=x", "b=1x", "b=nan", "b=inf", "b=1e400", "b= 1"}) {
    EXPECT_NE(message_of([&] { read({wrong}); }).find("is not a finite number"), std::string::npos);
  }
}

TEST(CommandLine, InfoOfAModelAndAnAdapter) {
  const outcome of_model = revlora("info " + model);
  EXPECT_EQ(of_model.status, 0);
  for (const std::string part : {"21 tensors in 3 files", "architecture: LlamaForCausalLM (llama)",
                                 "no undo file", "lm_head.weight  BF16 [320, 72]\n",
                                 "model.layers.0,1.mlp.down_proj.weight  BF16 [72, 200]  (2)\n"}) {
    EXPECT_NE(of_model.output.find(part), std::string::npos) << part << '\n' << of_model.output;
  }
  const outcome every = revlora("info --tensors " + model);
  EXPECT_NE(every.output.find("model.layers.1.mlp.down_proj.weight  BF16 [72, 200]  model-0000"),
            std::string::npos)
      << every.output;
  const outcome of_adapter = revlora("info " + adapter);
  EXPECT_EQ(of_adapter.status, 0);
  EXPECT_NE(of_adapter.output.find("layers.1.self_attn.k_proj  rank 3, scale 3, [36, 72], F16\n"),
            std::string::npos)
      << of_adapter.output;
  EXPECT_NE(of_adapter.output.find("ranks: 3 (1 update), 6 (5 updates), 12 (2 updates)"),
            std::string::npos)
      << of_adapter.output;
}

TEST(CommandLine, InfoOfAPartOfAModelSaysWhatItIsAPartOf) {
  expect_refusal(revlora("info " + model + "/config.json"), "name the model's folder");
  expect_refusal(revlora("info " + model + "/model-00001-of-00003.safetensors"),
                 "name their folder");
}

TEST(CommandLine, InfoOfAMergedModelAndItsUndoFile) {
  const temporary_folder folder;
  const std::string out = (folder / "out").string();
  ASSERT_EQ(revlora("merge " + model + " " + adapter + "=0.5 --out " + out).status, 0);
  const outcome undo = revlora("info " + out + "/model.undo");
  EXPECT_EQ(undo.status, 0);
  EXPECT_NE(undo.output.find("bits per weight"), std::string::npos);
  EXPECT_NE(undo.output.find("is merged"), std::string::npos);
  EXPECT_NE(undo.output.find("strength 0.5"), std::string::npos);
  const outcome merged = revlora("info " + out);
  EXPECT_NE(merged.output.find("state: merged, since "), std::string::npos) << merged.output;
  EXPECT_NE(merged.output.find("patterns, strength 0.5"), std::string::npos) << merged.output;
  EXPECT_EQ(revlora("verify " + out).status, 4);
  ASSERT_EQ(revlora("unmerge " + out).status, 0);
  EXPECT_NE(revlora("info " + out + "/model.undo").output.find("at the base"), std::string::npos);
  EXPECT_NE(revlora("info " + out).output.find("state: at the base"), std::string::npos);
  EXPECT_EQ(revlora("verify " + out).status, 0);
}

TEST(CommandLine, VerifyTellsAModelThatSomebodyChanged) {
  const temporary_folder folder;
  fs::current_path(folder.path());
  write(folder / "m.safetensors", safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 6}}}));
  write_adapter(folder / "adapter", linear("m", {0.1f, 0.2f}, {1, 2, 3}));
  expect_refusal(revlora("verify m.safetensors"), "undo");
  ASSERT_EQ(revlora("merge m.safetensors adapter").status, 0);
  write(folder / "m.safetensors", safetensors({{"m.weight", {2, 3}, {1, 2, 3, 4, 5, 7}}}));
  const outcome changed = revlora("verify m.safetensors --json");
  EXPECT_EQ(changed.status, 5);
  const auto json = nlohmann::json::parse(changed.output);
  EXPECT_EQ(json["condition"], "changed");
  EXPECT_EQ(json["tensors"][0]["condition"], "changed");
}

TEST(CommandLine, JsonIsOneObjectOnTheStandardOutput) {
  const temporary_folder folder;
  const std::string out = (folder / "out").string();
  const auto object_of = [](const std::string& arguments) {
    const outcome told = revlora(arguments + " --json");
    EXPECT_EQ(std::count(told.output.begin(), told.output.end(), '\n'), 1) << told.output;
    return nlohmann::json::parse(told.output);
  };
  const auto merged = object_of("merge " + model + " " + adapter + " --out " + out);
  EXPECT_EQ(merged["command"], "merge");
  EXPECT_EQ(merged["status"], "done");
  EXPECT_EQ(merged["dry_run"], false);
  EXPECT_EQ(merged["model"], out);
  EXPECT_EQ(merged["undo"], out + "/model.undo");
  EXPECT_EQ(merged["tensors"].size(), 8u);
  EXPECT_EQ(object_of("info " + out)["state"]["condition"], "merged");
  EXPECT_EQ(object_of("info " + out + "/model.undo")["kind"], "undo");
  EXPECT_EQ(object_of("info " + adapter)["updates"].size(), 8u);
  const auto verified = object_of("verify " + out);
  EXPECT_EQ(verified["condition"], "merged");
  EXPECT_EQ(verified["adapters"][0]["strength"], 1);
  EXPECT_EQ(object_of("unmerge " + out)["restored"], 8);
}

}  // namespace
}  // namespace revlora::tool::test
