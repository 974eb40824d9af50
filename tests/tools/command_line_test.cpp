// The command line: what is printed, and with which status the program ends.
#include "support.hpp"

namespace revlora::tool::test {
namespace {

const std::string model = "'" + (data / "llama-bf16").string() + "'";
const std::string adapter = "'" + (data / "llama-bf16/patterns").string() + "'";

TEST(CommandLine, HelpAndVersion) {
  EXPECT_EQ(revlora("--help").status, 0);
  EXPECT_EQ(revlora("merge --help").status, 0);
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
  expect_refusal(revlora(""), "subcommand");
  expect_refusal(revlora("swap"), "");
  expect_refusal(revlora("merge"), "MODEL");
  expect_refusal(revlora("merge " + model), "ADAPTER");
  expect_refusal(revlora("merge " + model + " " + adapter + " --what"), "--what");
  expect_refusal(revlora("merge " + model + " " + adapter + " --strength nan"), "finite");
  expect_refusal(revlora("merge " + model + " " + adapter + " --strength 1e400"), "finite");
  expect_refusal(revlora("merge " + model + " " + adapter + " --strength much"), "finite");
  expect_refusal(revlora("merge /missing " + adapter), "does not exist");
  expect_refusal(revlora("unmerge /missing"), "does not exist");
  expect_refusal(revlora("info /missing"), "does not exist");
}

TEST(CommandLine, InfoOfAModelAndAnAdapter) {
  const outcome of_model = revlora("info " + model);
  EXPECT_EQ(of_model.status, 0);
  EXPECT_NE(of_model.output.find("21 tensors in 3 files"), std::string::npos) << of_model.output;
  EXPECT_NE(of_model.output.find("lm_head.weight  BF16 [320, 72]"), std::string::npos);
  const outcome of_adapter = revlora("info " + adapter);
  EXPECT_EQ(of_adapter.status, 0);
  EXPECT_NE(of_adapter.output.find("layers.1.self_attn.k_proj  strength 3, rank 3, "),
            std::string::npos)
      << of_adapter.output;
}

TEST(CommandLine, InfoOfAnUndoFile) {
  const temporary_folder folder;
  const std::string out = (folder / "out").string();
  ASSERT_EQ(revlora("merge " + model + " " + adapter + " --strength 0.5 --out " + out).status, 0);
  const outcome merged = revlora("info " + out + "/model.undo");
  EXPECT_EQ(merged.status, 0);
  EXPECT_NE(merged.output.find("bits per weight"), std::string::npos);
  EXPECT_NE(merged.output.find("is merged"), std::string::npos);
  EXPECT_NE(merged.output.find("strength 0.5"), std::string::npos);
  ASSERT_EQ(revlora("unmerge " + out).status, 0);
  EXPECT_NE(revlora("info " + out + "/model.undo").output.find("at the base"), std::string::npos);
}

}  // namespace
}  // namespace revlora::tool::test
