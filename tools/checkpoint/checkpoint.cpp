#include "checkpoint/checkpoint.hpp"

#include <algorithm>

#include "checkpoint/pipeline.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/json.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

namespace {

constexpr const char* config_name = "config.json";

std::string key_in(const std::string& component, const std::string& name) {
  return component.empty() ? name : component + "/" + name;
}

/// A shard that is named alone would have to do without the tensors of the others.
void refuse_part_of_set(const model_place& where) {
  for (const weight_set& set : weight_sets_in(where.home)) {
    const bool is_part = set.index && set.shards.size() > 1 &&
                         std::ranges::find(set.shards, *where.name) != set.shards.end();
    if (!is_part) continue;
    throw problem(quoted(where.path()) + " is one of " + counted(set.shards.size(), "file") +
                  " of a model: name their folder, " + quoted(where.home.path()));
  }
}

}  // namespace

model_place find_model(const fs::path& path) {
  if (auto opened = folder::try_open(path)) return {std::move(*opened), {}};
  place found(path);
  return {std::move(found.in), std::move(found.name)};
}

checkpoint::checkpoint(model_place where, const std::optional<std::string>& weights)
    : where_(std::move(where)) {
  std::optional<std::string> wanted = weights;
  if (where_.name && is_index_name(*where_.name)) wanted = std::exchange(where_.name, {});
  if (where_.name) {
    add_file(*where_.name, weights);
  } else if (!add_pipeline(wanted)) {
    add_set(home(), "", choose_weights(home(), wanted));
  }
  open_shards();
  for (const located_index& index : indexes_) compare_with(index);
}

void checkpoint::add_file(const std::string& name, const std::optional<std::string>& weights) {
  if (weights && *weights != name) {
    throw problem("--weights says which of a folder's sets of weights is meant, but " +
                  quoted(where_.path()) + " is a file: leave one of them out");
  }
  if (name.ends_with(".json")) {
    throw problem(quoted(where_.path()) + " has no weights in it: name the model's folder, " +
                  quoted(home().path()));
  }
  refuse_part_of_set(where_);
  add_set(home(), "", {.name = name, .shards = {name}, .index = {}, .trouble = {}});
}

bool checkpoint::add_pipeline(const std::optional<std::string>& weights) {
  pipeline found = find_pipeline(home(), weights);
  for (std::string& text : found.notes) notes_.push_back(std::move(text));
  for (pipeline_component& each : found.components) {
    add_set(each.home, each.name, std::move(each.weights));
  }
  return !found.components.empty();
}

void checkpoint::add_set(const folder& in, const std::string& component, weight_set set) {
  const folder& kept = folders_.emplace_back(in.opened_again());
  components_.push_back(component);
  const located_index* index = nullptr;
  if (set.index) {
    index = &indexes_.emplace_back(located_index{key_in(component, set.name), component, &kept,
                                                 set.name, std::move(*set.index)});
  }
  for (const std::string& shard : set.shards) {
    // An index may promise more than there is: that is a matter of the tensors that are missed.
    if (index != nullptr && !kept.find(shard)) continue;
    shards_.push_back(key_in(component, shard));
    places_.push_back({&kept, shard, index, component});
  }
  read_config(kept, component);
}

void checkpoint::open_shards() {
  std::vector<file> opened;
  for (const shard_place& each : places_) {
    opened.push_back(each.in->open(each.leaf, folder::links::followed));
    const auto is_same = [&](const file& other) {
      return other.status().is_same_file(opened.back().status());
    };
    const auto same = std::find_if(opened.begin(), opened.end() - 1, is_same);
    if (same != opened.end() - 1) {
      throw problem(quoted(opened.back().path()) + " and " + quoted(same->path()) +
                    " are one file");
    }
  }
  file::settle_all(opened);
  for (file& each : opened) add_shard(std::move(each));
}

void checkpoint::add_shard(file opened) {
  const std::size_t number = files_.size();
  const std::string& component = places_[number].component;
  const tensor_file& added = files_.emplace_back(std::move(opened));
  size_bytes_ += added.size_bytes();
  for (const tensor& entry : added.tensors()) {
    const auto [place, is_new] = tensors_.try_emplace(key_in(component, entry.name),
                                                      located_tensor{number, entry, component});
    if (is_new) continue;
    throw problem("the tensor " + quoted(entry.name) + " is in two files of " +
                  quoted(folder_of(number).path()) + ", " + quoted(leaf_of(place->second.shard)) +
                  " and " + quoted(leaf_of(number)) + ": which of them counts cannot be known");
  }
}

void checkpoint::compare_with(const located_index& index) {
  const std::string source = quoted(index.name);
  const std::vector<std::string>& listed = index.read.says.shards;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (places_[i].index != &index || std::ranges::binary_search(listed, leaf_of(i))) continue;
    notes_.push_back(quoted(shards_[i]) + " is not in " + source +
                     ", but numbered like its files: it is taken for one of them");
  }
  std::string first;
  std::size_t count = 0;
  for (const auto& [name, shard] : index.read.says.shard_of) {
    const std::string key = key_in(index.component, name);
    const located_tensor* const found = find(key);
    if (found != nullptr && leaf_of(found->shard) == shard) continue;
    if (found != nullptr) {
      notes_.push_back(source + " says that " + quoted(name) + " is in " + quoted(shard) +
                       ", but it is in " + quoted(leaf_of(found->shard)));
      continue;
    }
    const bool is_there = find_file(key_in(index.component, shard)) != nullptr;
    missing_.emplace(key, source + " says that it is in " + quoted(shard) + ", which " +
                              (is_there ? "does not have it" : "is not there"));
    if (count++ == 0) first = quoted(name) + " in " + quoted(shard);
  }
  if (count == 0) return;
  notes_.push_back(source + " names " + counted(count, "tensor") + " that " +
                   (count == 1 ? "is" : "are") + " not there: " + first + (count > 1 ? ", …" : ""));
}

void checkpoint::read_config(const folder& in, const std::string& component) {
  try {
    if (!in.find(config_name, folder::links::followed)) return;
    const file opened = in.open(config_name, folder::links::followed);
    configs_.emplace(component, parse_object(opened.read_text(), quoted(opened.path())));
  } catch (const problem& error) {
    notes_.push_back(std::string(error.what()) + ": what it says of the model is not known");
  }
}

const located_tensor* checkpoint::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const located_tensor* checkpoint::find(const std::string& component,
                                       const std::string& name) const {
  return find(key_in(component, name));
}

std::optional<std::string> checkpoint::missing(const std::string& name) const {
  const auto found = missing_.find(name);
  if (found == missing_.end()) return {};
  return found->second;
}

const file* checkpoint::find_file(const std::string& name) const {
  const auto found = std::ranges::find(shards_, name);
  if (found == shards_.end()) return nullptr;
  return &files_[static_cast<std::size_t>(found - shards_.begin())].content();
}

std::vector<std::byte> checkpoint::bytes_of(const located_tensor& located) const {
  return files_[located.shard].bytes_of(located.entry);
}

const nlohmann::ordered_json* checkpoint::config(const std::string& component) const {
  const auto found = configs_.find(component);
  return found == configs_.end() ? nullptr : &found->second;
}

std::string checkpoint::key_of(std::size_t shard, const std::string& raw_name) const {
  return key_in(places_[shard].component, raw_name);
}

std::string checkpoint::raw_name_of(std::size_t shard, const std::string& key) const {
  return key.substr(key_of(shard, "").size());
}

void checkpoint::reopen(std::size_t shard) {
  size_bytes_ -= files_[shard].size_bytes();
  std::erase_if(tensors_, [&](const auto& each) { return each.second.shard == shard; });
  files_[shard] = tensor_file(folder_of(shard).open(leaf_of(shard), folder::links::followed));
  size_bytes_ += files_[shard].size_bytes();
  const std::string& component = places_[shard].component;
  for (const tensor& entry : files_[shard].tensors()) {
    tensors_.try_emplace(key_in(component, entry.name), located_tensor{shard, entry, component});
  }
}

void checkpoint::check_unchanged(std::size_t shard) const {
  folder_of(shard).check_unchanged(leaf_of(shard), files_[shard].content(),
                                   folder::links::followed);
}

}  // namespace revlora::tool
