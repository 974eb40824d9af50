#include "undo/compaction.hpp"

#include "files/workshop.hpp"
#include "undo/undo_on_disk.hpp"
#include "undo/undo_writer.hpp"

namespace revlora::tool {

std::uint64_t compact(const place& where, const file_range& sections, bool sync) {
  const file original = where.in.open(where.name, folder::links::refused);
  const workshop shop(where.in);
  undo_writer writer = undo_writer::begin(shop.inside().create(undo_name_in_workshop));
  writer.content().adopt(original);
  writer.append_sections(original, sections.begin, sections.size);
  writer.finish();
  if (sync) writer.flush();
  shop.inside().replace(undo_name_in_workshop, where.in, where.name);
  if (sync) where.in.flush();
  return writer.size();
}

}  // namespace revlora::tool
