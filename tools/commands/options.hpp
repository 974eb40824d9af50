// Options that several commands have, each said and described in one place.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "verbs/requests.hpp"

namespace revlora::tool {

void add_model(CLI::App& command, std::filesystem::path& model, const std::string& what);
void add_undo(CLI::App& command, std::optional<std::filesystem::path>& undo,
              const std::string& what);
void add_weights(CLI::App& command, std::optional<std::string>& weights);
/// --recipe, --fan-in-fan-out, --allow-unused, --no-embed
void add_ways_to_merge(CLI::App& command, merge_options& how);
/// --adapter
void add_moved_adapters(CLI::App& command, std::vector<std::filesystem::path>& adapters);
/// --force, --no-sync, --threads
void add_ways_to_write(CLI::App& command, common_options& common);
void add_dry_run(CLI::App& command, bool& dry_run);
/// --json, --quiet
void add_ways_to_tell(CLI::App& command, bool& json);

}  // namespace revlora::tool
