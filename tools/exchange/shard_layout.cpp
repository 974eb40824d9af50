#include "exchange/shard_layout.hpp"

#include <algorithm>
#include <string_view>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "exchange/shard_exchange.hpp"
#include "files/sha256.hpp"
#include "safetensors/new_layout.hpp"
#include "undo/record_in_file.hpp"

namespace revlora::tool {

namespace {

constexpr std::size_t length_bytes = 8;

bool changes_layout(const tensor_job& job, const located_tensor* now) {
  const bool was_moved =
      job.merged != nullptr && (job.merged->is_new || job.merged->shape != job.merged->base_shape);
  const bool is_moved =
      job.goal && (job.goal->is_new || now == nullptr || job.goal->shape != now->entry.shape);
  return was_moved || is_moved;
}

shard_layout same_layout(const checkpoint& model, std::size_t shard) {
  shard_layout layout{true, 0, {}, {}, 0, {}};
  const tensor_file& opened = model.file_of(shard);
  layout.data_begin = opened.tensors().empty() ? opened.size_bytes() : opened.tensors()[0].begin;
  for (const tensor& each : opened.tensors()) {
    layout.tensors.push_back(
        {model.key_of(shard, each.name), each.begin, each.size_bytes(), each.shape});
  }
  return layout;
}

/// All in front of the tensors of a file, and how large the file is.
struct file_start {
  std::vector<std::byte> bytes;
  std::uint64_t file_bytes;

  std::string_view header() const {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())
        .substr(length_bytes);
  }
};

file_start start_now(const file& opened) {
  const auto length = opened.read_start(length_bytes);
  const std::uint64_t header =
      header_size(std::span(length).first<length_bytes>(), opened.size(), quoted(opened.path()));
  return {opened.read_start(length_bytes + header), opened.size()};
}

/// As it was before a merge laid the tensors out anew.
file_start base_start_of(const shard_job& job, const file_start& now, const file* undo,
                         const std::string& source) {
  bool was_moved = false;
  for (const auto& [name, each] : job.tensors) {
    if (each.merged == nullptr || !each.merged_in->base_header) continue;
    was_moved = true;
    if (sha256_of(now.bytes) == *each.merged_in->merged_header) {
      return {read_range(*undo, *each.merged_in->base_header), each.merged_in->base_bytes};
    }
  }
  if (!was_moved) return now;
  throw problem(source +
                " was written anew since the merge, by which its tensors grew: its header "
                "is not the one that leads back");
}

const tensor* find_in(const std::vector<tensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &tensor::name);
  return found == tensors.end() ? nullptr : &*found;
}

}  // namespace

shard_layout layout_of(const checkpoint& model, const shard_job& job, const file* undo) {
  bool is_same = true;
  for (const auto& [name, each] : job.tensors) {
    is_same = is_same && !changes_layout(each, model.find(name));
  }
  if (is_same) return same_layout(model, job.shard);

  const tensor_file& opened = model.file_of(job.shard);
  const std::string source = quoted(opened.path());
  if (opened.container() == tensor_container::gguf) {
    throw problem(source + " is a GGUF file: revlora does not let its tensors grow, nor adds some");
  }
  const file_start base = base_start_of(job, start_now(opened.content()), undo, source);
  const auto base_tensors = read_tensor_table(base.header(), base.file_bytes, source);
  std::vector<tensor_growth> growths;
  for (const auto& [name, each] : job.tensors) {
    if (!each.goal) continue;
    const std::string raw = model.raw_name_of(job.shard, name);
    const tensor* const there = find_in(base_tensors, raw);
    if (there != nullptr && there->shape == each.goal->shape) continue;
    growths.push_back({raw, each.goal->dtype, each.goal->shape});
  }
  shard_layout layout{false, 0, base.bytes, base.bytes, base.file_bytes, {}};
  std::vector<tensor> tensors = base_tensors;
  if (!growths.empty()) {
    new_layout wanted = lay_out(base.header(), base.file_bytes, growths, source);
    const auto start = std::as_bytes(std::span(wanted.start));
    layout.start.assign(start.begin(), start.end());
    tensors = std::move(wanted.tensors);
  }
  layout.data_begin = layout.start.size();
  for (const tensor& each : tensors) {
    const tensor* const there = find_in(base_tensors, each.name);
    layout.tensors.push_back({model.key_of(job.shard, each.name), each.begin, each.size_bytes(),
                              there == nullptr ? std::vector<std::uint64_t>{} : there->shape});
  }
  return layout;
}

}  // namespace revlora::tool
