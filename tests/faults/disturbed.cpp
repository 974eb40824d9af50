#include "disturbed.hpp"

#include <csignal>
#include <cstring>
#include <regex>
#include <sstream>

namespace revlora::tool::test {

namespace {

const std::string report_name = "report.txt";

std::vector<std::string> words_of(const std::string& command) {
  std::istringstream stream(command);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::string last_line_of(const std::string& text) {
  const auto end = text.find_last_not_of('\n');
  const auto begin = end == std::string::npos ? end : text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1);
}

/// Whatever an unfinished file is called.
std::string without_random_names(const std::string& text) {
  static const std::regex random("\\.revlora-[A-Za-z0-9]+");
  return std::regex_replace(text, random, ".revlora-");
}

/// Numbers of inodes are in an undo file, and have now more digits and now fewer.
std::string without_size(const std::string& report) {
  static const std::regex size("\\([^)]* bits per weight\\)");
  return std::regex_replace(report, size, "");
}

/// Two runs that leave the same files have the same way back.
std::string key_of(const tree& content) {
  std::string key;
  for (const auto& [path, entry] : content) {
    key += without_random_names(path) + '\n' +
           std::to_string(static_cast<unsigned>(entry.permissions)) + '\n' +
           std::to_string(entry.bytes.size()) + '\n' + entry.bytes;
  }
  return key;
}

/// A command cannot be done when this fails: nobody knows what is on disk then.
bool is_flush(const std::string& call) {
  for (const std::string name : {"fsync ", "fdatasync ", "msync ", "syncfs "}) {
    if (call.starts_with(name)) return true;
  }
  return false;
}

}  // namespace

disturbed::disturbed(const scenario& wanted)
    : scenario_(wanted), before_(prepare(wanted, models_folder())) {
  const traced_run undisturbed = run({});
  EXPECT_EQ(undisturbed.status, 0) << undisturbed.errors;
  calls_ = undisturbed.calls;
  report_ = read(folder_ / report_name);
  goal_ = read_tree(models_folder());
  for (const auto& entry : without_undo_files(goal_)) {
    const bool is_changed = entry_of(before_, entry.first) != entry.second;
    (is_changed ? watched_ : untouched_).insert(entry);
  }
  if (scenario_.command() == scenario_.merge()) {
    EXPECT_EQ(revlora(scenario_.unmerge()).status, 0);
  }
  undone_ = without_undo_files(read_tree(models_folder()));
  EXPECT_TRUE(is_part_of(models(), undone_));
}

traced_run disturbed::run(const fault& wanted) {
  write_tree(before_, models_folder());
  fs::current_path(models_folder());  // it is a new folder of that name
  auto arguments = words_of(scenario_.command());
  arguments.insert(arguments.begin(), REVLORA_PROGRAM);
  return run_traced(arguments, folder_.path(), folder_ / report_name, wanted);
}

void disturbed::expect_nothing_lost(const fault& wanted) {
  const traced_run result = run(wanted);
  const tree after = read_tree(models_folder());
  const testing::ScopedTrace trace(__FILE__, __LINE__, describe(wanted, result));
  ASSERT_TRUE(result.struck);
  EXPECT_EQ(without_random_names(result.calls.at(wanted.call).text),
            without_random_names(calls_.at(wanted.call).text));
  const progress_made progress = expect_whole_files(after);
  if (wanted.what == fault::kind::failed) {
    expect_true_status(wanted, result, progress);
  } else {
    EXPECT_EQ(result.signal, SIGKILL);
  }
  if (known_.insert(key_of(after)).second) expect_way_back();
}

std::string disturbed::describe(const fault& wanted, const traced_run& result) const {
  std::ostringstream text;
  text << scenario_.name << ", call " << wanted.call << " of " << calls_.size() << " ("
       << (result.struck ? result.calls.at(wanted.call).text : "not reached") << "): "
       << (wanted.what == fault::kind::killed_before  ? "killed before it"
           : wanted.what == fault::kind::killed_after ? "killed after it"
                                                      : std::strerror(wanted.error))
       << "\nstatus " << result.status << ", signal " << result.signal << ": " << result.errors;
  return text.str();
}

disturbed::progress_made disturbed::expect_whole_files(const tree& after) const {
  EXPECT_TRUE(is_part_of(untouched_, after)) << "other files were changed";
  progress_made progress;
  for (const auto& [path, goal] : watched_) {
    const auto now = entry_of(after, path);
    if (now == entry_of(before_, path)) {
      ++progress.files_before;
    } else if (now == goal) {
      ++progress.files_at_goal;
    } else {
      ADD_FAILURE() << path << " is neither what it was nor what it should become";
    }
  }
  EXPECT_TRUE(scenario_.in_place() || !progress.is_partial()) << "a part of the new model is there";
  return progress;
}

void disturbed::expect_true_status(const fault& wanted, const traced_run& result,
                                   const progress_made& progress) const {
  const std::string call = result.calls.at(wanted.call).text;
  if (wanted.error != EINTR) {
    EXPECT_TRUE(result.status != 0 || !is_flush(call)) << "as if the call had not failed";
  } else if (!call.ends_with(report_name)) {  // the C++ library's streams do not repeat
    EXPECT_EQ(result.status, 0) << "an interrupted call has to be repeated";
  }
  switch (result.status) {
    case 0:
      EXPECT_EQ(progress.files_before, 0u) << "not all is done";
      EXPECT_EQ(without_size(read(folder_ / report_name)), without_size(report_))
          << "another report";
      return;
    case 1:
      EXPECT_EQ(progress.files_at_goal, 0u) << "something is done";
      break;
    case 2:
      EXPECT_TRUE(progress.is_partial()) << "nothing is done, or all";
      break;
    case 3:
      EXPECT_EQ(progress.files_before, 0u) << "not all is done";
      break;
    default:
      ADD_FAILURE() << "no documented status";
  }
  EXPECT_TRUE(last_line_of(result.errors).starts_with("revlora: ")) << "no word of what failed";
}

void disturbed::expect_way_back() {
  const tree after = read_tree(models_folder());
  const bool is_new = !scenario_.in_place() && fs::exists(scenario_.out);
  const bool at_base = is_part_of(without_undo_files(models()), after);
  if (is_new || (scenario_.in_place() && !at_base)) {
    const outcome back = revlora(scenario_.unmerge());
    EXPECT_EQ(back.status, 0) << "no way back: " << back.output;
    EXPECT_TRUE(is_part_of(undone_, read_tree(models_folder()))) << "the way back leads elsewhere";
  } else if (scenario_.in_place()) {
    const outcome refused = revlora(scenario_.unmerge());
    EXPECT_EQ(refused.status, 1) << refused.output;
    EXPECT_TRUE(refused.output.find("already at the base") != std::string::npos ||
                refused.output.find("no undo file") != std::string::npos)
        << refused.output;
  }
  if (is_new) fs::remove_all(scenario_.out);
  for (const std::string& command : {scenario_.merge(), scenario_.unmerge()}) {
    const outcome next = revlora(command);
    EXPECT_EQ(next.status, 0) << command << ": " << next.output;
  }
  for (const auto& [path, entry] : without_undo_files(read_tree(models_folder()))) {
    EXPECT_TRUE(undone_.contains(path)) << "litter: " << path;
  }
  EXPECT_TRUE(is_part_of(undone_, read_tree(models_folder()))) << "not what it was at the end";
}

}  // namespace revlora::tool::test
