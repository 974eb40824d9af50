// The audience of the program: its standard error, and the signals that end it. Progress is one bar
// for somebody who sits in front of a terminal, elsewhere a line every few seconds, so that short
// runs say nothing at all.
#pragma once

#include <chrono>

#include "console/audience.hpp"

namespace revlora::tool {

class terminal final : public audience {
 public:
  void hear(const progress& work) override;
  void hear_end() override;  ///< takes the bar away
  void hear_note(const std::string& text) override { say("note", text); }
  void hear_warning(const std::string& text) override { say("warning", text); }
  void stop_if_asked() override;

 private:
  using clock = std::chrono::steady_clock;

  void say(const char* kind, const std::string& text);
  /// Takes the bar away; it comes back by itself.
  void make_way();

  bool is_shown_ = false;
  clock::time_point drawn_;
};

/// From here on no progress is shown.
void silence_progress();

}  // namespace revlora::tool
