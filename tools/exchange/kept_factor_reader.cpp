#include "exchange/kept_factor_reader.hpp"

#include "console/problem.hpp"
#include "console/text.hpp"
#include "undo/record_in_file.hpp"

namespace revlora::tool {

namespace fs = std::filesystem;

fs::path kept_factor_reader::path_of(const undo_merge& merge, std::size_t adapter) const {
  const bool is_moved = &merge == merge_ && !moved_.empty();
  return is_moved ? moved_.at(adapter) : merge.adapters.at(adapter).path;
}

loaded_factors kept_factor_reader::load(const kept_factors& wanted, const undo_merge& merge) {
  if (wanted.embedded) {
    const std::uint64_t b_bytes = wanted.rows * wanted.rank * size_of(wanted.type);
    const file_range& whole = *wanted.embedded;
    return {wanted.type,
            wanted.rows,
            wanted.rank,
            wanted.cols,
            read_range(opened_, {whole.begin, b_bytes}),
            read_range(opened_, {whole.begin + b_bytes, whole.size - b_bytes}),
            wanted.strength};
  }
  const std::lock_guard lock(mutex_);
  const fs::path path = path_of(merge, wanted.adapter);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw problem("the adapter " + quoted(path) +
                  " is not there, and the undo file was made without its factors: say where it is "
                  "now with --adapter");
  }
  const bool is_folder = fs::is_directory(path, ignored);
  const auto found =
      adapters_.try_emplace(path, folder(is_folder ? path : place(path).in.path())).first;
  adapter_files& files = found->second;
  const auto source_of = [&](const matrix_elsewhere& each) {
    const std::string name = is_folder ? each.file : path.filename().string();
    const auto known = files_.find(path / name);
    const std::size_t number = known != files_.end() ? known->second : files.open(name);
    files_.emplace(path / name, number);
    return stored_matrix{number,    each.dtype,      each.begin,     each.rows,
                         each.cols, each.row_stride, each.col_stride};
  };
  factor_source source{wanted.adapter,
                       source_of(wanted.elsewhere[0]),
                       source_of(wanted.elsewhere[1]),
                       {},
                       wanted.strength};
  if (wanted.elsewhere.size() == 3) source.core = source_of(wanted.elsewhere[2]);
  return tool::load(files, source);
}

}  // namespace revlora::tool
