#include "checkpoint/checkpoint.hpp"

#include <algorithm>

#include "checkpoint/shard_index.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* index_name = "model.safetensors.index.json";
constexpr const char* single_name = "model.safetensors";

std::string only_safetensors_in(const folder& home) {
  std::string only;
  for (const std::string& name : home.names()) {
    if (fs::path(name).extension() != ".safetensors") continue;
    if (!only.empty()) {
      throw problem(quoted(home.path()) + " has several .safetensors files and no " + index_name +
                    ": name the one that you mean");
    }
    only = name;
  }
  if (only.empty()) throw problem(quoted(home.path()) + " has no .safetensors file in it");
  return only;
}

}  // namespace

model_place find_model(const fs::path& path) {
  if (auto opened = folder::try_open(path)) return {std::move(*opened), {}};
  place found(path);
  return {std::move(found.in), std::move(found.name)};
}

checkpoint::checkpoint(model_place where) : where_(std::move(where)) {
  if (where_.name) {
    add_shard(*where_.name);
    return;
  }
  const bool has_index = home().find(index_name).has_value();
  const bool has_single = home().find(single_name).has_value();
  if (has_index && has_single) {
    throw problem(quoted(home().path()) + " has both " + index_name + " and " + single_name +
                  ": which of them is the model?");
  }
  if (has_index) {
    read_index(index_name);
  } else {
    add_shard(has_single ? single_name : only_safetensors_in(home()));
  }
}

const located_tensor* checkpoint::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const file* checkpoint::find_file(const std::string& name) const {
  const auto found = std::ranges::find(shards_, name);
  if (found == shards_.end()) return nullptr;
  return &files_[static_cast<std::size_t>(found - shards_.begin())].content();
}

std::vector<std::byte> checkpoint::bytes_of(const located_tensor& located) const {
  return files_[located.shard].bytes_of(located.entry);
}

void checkpoint::check_unchanged(std::size_t shard) const {
  home().check_unchanged(shards_[shard], files_[shard].content(), folder::links::followed);
}

void checkpoint::add_shard(const std::string& name) {
  file opened = home().open(name, folder::links::followed);
  opened.settle();
  for (const safetensors_file& other : files_) {
    if (other.content().status().is_same_file(opened.status())) {
      throw problem(quoted(opened.path()) + " and " + quoted(other.path()) + " are one file");
    }
  }
  files_.emplace_back(std::move(opened));
  const safetensors_file& added = files_.back();
  size_bytes_ += added.size_bytes();
  for (const tensor& entry : added.tensors()) {
    if (!tensors_.try_emplace(entry.name, located_tensor{shards_.size(), entry}).second) {
      throw problem("the tensor " + quoted(entry.name) + " is in two files of " +
                    quoted(home().path()));
    }
  }
  shards_.push_back(name);
}

void checkpoint::read_index(const std::string& name) {
  const file opened = home().open(name, folder::links::followed);
  const std::string source = quoted(opened.path());
  const shard_index index = read_shard_index(opened.read_text(), source);
  for (const std::string& shard : index.shards) add_shard(shard);
  for (const auto& [tensor_name, shard] : index.shard_of) {
    const located_tensor* const found = find(tensor_name);
    if (found == nullptr || shards_[found->shard] != shard) {
      throw problem(source + ": the tensor " + quoted(tensor_name) + " is not in " + quoted(shard));
    }
  }
}

}  // namespace revlora::tool
