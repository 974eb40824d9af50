#include "checkpoint/weight_set.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "console/problem.hpp"
#include "console/text.hpp"

namespace revlora::tool {

namespace {

/// "model-00001-of-00003.safetensors" in its parts.
struct numbered_name {
  std::string stem;
  std::string count;
  std::string extension;
  auto operator<=>(const numbered_name&) const = default;
};

bool is_number(std::string_view text) {
  return text.size() == 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string extension_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? "" : name.substr(dot);
}

std::optional<numbered_name> parts_of(const std::string& name) {
  const std::string extension = extension_of(name);
  const std::string start = name.substr(0, name.size() - extension.size());
  constexpr std::size_t ending = std::string_view("-00001-of-00003").size();
  if (start.size() <= ending) return {};
  const std::string_view numbers = std::string_view(start).substr(start.size() - ending);
  const bool is_numbered = numbers[0] == '-' && is_number(numbers.substr(1, 5)) &&
                           numbers.substr(6, 4) == "-of-" && is_number(numbers.substr(10));
  if (!is_numbered) return {};
  return numbered_name{start.substr(0, start.size() - ending), std::string(numbers.substr(10)),
                       extension};
}

/// "fp16" of "model.fp16.safetensors" and of "model.safetensors.index.fp16.json"; empty of those
/// that are not called a variant.
std::string variant_of(const std::string& name) {
  std::string variant;
  std::size_t begin = name.find('.');
  while (begin != std::string::npos) {
    const std::size_t end = name.find('.', begin + 1);
    std::string part = name.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
    begin = end;
    part = part.substr(0, part.find("-00"));  // "fp16-00001-of-00002"
    if (part == "safetensors" || part == "index" || part == "json" || part == "gguf") continue;
    variant += (variant.empty() ? "" : ".") + part;
  }
  return variant;
}

/// Which sets a loader looks for first. Those of one place are equally good.
int place_of(const weight_set& set) {
  const auto parts = parts_of(set.name);
  const std::string start = parts ? parts->stem : set.name;
  const std::string stem = start.substr(0, start.find('.'));
  if (set.name.ends_with(".gguf")) return 3;
  // What Mistral's own program loads, beside what others do: of other names inside.
  if (stem == "consolidated") return 2;
  return set.index || stem == "model" || stem == "diffusion_pytorch_model" ? 0 : 1;
}

/// Files that are numbered like those that an index names, and not in it: they may have tensors
/// that it omits.
std::vector<std::string> numbered_like(const std::vector<std::string>& listed,
                                       const std::vector<std::string>& names) {
  std::set<numbered_name> series;
  for (const std::string& name : listed) {
    if (const auto parts = parts_of(name)) series.insert(*parts);
  }
  std::vector<std::string> others;
  for (const std::string& name : names) {
    const auto parts = parts_of(name);
    const bool is_other =
        parts && series.contains(*parts) && std::ranges::find(listed, name) == listed.end();
    if (is_other) others.push_back(name);
  }
  return others;
}

/// `names` are those of all entries of the folder.
weight_set set_of_index(const folder& in, const std::string& name,
                        const std::vector<std::string>& names) {
  weight_set set{.name = name, .shards = {}, .index = {}, .trouble = {}};
  file opened = in.open(name, folder::links::followed);
  std::string text = opened.read_text();
  shard_index says;
  try {
    says = read_shard_index(text, quoted(opened.path()));
    const bool has_any = std::ranges::any_of(
        says.shards, [&](const std::string& shard) { return in.find(shard).has_value(); });
    if (!has_any) {
      set.trouble = quoted(opened.path()) + ": none of the files that it names is there (" +
                    quoted(says.shards.front()) + (says.shards.size() > 1 ? ", …" : "") +
                    "): has all been downloaded?";
    }
  } catch (const problem& error) {
    set.trouble = error.what();
  }
  set.shards = says.shards;
  for (std::string& other : numbered_like(says.shards, names)) {
    set.shards.push_back(std::move(other));
  }
  std::ranges::sort(set.shards);
  set.index = read_index{std::move(opened), std::move(text), std::move(says)};
  return set;
}

/// Numbered files without an index, as far as all of them are there.
weight_set set_of_numbered(const folder& in, const numbered_name& parts,
                           std::vector<std::string> names) {
  std::ranges::sort(names);
  const std::size_t count = std::stoul(parts.count);
  weight_set set{.name = names.front(), .shards = names, .index = {}, .trouble = {}};
  if (names.size() != count) {
    set.trouble = quoted(in.path()) + " has " + std::to_string(names.size()) + " of " +
                  counted(count, "file") + " like " + quoted(set.name) +
                  ", and no index: has all been downloaded?";
  }
  return set;
}

/// What can be used in front of what cannot, if there is any of it.
void leave_out_what_cannot_be_used(std::vector<weight_set>& sets) {
  const auto is_usable = [](const weight_set& set) { return set.trouble.empty(); };
  if (std::ranges::none_of(sets, is_usable)) return;
  std::erase_if(sets, [&](const weight_set& set) {
    // A broken index in front of whole files may be the newer of the two: the user has to say.
    return !is_usable(set) && !(set.index && set.shards.empty());
  });
}

std::string list_of(const std::vector<weight_set>& sets) {
  std::string list;
  for (const weight_set& set : sets) {
    list += (list.empty() ? "" : ", ") + quoted(set.name);
    if (set.shards.size() > 1) list += " (" + counted(set.shards.size(), "file") + ")";
  }
  return list;
}

weight_set usable(weight_set set) {
  if (!set.trouble.empty()) throw problem(set.trouble);
  return set;
}

[[noreturn]] void refuse_without_weights(const folder& in) {
  const std::vector<std::string> pickles = pickles_in(in);
  if (pickles.empty()) {
    throw problem(quoted(in.path()) + " has no .safetensors file in it, and no .gguf file");
  }
  throw problem(quoted(in.path()) + " has its weights as Python pickles (" +
                quoted(pickles.front()) + (pickles.size() > 1 ? ", …" : "") +
                "), which are programs rather than data and are not read: load the model where it "
                "is trusted and save it with safe_serialization=True");
}

/// Those that a loader looks for first.
std::vector<weight_set> first_of(std::vector<weight_set> sets) {
  if (!sets.empty()) {
    const int place = place_of(sets.front());
    std::erase_if(sets, [&](const weight_set& set) { return place_of(set) != place; });
    leave_out_what_cannot_be_used(sets);
  }
  return sets;
}

weight_set named(std::vector<weight_set> sets, const folder& in, const std::string& wanted) {
  const auto found = std::ranges::find(sets, wanted, &weight_set::name);
  if (found != sets.end()) return usable(std::move(*found));
  for (const weight_set& set : sets) {
    if (std::ranges::find(set.shards, wanted) == set.shards.end()) continue;
    throw problem(quoted(wanted) + " is one of " + counted(set.shards.size(), "file") +
                  " of the model: --weights " + printable(set.name) + " means all of them");
  }
  throw problem(quoted(in.path()) + " has no set of weights that is called " + quoted(wanted) +
                ", but " + list_of(sets));
}

weight_set the_only(std::vector<weight_set> sets, const folder& in) {
  if (sets.size() > 1) {
    throw problem(quoted(in.path()) + " has several sets of weights: " + list_of(sets) +
                  ": say which of them is meant, as in --weights " + printable(sets.front().name));
  }
  return usable(std::move(sets.front()));
}

}  // namespace

std::vector<weight_set> weight_sets_in(const folder& in) {
  std::vector<weight_set> sets;
  std::set<std::string> listed;
  std::vector<std::string> names = in.names();
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (!is_index_name(name)) continue;
    sets.push_back(set_of_index(in, name, names));
    listed.insert(sets.back().shards.begin(), sets.back().shards.end());
  }
  const bool has_index = !sets.empty();
  std::map<numbered_name, std::vector<std::string>> numbered;
  for (const std::string& name : names) {
    const std::string extension = extension_of(name);
    const bool is_weights = extension == ".safetensors" || extension == ".gguf";
    if (!is_weights || listed.contains(name)) continue;
    const auto parts = parts_of(name);
    // Beside an index they are of an earlier download.
    if (parts && has_index && extension == ".safetensors") continue;
    if (parts) {
      numbered[*parts].push_back(name);
    } else {
      sets.push_back({.name = name, .shards = {name}, .index = {}, .trouble = {}});
    }
  }
  for (auto& [parts, files] : numbered) {
    sets.push_back(set_of_numbered(in, parts, std::move(files)));
  }
  std::ranges::stable_sort(sets, {}, place_of);
  return sets;
}

weight_set choose_weights(const folder& in, const std::optional<std::string>& wanted) {
  std::vector<weight_set> sets = weight_sets_in(in);
  if (sets.empty()) refuse_without_weights(in);
  if (wanted) return named(std::move(sets), in, *wanted);
  return the_only(first_of(std::move(sets)), in);
}

weight_set choose_component_weights(const folder& in, const std::optional<std::string>& wanted) {
  std::vector<weight_set> sets = weight_sets_in(in);
  if (!wanted) return the_only(first_of(std::move(sets)), in);
  if (std::ranges::find(sets, *wanted, &weight_set::name) != sets.end()) {
    return named(std::move(sets), in, *wanted);
  }
  sets = first_of(std::move(sets));
  if (sets.size() > 1) {
    std::vector<weight_set> alike;
    for (weight_set& set : sets) {
      if (variant_of(set.name) == variant_of(*wanted)) alike.push_back(std::move(set));
    }
    if (alike.size() == 1) return usable(std::move(alike.front()));
    sets = weight_sets_in(in);
  }
  return the_only(first_of(std::move(sets)), in);
}

std::vector<std::string> pickles_in(const folder& in) {
  constexpr std::array<std::string_view, 4> of_trainers = {"training_args", "optimizer",
                                                           "scheduler", "rng_state"};
  std::vector<std::string> found;
  for (const std::string& name : in.names()) {
    const auto starts_it = [&](std::string_view start) { return name.starts_with(start); };
    if (std::ranges::any_of(of_trainers, starts_it)) continue;
    const std::string extension = extension_of(name);
    if (extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".ckpt") {
      found.push_back(name);
    }
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace revlora::tool
