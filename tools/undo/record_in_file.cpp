#include "undo/record_in_file.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"
#include "revlora/error.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

std::vector<std::byte> read_range(const file& opened, const file_range& range) {
  std::vector<std::byte> bytes(range.size);
  opened.read(bytes, range.begin);
  return bytes;
}

undo_record read_record(const file& opened, const undo_tensor& tensor, const undo_window& window) {
  const std::string source = quoted(opened.path());
  undo_record record;
  const validation found = undo_record::try_from_bytes(read_range(opened, window.record), record);
  if (!found) {
    const bool is_intact = found.reason() == refusal::other_version;
    throw problem(source + (is_intact ? " cannot be read: " : " is damaged: ") + found.text());
  }
  const bool fits = type_of(tensor.dtype) == record.type() &&
                    static_cast<std::uint64_t>(record.rows()) == window.rows &&
                    static_cast<std::uint64_t>(record.cols()) == window.cols &&
                    record.recipe() == tensor.recipe &&
                    record.fingerprints().size() == window.updates.size();
  if (!fits) {
    throw problem(source + " is damaged: a record of " + quoted(tensor.name) +
                  " is one of another matrix");
  }
  return record;
}

}  // namespace revlora::tool
