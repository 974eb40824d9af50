#include "reports/unmerge_report.hpp"

#include "console/text.hpp"

namespace revlora::tool {

std::string unmerge_report::text() const {
  std::string said = (dry_run_ ? "would restore " : "restored ") +
                     counted(result_.restored, "tensor") + " of " + printable(result_.model);
  if (result_.at_the_base > 0) {
    said += "; " + std::to_string(result_.at_the_base) + " were at the base already";
  }
  said += "\nby the undo file " + printable(result_.undo) + '\n';
  if (!dry_run_) return said;
  return said + "nothing was written; disk space that has to be free: " +
         describe_bytes(result_.disk_bytes) + '\n';
}

nlohmann::ordered_json unmerge_report::json() const {
  nlohmann::ordered_json said = json_of("unmerge", dry_run_);
  said.update({{"model", result_.model.native()},
               {"undo", result_.undo.native()},
               {"restored", result_.restored},
               {"at_the_base", result_.at_the_base},
               {"disk_bytes", result_.disk_bytes}});
  return said;
}

const char* unmerge_report::state() const {
  return dry_run_ ? "the model is as it was" : "the model is at the base";
}

}  // namespace revlora::tool
