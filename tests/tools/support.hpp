// What the tests of the program share: temporary folders, handmade files, and the program itself.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool::test {

namespace fs = std::filesystem;

inline const fs::path data = REVLORA_TEST_DATA;

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (fs::temp_directory_path() / "revlora-test-XXXXXX").string();
    path_ = fs::canonical(::mkdtemp(name.data()));
  }
  ~temporary_folder() {
    fs::current_path(fs::temp_directory_path());  // a test may have gone inside
    fs::remove_all(path_);
  }
  const fs::path& path() const { return path_; }
  fs::path operator/(const fs::path& name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

/// A copy that may be changed, wherever the original is.
inline void copy_for_writing(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  fs::permissions(to, fs::perms::owner_write, fs::perm_options::add);
}

inline std::vector<fs::path> names_in(const fs::path& folder) {
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// A safetensors file: the header's length, the header, the data.
inline std::string safetensors(const std::string& header, const std::string& tensor_data = "") {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + tensor_data;
}

struct handmade_tensor {
  std::string name;
  std::vector<int> shape;
  std::vector<float> values;
};

/// A safetensors file of F32 tensors.
inline std::string safetensors(const std::vector<handmade_tensor>& tensors) {
  std::string header = "{";
  std::string values;
  for (const handmade_tensor& tensor : tensors) {
    std::string shape;
    for (const int extent : tensor.shape)
      shape += (shape.empty() ? "" : ",") + std::to_string(extent);
    const std::string begin = std::to_string(values.size());
    values.append(reinterpret_cast<const char*>(tensor.values.data()), 4 * tensor.values.size());
    header += (header.size() > 1 ? ",\"" : "\"") + tensor.name + R"(":{"dtype":"F32","shape":[)" +
              shape + R"(],"data_offsets":[)" + begin + "," + std::to_string(values.size()) + "]}";
  }
  return safetensors(header + "}", values);
}

/// A PEFT adapter folder with r = 1, alpha = 1 and what `fields` adds to that.
inline fs::path write_adapter(const fs::path& folder, const std::vector<handmade_tensor>& factors,
                              const std::string& fields = "") {
  write(folder / "adapter_config.json",
        R"({"peft_type": "LORA", "r": 1, "lora_alpha": 1)" + fields + "}");
  write(folder / "adapter_model.safetensors", safetensors(factors));
  return folder;
}

/// The factors of one linear layer of rank 1.
inline std::vector<handmade_tensor> linear(const std::string& module, std::vector<float> b,
                                           std::vector<float> a) {
  const int out = static_cast<int>(b.size());
  const int in = static_cast<int>(a.size());
  return {{"base_model.model." + module + ".lora_A.weight", {1, in}, std::move(a)},
          {"base_model.model." + module + ".lora_B.weight", {out, 1}, std::move(b)}};
}

inline void expect_equal_files(const fs::path& path, const fs::path& expected) {
  EXPECT_TRUE(read(path) == read(expected)) << path << " differs from " << expected;
}

/// By which the program knows its own.
inline const std::string workshop_mark =
    "revlora makes files here; when it is not running, this folder can be removed\n";

struct outcome {
  int status;
  std::string output;  ///< of stdout and stderr
};

/// Runs a shell's command.
inline outcome shell(const std::string& command) {
  std::FILE* const pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
  outcome result{-1, ""};
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) {
    result.output.append(buffer, count);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) result.status = WEXITSTATUS(status);
  return result;
}

/// Runs the program as a shell would, `environment` like "NAME=value".
inline outcome revlora(const std::string& arguments, const std::string& environment = "") {
  return shell(environment + " '" REVLORA_PROGRAM "' " + arguments);
}

/// The message of the problem that `call` throws.
template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const problem& error) {
    return error.what();
  }
  ADD_FAILURE() << "no problem was thrown";
  return "";
}

/// Expects status 1 and one line that begins with "revlora: " and has `part` in it.
inline void expect_refusal(const outcome& result, const std::string& part) {
  EXPECT_EQ(result.status, 1) << result.output;
  EXPECT_EQ(result.output.find("revlora: "), 0u) << result.output;
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  EXPECT_NE(result.output.find(part), std::string::npos) << result.output;
}

}  // namespace revlora::tool::test
