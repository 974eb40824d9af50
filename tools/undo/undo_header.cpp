#include "undo/undo_header.hpp"

#include <algorithm>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/file_name.hpp"
#include "files/json.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

/// Takes a header apart. The file's checksum finds accidents, not forgery: everything that is
/// relied on later is looked at here.
class content_reader {
 public:
  explicit content_reader(const std::string& source) : damaged_(source + " is damaged") {}

  undo_file read(std::string_view text, std::span<const std::byte> records) const {
    const json header = parse_object(text, damaged_);
    undo_file undo;
    undo.model = path(header, "model");
    for (const json& entry : member(header, "adapters", &json::is_array)) {
      undo.adapters.push_back(
          {path(entry, "path"), member(entry, "strength", &json::is_number).get<double>()});
    }
    if (header.contains("files")) undo.files = files(header);
    for (const json& entry : member(header, "tensors", &json::is_array)) {
      const std::uint64_t size = count(entry, "record_bytes");
      require(size <= records.size(), "the records are too short");
      undo.tensors.push_back({file_name(entry, "file"), text_of(entry, "name"),
                              text_of(entry, "dtype"), shape(entry), count(entry, "changed"),
                              undo_record::from_bytes(records.first(size))});
      check(undo.tensors.back(), undo.adapters.size());
      records = records.subspan(size);
    }
    require(records.empty(), "bytes that belong to no record");
    check_names(undo);
    return undo;
  }

 private:
  void require(bool holds, const std::string& what) const {
    if (!holds) throw problem(damaged_ + ": " + what);
  }

  const json& member(const json& object, const char* key, bool (json::*is_right)() const) const {
    const auto found = object.is_object() ? object.find(key) : object.end();
    require(found != object.end() && (*found.*is_right)(),
            std::string("its header has no proper ") + key);
    return *found;
  }

  std::string text_of(const json& object, const char* key) const {
    return member(object, key, &json::is_string).get<std::string>();
  }

  std::uint64_t count(const json& object, const char* key) const {
    return member(object, key, &json::is_number_unsigned).get<std::uint64_t>();
  }

  std::filesystem::path path(const json& object, const char* key) const {
    const std::string text = text_of(object, key);
    require(text.starts_with('/') && text.find('\0') == std::string::npos,
            "the " + std::string(key) + " " + quoted(text) + " is not an absolute path");
    return text;
  }

  std::string file_name(const json& object, const char* key) const {
    std::string name = text_of(object, key);
    check_file_name(name, damaged_ + ": a file of the model");
    return name;
  }

  std::vector<std::uint64_t> shape(const json& entry) const {
    const json& extents = member(entry, "shape", &json::is_array);
    require(std::all_of(extents.begin(), extents.end(),
                        [](const json& extent) { return extent.is_number_unsigned(); }),
            "a shape is not a list of sizes");
    return extents.get<std::vector<std::uint64_t>>();
  }

  std::vector<file_identity> files(const json& header) const {
    std::vector<file_identity> files;
    for (const json& entry : member(header, "files", &json::is_array)) {
      files.push_back({file_name(entry, "name"), count(entry, "device"), count(entry, "inode"),
                       count(entry, "modified"), count(entry, "base_inode"),
                       count(entry, "base_changed")});
    }
    return files;
  }

  void check(const merged_tensor& tensor, std::size_t adapters) const {
    const std::string name = quoted(tensor.name);
    const undo_record& record = tensor.record;
    const auto matrix = matrix_of(tensor.dtype, tensor.shape);
    require(matrix && matrix->type == record.type() && matrix->rows == record.rows() &&
                matrix->cols == record.cols(),
            "the record of " + name + " is one of another matrix");
    require(record.fingerprints().size() <= adapters,
            "the record of " + name + " has more adapters than the file");
    require(tensor.changed <= static_cast<std::uint64_t>(matrix->rows * matrix->cols),
            "more weights of " + name + " changed than it has");
  }

  void check_names(const undo_file& undo) const {
    std::vector<std::string_view> tensors, files;
    for (const merged_tensor& tensor : undo.tensors) tensors.push_back(tensor.name);
    for (const file_identity& file : undo.files) files.push_back(file.name);
    refuse_repeated(std::move(tensors), damaged_ + ": in its tensors");
    refuse_repeated(std::move(files), damaged_ + ": in its files");
  }

  std::string damaged_;
};

}  // namespace

std::string undo_header_of(const undo_file& undo) {
  json header = {{"model", undo.model.string()},
                 {"adapters", json::array()},
                 {"files", json::array()},
                 {"tensors", json::array()}};
  for (const merged_adapter& adapter : undo.adapters) {
    header["adapters"].push_back({{"path", adapter.path.string()}, {"strength", adapter.strength}});
  }
  for (const file_identity& file : undo.files) {
    header["files"].push_back({{"name", file.name},
                               {"device", file.device},
                               {"inode", file.inode},
                               {"modified", file.modified},
                               {"base_inode", file.base_inode},
                               {"base_changed", file.base_changed}});
  }
  for (const merged_tensor& tensor : undo.tensors) {
    header["tensors"].push_back({{"file", tensor.file},
                                 {"name", tensor.name},
                                 {"dtype", tensor.dtype},
                                 {"shape", tensor.shape},
                                 {"changed", tensor.changed},
                                 {"record_bytes", tensor.record.size_bytes()}});
  }
  return header.dump();
}

undo_file read_undo_content(std::string_view header, std::span<const std::byte> records,
                            const std::string& source) {
  return content_reader(source).read(header, records);
}

}  // namespace revlora::tool
