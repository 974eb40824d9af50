// What a command has to say on stdout: to people as text, to programs as one JSON object.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "console/problem.hpp"

namespace revlora::tool {

class report {
 public:
  virtual ~report() = default;
  /// Lines, the summary first.
  virtual std::string text() const = 0;
  /// Keys stay what they are from version to version; docs/revlora.1 lists them.
  virtual nlohmann::ordered_json json() const = 0;
};

/// Of what was done to a model, or would be.
class change_report : public report {
 public:
  /// Of the model: "the model is merged".
  virtual const char* state() const = 0;
  /// What went wrong after it was done; empty if nothing.
  virtual std::string trouble() const = 0;
  /// What belongs on stderr in front of the text. The JSON has them in itself.
  virtual std::vector<std::string> notes() const { return {}; }
  /// Likewise, and likely not what was meant.
  virtual std::vector<std::string> warnings() const { return {}; }

 protected:
  /// The keys that all of them begin with.
  nlohmann::ordered_json json_of(const char* command, bool dry_run) const;
};

/// Its JSON, in one line.
std::string json_text(const report& said);

void print(const report& said, bool json);

/// Prints it, and says how the command ended; if it could not be printed, too. Never throws.
exit_status print_done(const change_report& said, bool json) noexcept;

}  // namespace revlora::tool
