// Who hears what the engine has to say while it is at work, and may ask it to stop: the terminal,
// or somebody else who called it.
#pragma once

#include <set>
#include <string>

namespace revlora::tool {

class progress;

/// Of one call. The engine speaks to it on the thread that made the call; only notes may come from
/// threads that work for that one, too.
class audience {
 public:
  audience() = default;
  audience(const audience&) = delete;
  virtual ~audience() = default;

  /// How far the work is, time and again; throws `interrupted` if it shall end.
  virtual void hear(const progress& work) = 0;
  /// Nothing more comes of this work.
  virtual void hear_end() {}
  /// Something worth knowing that is no reason to stop.
  virtual void hear_note(const std::string& text) = 0;
  /// The same of what is likely not what the user meant.
  virtual void hear_warning(const std::string& text) = 0;
  /// Throws `interrupted` if the work shall end.
  virtual void stop_if_asked() = 0;

 protected:
  /// The work comes to its end whatever hear() throws, which must be nothing then.
  bool must_go_on() const { return must_go_on_ > 0; }

 private:
  friend class progress;
  friend class uninterrupted;
  friend void stop_if_interrupted();
  friend void note_once(const std::string& of, const std::string& text);

  const progress* shown_ = nullptr;
  int must_go_on_ = 0;
  std::set<std::string> noted_;
};

/// That of this thread: the terminal, if no other one is listening.
audience& present_audience();

/// While there is one, this audience is that of the thread which made it.
class listening {
 public:
  explicit listening(audience& now);
  listening(const listening&) = delete;
  ~listening();

 private:
  audience* before_;
};

}  // namespace revlora::tool
