// A command of the program, disturbed by a fault at one of its file-system calls, and what has to
// hold after that.
#pragma once

#include <set>
#include <string>

#include "scenario.hpp"
#include "tracer.hpp"

namespace revlora::tool::test {

class disturbed {
 public:
  /// Runs the command once undisturbed, to learn what it does.
  explicit disturbed(const scenario& wanted);

  const std::vector<file_call>& calls() const { return calls_; }

  /// Runs the command with a fault, and expects that nothing is lost: by these rules.
  void expect_nothing_lost(const fault& wanted);

 private:
  /// Of the files that the command has to make or to change.
  struct progress_made {
    std::size_t files_before = 0;
    std::size_t files_at_goal = 0;
    bool is_partial() const { return files_before > 0 && files_at_goal > 0; }
  };

  traced_run run(const fault& wanted);
  std::string describe(const fault& wanted, const traced_run& result) const;

  /// That each file is what it was or what it has to become, and a new model there or not.
  progress_made expect_whole_files(const tree& after) const;
  void expect_true_status(const fault& wanted, const traced_run& result,
                          const progress_made& progress) const;
  /// That the next commands lead back to the base, and leave nothing else.
  void expect_way_back();

  fs::path models_folder() const { return folder_ / "models"; }

  scenario scenario_;
  temporary_folder folder_;
  tree before_;
  tree goal_;       ///< after the command
  tree watched_;    ///< what of the goal the command has to make, but for undo files
  tree untouched_;  ///< the rest of it
  tree undone_;     ///< after merge and unmerge, without undo files
  std::vector<file_call> calls_;
  std::string report_;           ///< what the undisturbed command says
  std::set<std::string> known_;  ///< what the runs left, where the way back is known already
};

}  // namespace revlora::tool::test
