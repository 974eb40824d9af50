#include "safetensors/file_metadata.hpp"

#include <array>

#include "console/text.hpp"
#include "files/json.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

namespace {

/// Keeps the texts of one object and lets everything else pass: whether that follows the schema,
/// the reader of the table asks.
class metadata_reader : public json_reader {
 public:
  using json_reader::json_reader;

  bool number_unsigned(number_unsigned_t) override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }

  bool start_object(std::size_t) override {
    ++depth_;
    return true;
  }

  bool end_object() override {
    --depth_;
    return true;
  }

  bool key(string_t& name) override {
    if (depth_ == 1) is_metadata_ = name == "__metadata__";
    key_ = std::move(name);
    return true;
  }

  bool string(string_t& text) override {
    if (is_metadata_ && depth_ == 2) texts[key_] = std::move(text);
    return true;
  }

  std::map<std::string, std::string> texts;

 private:
  std::string complaint() const override { return source() + ": not a safetensors header"; }

  std::size_t depth_ = 0;
  bool is_metadata_ = false;
  std::string key_;
};

}  // namespace

std::map<std::string, std::string> read_metadata(const file& opened) {
  const std::string source = quoted(opened.path());
  std::array<std::byte, 8> start;
  opened.read(start, 0);
  std::string header(header_size(start, opened.size(), source), '\0');
  opened.read(std::as_writable_bytes(std::span(header)), start.size());
  return read_metadata(header, source);
}

std::map<std::string, std::string> read_metadata(std::string_view header,
                                                 const std::string& source) {
  metadata_reader reader(source);
  reader.read(header);
  return std::move(reader.texts);
}

}  // namespace revlora::tool
