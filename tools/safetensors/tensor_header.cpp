#include "safetensors/tensor_header.hpp"

#include <map>
#include <set>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/json.hpp"
#include "safetensors/dtype.hpp"

namespace revlora::tool {

namespace {

constexpr std::size_t most_dimensions = 64;  // of NumPy; PyTorch's operations have the same limit

class header_reader : public json_reader {
 public:
  header_reader(std::uint64_t data_bytes, const std::string& source)
      : json_reader(source), data_bytes_(data_bytes) {}

  bool start_object(std::size_t) override {
    switch (at_) {
      case place::header:
        return go_on(place::name);
      case place::metadata:
        return go_on(place::metadata_key);
      case place::entry:
        return go_on(place::field);
      default:
        refuse();
    }
  }

  bool key(string_t& text) override {
    if (at_ == place::name) return begin_entry(std::move(text));
    if (at_ == place::field) return begin_field(text);
    metadata_keys_.push_back(std::move(text));
    return go_on(place::metadata_value);
  }

  bool string(string_t& text) override {
    if (at_ == place::metadata_value) return go_on(place::metadata_key);
    if (at_ != place::dtype) refuse();
    if (!bits_of_dtype(text)) throw problem(where() + ": unknown dtype " + quoted(text));
    tensors_.back().dtype = std::move(text);
    return go_on(place::field);
  }

  bool start_array(std::size_t) override {
    if (at_ == place::shape) return go_on(place::extents);
    if (at_ == place::data_offsets) return go_on(place::offsets);
    refuse();
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (at_ != place::extents && at_ != place::offsets) refuse();
    auto& list = at_ == place::extents ? tensors_.back().shape : offsets_;
    list.push_back(number);
    if (list.size() > most_dimensions) {
      throw problem(where() + ": a list of more than " + std::to_string(most_dimensions) +
                    " numbers");
    }
    return true;
  }

  bool end_array() override { return go_on(place::field); }

  bool end_object() override {
    if (at_ == place::field) end_entry();
    return go_on(place::name);
  }

  std::vector<tensor> finish() {
    refuse_repeated({metadata_keys_.begin(), metadata_keys_.end()}, source());
    std::vector<std::string_view> names(metadata_count_, metadata_name);
    for (const tensor& t : tensors_) names.push_back(t.name);
    refuse_repeated(std::move(names), source());
    return std::move(tensors_);
  }

 private:
  /// What comes next.
  enum class place {
    header,
    name,
    metadata,
    metadata_key,
    metadata_value,
    entry,
    field,
    dtype,
    shape,
    extents,
    data_offsets,
    offsets
  };

  bool go_on(place next) {
    at_ = next;
    return true;
  }

  bool begin_entry(std::string name) {
    if (name == metadata_name) {
      ++metadata_count_;
      return go_on(place::metadata);
    }
    tensors_.emplace_back().name = std::move(name);
    fields_.clear();
    offsets_.clear();
    return go_on(place::entry);
  }

  bool begin_field(const std::string& field) {
    static const std::map<std::string, place> places = {
        {"dtype", place::dtype}, {"shape", place::shape}, {"data_offsets", place::data_offsets}};
    const auto known = places.find(field);
    if (known == places.end()) throw problem(where() + ": unknown field " + quoted(field));
    if (!fields_.insert(field).second) {
      throw problem(where() + ": the key " + quoted(field) + " appears twice");
    }
    return go_on(known->second);
  }

  void end_entry() {
    tensor& t = tensors_.back();
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      if (!fields_.contains(field)) throw problem(where() + ": " + field + " is missing");
    }
    if (offsets_.size() != 2) throw problem(where() + ": data_offsets is not [begin, end]");
    t.begin = offsets_[0];
    t.end = offsets_[1];
    if (t.begin > t.end || t.end > data_bytes_) {
      throw problem(where() + ": its bytes [" + std::to_string(t.begin) + ", " +
                    std::to_string(t.end) + ") lie outside the " + std::to_string(data_bytes_) +
                    " bytes of data");
    }
    const std::uint64_t expected = bytes_of_shape(t, where());
    if (t.size_bytes() != expected) {
      throw problem(where() + ": " + t.dtype + " " + describe_shape(t.shape) + " needs " +
                    std::to_string(expected) + " bytes, but has " + std::to_string(t.size_bytes()));
    }
  }

  std::string where() const { return source() + ": tensor " + quoted(tensors_.back().name); }

  std::string complaint() const override {
    switch (at_) {
      case place::metadata:
      case place::metadata_value:
        return source() + ": __metadata__ does not map strings to strings";
      case place::entry:
        return where() + ": its entry is not an object";
      case place::dtype:
        return where() + ": dtype is not a string";
      case place::shape:
      case place::extents:
        return where() + ": shape is not a list of sizes";
      case place::data_offsets:
      case place::offsets:
        return where() + ": data_offsets is not [begin, end]";
      default:
        return source() + ": not a JSON object";
    }
  }

  std::uint64_t data_bytes_;
  place at_ = place::header;
  std::vector<tensor> tensors_;
  std::set<std::string> fields_;        ///< of the last tensor, as far as they were read
  std::vector<std::uint64_t> offsets_;  ///< of the last tensor
  std::vector<std::string> metadata_keys_;
  std::size_t metadata_count_ = 0;
};

}  // namespace

std::uint64_t bytes_of_shape(const tensor& t, const std::string& where) {
  const auto known = bits_of_dtype(t.dtype);
  if (!known) throw problem(where + ": unknown dtype " + quoted(t.dtype));
  std::uint64_t bits = *known;
  // Of a tensor without elements the other extents must still make sense together: whoever
  // multiplies them does not look for zeros first.
  bool is_empty = false;
  for (const std::uint64_t extent : t.shape) {
    is_empty = is_empty || extent == 0;
    if (extent != 0 && __builtin_mul_overflow(bits, extent, &bits)) {
      throw problem(where + ": shape is too large");
    }
  }
  if (is_empty) return 0;
  if (bits % 8 != 0) throw problem(where + ": its bits do not fill whole bytes");
  return bits / 8;
}

std::vector<tensor> read_tensor_header(std::string_view header, std::uint64_t data_bytes,
                                       const std::string& source) {
  header_reader reader(data_bytes, source);
  reader.read(header);
  return reader.finish();
}

}  // namespace revlora::tool
