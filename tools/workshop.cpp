#include "workshop.hpp"

#include <random>

#include "problem.hpp"
#include "progress.hpp"
#include "text.hpp"

namespace revlora::tool {

namespace {

constexpr std::string_view name_start = ".revlora-";
constexpr std::size_t random_letters = 6;
constexpr const char* mark_name = "workshop";
constexpr std::string_view mark_content =
    "revlora makes files here; when it is not running, this folder can be removed\n";

bool may_be_named_so(std::string_view name) {
  return name.starts_with(name_start) && name.size() == name_start.size() + random_letters;
}

std::string random_name() {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::string name(name_start);
  for (std::size_t i = 0; i < random_letters; ++i) name += letters[random() % letters.size()];
  return name;
}

folder create_in(const folder& place) {
  remove_left_overs(place);
  constexpr int attempts = 100;
  for (int i = 0; i < attempts; ++i) {
    if (auto created = place.try_create_folder(random_name())) return std::move(*created);
  }
  throw problem("cannot create a folder in " + quoted(place.path()));
}

/// Nothing if another process took the workshop for one that was left, before it had a locked mark.
std::optional<file> try_to_mark(const folder& place, const folder& inside) {
  const auto is_there = [&] {
    return place.find(inside.path().filename().string()) && inside.find(mark_name);
  };
  try {
    file mark = inside.create(mark_name);
    if (!mark.lock(file::lock_kind::exclusive) || !is_there()) return {};
    mark.write(std::as_bytes(std::span(mark_content)), 0);
    return mark;
  } catch (const problem&) {
    if (!place.find(inside.path().filename().string())) return {};
    throw;
  }
}

/// A folder in a workshop can be one that is to be published, with files in it.
void remove_content(const folder& inside) {
  for (const std::string& name : inside.names()) {
    if (name == mark_name) continue;
    if (const auto status = inside.find(name); status && status->is_folder()) {
      remove_content(inside.open_folder(name));
      inside.remove_folder(name);
    } else {
      inside.remove(name);
    }
  }
}

void remove_workshop(const folder& place, const folder& inside) {
  remove_content(inside);
  // The mark last: what is interrupted here can be recognised still.
  if (inside.find(mark_name)) inside.remove(mark_name);
  place.remove_folder(inside.path().filename().string());
}

std::uint64_t bytes_in(const folder& inside) {
  std::uint64_t sum = 0;
  for (const std::string& name : inside.names()) {
    const auto status = inside.find(name);
    if (!status) continue;
    sum += status->is_folder() ? bytes_in(inside.open_folder(name)) : status->size();
  }
  return sum;
}

/// A workshop that nobody is using, its mark locked.
struct abandoned {
  folder inside;
  file mark;
};

std::optional<abandoned> abandoned_workshop(const folder& place, const std::string& name) try {
  const auto status = place.find(name);
  if (!status || !status->is_folder()) return {};
  folder inside = place.open_folder(name);
  if (!inside.find(mark_name)) return {};
  file mark = inside.open(mark_name, folder::links::refused);
  // It may have been interrupted while the mark was written.
  if (mark.size() > mark_content.size() || !mark_content.starts_with(mark.read_text())) return {};
  if (!mark.lock(file::lock_kind::exclusive)) return {};
  return abandoned{std::move(inside), std::move(mark)};
} catch (const problem&) {
  return {};  // somebody else's, or being removed
}

/// What was interrupted before its mark, or behind it. If another process is making it just now, it
/// makes another one: see try_to_mark.
void remove_empty(const folder& place, const std::string& name) {
  try {
    place.remove_folder(name);
  } catch (const problem&) {
  }
}

std::vector<abandoned> abandoned_workshops(const folder& place) {
  std::vector<abandoned> found;
  for (const std::string& name : place.names()) {
    if (!may_be_named_so(name)) continue;
    if (auto workshop = abandoned_workshop(place, name)) found.push_back(std::move(*workshop));
  }
  return found;
}

std::string describe(const left_over& each) {
  return quoted(each.path) + " (" + describe_bytes(each.bytes) + ")";
}

}  // namespace

workshop::workshop(const folder& place) : place_(place), inside_(create_in(place)) {
  try {
    while (!(mark_ = try_to_mark(place_, inside_))) inside_ = create_in(place_);
  } catch (...) {
    try_to_remove();
    throw;
  }
}

workshop::~workshop() {
  try_to_remove();
}

void workshop::try_to_remove() const {
  try {
    remove_workshop(place_, inside_);
  } catch (const problem& error) {
    note(std::string(error.what()) + ": " + quoted(inside_.path()) +
         " is left, the next merge or unmerge here removes it");
  }
}

std::vector<left_over> left_overs_in(const folder& place) {
  std::vector<left_over> found;
  for (const abandoned& each : abandoned_workshops(place)) {
    found.push_back({each.inside.path(), bytes_in(each.inside)});
  }
  return found;
}

void remove_left_overs(const folder& place) {
  for (const std::string& name : place.names()) {
    if (may_be_named_so(name)) remove_empty(place, name);
  }
  for (const abandoned& each : abandoned_workshops(place)) {
    const left_over found{each.inside.path(), bytes_in(each.inside)};
    try {
      remove_workshop(place, each.inside);
      note("removed what an interrupted run had left: " + describe(found));
    } catch (const problem& error) {
      note("an interrupted run left " + describe(found) + ": " + error.what());
    }
  }
}

void report_left_overs(const folder& place) {
  for (const left_over& each : left_overs_in(place)) {
    note("an interrupted run left " + describe(each) +
         ": the next merge or unmerge here removes it");
  }
}

}  // namespace revlora::tool
