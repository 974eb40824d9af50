#include "files/workshop.hpp"

#include <unistd.h>

#include <random>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/tree.hpp"

namespace revlora::tool {

namespace {

constexpr std::string_view name_start = ".revlora-";
constexpr std::size_t random_letters = 6;
constexpr const char* mark_name = "workshop";
constexpr std::string_view mark_content =
    "revlora makes files here; when it is not running, this folder can be removed\n";

constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";

bool may_be_named_so(std::string_view name) {
  return name.starts_with(name_start) && name.size() == name_start.size() + random_letters &&
         name.find_first_not_of(letters, name_start.size()) == std::string_view::npos;
}

std::string random_name() {
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
    mark.flush();  // or a power loss would leave what nobody recognises
    return mark;
  } catch (const problem&) {
    if (!place.find(inside.path().filename().string())) return {};
    throw;
  }
}

/// Calls `visit(folder, name, status)` for what is in a workshop, beside its mark, and for each
/// folder behind what is in it. Follows no links. Throws a problem if it is deeper than a folder
/// that is to be published can be.
template <class Visit>
void visit_content(const folder& inside, const Visit& visit, int depth = 1) {
  for (const std::string& name : inside.names()) {
    if (depth == 1 && name == mark_name) continue;
    const auto status = inside.find(name);
    if (!status) continue;
    if (status->is_folder()) {
      if (depth > deepest_tree) throw problem(quoted(inside.path_of(name)) + " is not ours");
      visit_content(inside.open_folder(name), visit, depth + 1);
    }
    visit(inside, name, *status);
  }
}

void remove_workshop(const folder& place, const folder& inside) {
  visit_content(inside, [](const folder& in, const std::string& name, const file_status& status) {
    if (status.is_folder()) {
      in.remove_folder(name);
    } else {
      in.remove(name);
    }
  });
  // The mark last: what is interrupted here can be recognised still.
  if (inside.find(mark_name)) inside.remove(mark_name);
  place.remove_folder(inside.path().filename().string());
}

std::uint64_t bytes_in(const folder& inside) {
  std::uint64_t sum = 0;
  visit_content(inside, [&](const folder&, const std::string&, const file_status& status) {
    if (!status.is_folder()) sum += status.size();
  });
  return sum;
}

/// A workshop with another mark than a whole one was interrupted while that was written, and is
/// empty but for it.
bool is_marked(const folder& inside) {
  if (!inside.find(mark_name)) return false;
  const file mark = inside.open(mark_name, folder::links::refused);
  if (mark.size() > mark_content.size()) return false;
  const std::string content = mark.read_text();
  return content == mark_content ||
         (mark_content.starts_with(content) && inside.names().size() == 1);
}

/// A workshop that nobody is using, its mark locked; or, where there are no locks, one of which
/// that is not known.
struct left_over {
  folder inside;
  file mark;
  std::uint64_t bytes;
  bool is_certain;
};

std::optional<left_over> left_over_workshop(const folder& place, const std::string& name) try {
  const auto status = place.find(name);
  if (!status || !status->is_folder()) return {};
  folder inside = place.open_folder(name);
  if (!is_marked(inside)) return {};
  file mark = inside.open_for_writing(mark_name);
  const file::lock_outcome lock = mark.try_to_lock(file::lock_kind::exclusive);
  if (lock == file::lock_outcome::taken) return {};
  const std::uint64_t bytes = bytes_in(inside);
  return left_over{std::move(inside), std::move(mark), bytes, lock == file::lock_outcome::locked};
} catch (const problem&) {
  return {};  // somebody else's, or being removed
}

/// What was interrupted before its mark, or behind it. If another process is making it just now, it
/// makes another one: see try_to_mark.
void remove_empty(const folder& place, const std::string& name) {
  const auto status = place.find(name);
  const bool may_be_ours = status && status->is_folder() && status->permissions() == 0700 &&
                           status->system.st_uid == ::geteuid();
  if (!may_be_ours) return;
  try {
    place.remove_folder(name);
  } catch (const problem&) {
  }
}

std::vector<left_over> left_over_workshops(const folder& place) {
  std::vector<left_over> found;
  for (const std::string& name : place.names()) {
    if (!may_be_named_so(name)) continue;
    if (auto workshop = left_over_workshop(place, name)) found.push_back(std::move(*workshop));
  }
  return found;
}

std::string describe(const left_over& each) {
  return quoted(each.inside.path()) + " (" + describe_bytes(each.bytes) + ")";
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
  } catch (const std::exception& error) {
    note(std::string(reason_of(error)) + ": " + quoted(inside_.path()) +
         " is left, the next merge or unmerge here removes it");
  }
}

void remove_left_overs(const folder& place) {
  for (const std::string& name : place.names()) {
    if (may_be_named_so(name)) remove_empty(place, name);
  }
  for (const left_over& each : left_over_workshops(place)) {
    if (!each.is_certain) continue;  // another process may be at work in it, or this one
    const bool is_worth_a_word = each.bytes > 0;
    try {
      remove_workshop(place, each.inside);
      if (is_worth_a_word) note("removed what an interrupted run had left: " + describe(each));
    } catch (const problem& error) {
      note("an interrupted run left " + describe(each) + ": " + error.what());
    }
  }
}

bool is_workshop(const folder& place, const std::string& name) try {
  return may_be_named_so(name) && is_marked(place.open_folder(name));
} catch (const problem&) {
  return false;
}

void report_left_overs(const folder& place) {
  for (const left_over& each : left_over_workshops(place)) {
    if (each.bytes == 0) continue;  // or it is only beginning
    if (each.is_certain) {
      note("an interrupted run left " + describe(each) +
           ": the next merge or unmerge here removes it");
    } else {
      note("an interrupted run may have left " + describe(each) +
           ": if no revlora is at work here, remove it");
    }
  }
}

}  // namespace revlora::tool
