#include "undo/undo_section.hpp"

#include <algorithm>
#include <cmath>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/file_name.hpp"
#include "files/json.hpp"
#include "safetensors/dtype.hpp"
#include "safetensors/tensor_table.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

constexpr std::uint64_t impossible = ~std::uint64_t{0};

/// The product, or `impossible` if it is too large for any file.
std::uint64_t product(std::initializer_list<std::uint64_t> factors) {
  std::uint64_t result = 1;
  for (const std::uint64_t factor : factors) {
    if (__builtin_mul_overflow(result, factor, &result)) return impossible;
  }
  return result;
}

std::uint64_t count_of(const std::vector<std::uint64_t>& shape) {
  std::uint64_t count = 1;
  for (const std::uint64_t extent : shape) count = product({count, extent});
  return count;
}

/// Takes a header apart.
class section_reader {
 public:
  section_reader(file_range body, std::size_t adapters, const std::string& source)
      : body_(body), adapters_(adapters), damaged_(source + " is damaged") {}

  undo_section read(std::string_view text) const {
    const json header = parse_object(text, damaged_);
    const std::string kind = text_of(header, "section");
    if (kind == "merge") return merge(header);
    if (kind == "shard") return shard(header);
    if (kind == "text") {
      return undo_text{file_name(header, "file"), range(header, "base"), digest(header, "merged")};
    }
    require(kind == "restored", "it has a section that revlora does not know");
    undo_restored restored;
    for (const json& each : member(header, "files", &json::is_array)) {
      restored.files.push_back(identity(each));
    }
    return restored;
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

  std::vector<std::uint64_t> counts(const json& list, const char* what) const {
    require(list.is_array() && std::ranges::all_of(list, &json::is_number_unsigned),
            std::string("its header has no proper ") + what);
    return list.get<std::vector<std::uint64_t>>();
  }

  /// Two numbers.
  std::pair<std::uint64_t, std::uint64_t> pair(const json& list, const char* what) const {
    const auto numbers = counts(list, what);
    require(numbers.size() == 2, std::string("its header has no proper ") + what);
    return {numbers[0], numbers[1]};
  }

  file_range range(const json& object, const char* key) const {
    const auto [begin, size] = pair(member(object, key, &json::is_array), key);
    require(begin <= body_.size && size <= body_.size - begin,
            std::string("a ") + key + " lies outside of its section");
    return {body_.begin + begin, size};
  }

  sha256_digest digest(const json& object, const char* key) const {
    const std::string digits = text_of(object, key);
    sha256_digest bytes{};
    const auto digit = [&](char c) -> int {
      constexpr std::string_view all = "0123456789abcdef";
      const std::size_t value = all.find(c);
      require(value != std::string_view::npos, std::string(key) + " is no SHA-256");
      return static_cast<int>(value);
    };
    require(digits.size() == 2 * bytes.size(), std::string(key) + " is no SHA-256");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(digit(digits[2 * i]) * 16 + digit(digits[2 * i + 1]));
    }
    return bytes;
  }

  std::filesystem::path path(const json& object, const char* key) const {
    const std::string text = text_of(object, key);
    require(text.starts_with('/') && text.find('\0') == std::string::npos,
            "the " + std::string(key) + " " + quoted(text) + " is not an absolute path");
    return text;
  }

  std::string file_name(const json& object, const char* key) const {
    std::string name = text_of(object, key);
    check_relative_name(name, damaged_ + ": a file of the model");
    return name;
  }

  file_identity identity(const json& entry) const {
    return {file_name(entry, "name"), count(entry, "device"),     count(entry, "inode"),
            count(entry, "modified"), count(entry, "base_inode"), count(entry, "base_changed")};
  }

  undo_merge merge(const json& header) const {
    undo_merge merge;
    merge.model = path(header, "model");
    merge.time = count(header, "time");
    for (const json& entry : member(header, "adapters", &json::is_array)) {
      merge.adapters.push_back(
          {path(entry, "path"), member(entry, "strength", &json::is_number).get<double>()});
    }
    for (const json& name : member(header, "files", &json::is_array)) {
      require(name.is_string(), "a file of the model has no name");
      check_relative_name(name.get<std::string>(), damaged_ + ": a file of the model");
      merge.files.push_back(name.get<std::string>());
    }
    return merge;
  }

  undo_shard shard(const json& header) const {
    undo_shard shard;
    shard.identity = identity(member(header, "file", &json::is_object));
    if (header.contains("base_header")) {
      shard.base_header = range(header, "base_header");
      shard.base_bytes = count(header, "base_bytes");
      shard.merged_header = digest(header, "merged_header");
    }
    std::vector<std::string_view> names;
    for (const json& entry : member(header, "tensors", &json::is_array)) {
      shard.tensors.push_back(tensor(entry));
    }
    for (const undo_tensor& each : shard.tensors) names.push_back(each.name);
    refuse_repeated(std::move(names), damaged_ + ": in its tensors");
    return shard;
  }

  undo_tensor tensor(const json& entry) const {
    undo_tensor tensor;
    tensor.name = text_of(entry, "name");
    tensor.dtype = text_of(entry, "dtype");
    const auto size = size_of_dtype(tensor.dtype);
    require(size.has_value(), "the type of " + quoted(tensor.name) + " is unknown");
    tensor.shape = counts(member(entry, "shape", &json::is_array), "shape");
    require(product({count_of(tensor.shape), *size}) <= impossible / 4,
            quoted(tensor.name) + " is too large");
    tensor.is_new =
        entry.contains("is_new") && member(entry, "is_new", &json::is_boolean).get<bool>();
    if (!tensor.is_new) {
      tensor.base_shape = entry.contains("base_shape")
                              ? counts(member(entry, "base_shape", &json::is_array), "base_shape")
                              : tensor.shape;
      check_growth(tensor);
    }
    if (entry.contains("recipe")) tensor.recipe = recipe_of(text_of(entry, "recipe"));
    for (const json& each : member(entry, "factors", &json::is_array)) {
      tensor.factors.push_back(factors(each, tensor));
    }
    std::uint64_t position = 0;
    for (const json& each : member(entry, "windows", &json::is_array)) {
      tensor.windows.push_back(window(each, tensor, *size, position));
      const undo_window& made = tensor.windows.back();
      position = made.begin + made.rows * made.cols;
    }
    return tensor;
  }

  /// Tensors grow by rows.
  void check_growth(const undo_tensor& tensor) const {
    const auto& base = tensor.base_shape;
    const auto& merged = tensor.shape;
    const bool fits =
        base == merged || (base.size() == merged.size() && !base.empty() && base[0] < merged[0] &&
                           std::equal(base.begin() + 1, base.end(), merged.begin() + 1));
    require(fits, "the shapes of " + quoted(tensor.name) + " do not fit");
  }

  recipe recipe_of(const std::string& name) const {
    for (const recipe each : {recipe::fused, recipe::rounded_delta}) {
      if (name == name_of(each)) return each;
    }
    require(false, "the recipe " + quoted(name) + " is unknown");
    return recipe::fused;
  }

  kept_factors factors(const json& entry, const undo_tensor& tensor) const {
    kept_factors made{};
    const std::string where = "a factor of " + quoted(tensor.name);
    made.adapter = count(entry, "adapter");
    require(made.adapter < adapters_, where + " is of no adapter");
    made.type = type_named(text_of(entry, "type"));
    made.rows = count(entry, "rows");
    made.rank = count(entry, "rank");
    made.cols = count(entry, "cols");
    const auto strength = member(entry, "strength", &json::is_number).get<double>();
    made.strength = static_cast<float>(strength);
    require(std::isfinite(made.strength), where + " has no finite strength");
    const std::uint64_t size = size_of(made.type);
    const std::uint64_t b = product({made.rows, made.rank, size});
    const std::uint64_t a = product({made.rank, made.cols, size});
    require(b < impossible / 4 && a < impossible / 4, where + " is too large");
    if (entry.contains("embedded")) {
      made.embedded = range(entry, "embedded");
      require(made.embedded->size == a + b, where + " has another size");
      return made;
    }
    for (const json& each : member(entry, "elsewhere", &json::is_array)) {
      made.elsewhere.push_back({file_name(each, "file"), text_of(each, "dtype"),
                                count(each, "begin"), count(each, "rows"), count(each, "cols"),
                                count(each, "row_stride"), count(each, "col_stride")});
    }
    require(made.elsewhere.size() == 2 || made.elsewhere.size() == 3, where + " is nowhere");
    check_elsewhere(made, where);
    return made;
  }

  /// That they can be read, and are what the update is made of.
  void check_elsewhere(const kept_factors& made, const std::string& where) const {
    for (const matrix_elsewhere& each : made.elsewhere) {
      const auto size = size_of_dtype(each.dtype);
      require(size.has_value(), "the type of " + where + " is unknown");
      const bool is_possible = each.begin < impossible / 8 &&
                               product({each.rows, each.cols, *size}) < impossible / 8 &&
                               product({each.rows, each.row_stride, *size}) < impossible / 8 &&
                               product({each.cols, each.col_stride, *size}) < impossible / 8;
      require(is_possible, where + " is too large");
    }
    const matrix_elsewhere &b = made.elsewhere[0], &a = made.elsewhere[1];
    bool fits = b.rows == made.rows && b.cols == made.rank;
    if (made.elsewhere.size() == 2) {
      fits = fits && a.rows == made.rank && a.cols == made.cols;
    } else {
      const matrix_elsewhere& core = made.elsewhere[2];
      fits = fits && core.rows == made.rank && a.rows > 0 && core.cols % a.rows == 0 &&
             product({a.cols, core.cols / a.rows}) == made.cols;
    }
    require(fits, where + " has another size");
  }

  element_type type_named(const std::string& name) const {
    for (const element_type each : {element_type::fp32, element_type::fp16, element_type::bf16,
                                    element_type::e4m3, element_type::e5m2}) {
      if (name == name_of(each)) return each;
    }
    require(false, "the type " + quoted(name) + " is unknown");
    return element_type::fp32;
  }

  undo_window window(const json& entry, const undo_tensor& tensor, std::uint64_t element_bytes,
                     std::uint64_t position) const {
    undo_window made{};
    const std::string where = "a part of " + quoted(tensor.name);
    made.begin = count(entry, "begin");
    made.rows = count(entry, "rows");
    made.cols = count(entry, "cols");
    made.base_rows = entry.contains("base_rows") ? count(entry, "base_rows") : made.rows;
    made.changed = count(entry, "changed");
    const std::uint64_t elements = count_of(tensor.shape);
    const std::uint64_t own = product({made.rows, made.cols});
    require(made.begin >= position && made.begin <= elements && own <= elements - made.begin &&
                made.rows <= elements && made.cols <= elements,
            where + " lies outside of it");
    const std::uint64_t at_the_base = tensor.is_new ? 0 : count_of(tensor.base_shape);
    const std::uint64_t rest = at_the_base > made.begin ? at_the_base - made.begin : 0;
    require(made.cols == 0 || made.base_rows == std::min(made.rows, rest / made.cols),
            where + " has another base");
    require(made.changed <= own, where + ": more weights changed than it has");
    if (entry.contains("updates")) {
      require(type_of(tensor.dtype).has_value(), where + " cannot have been merged into");
      for (const json& each : member(entry, "updates", &json::is_array)) {
        const auto [number, first] = pair(each, "updates");
        require(number < tensor.factors.size(), where + " has factors that are not there");
        const kept_factors& used = tensor.factors[number];
        require(used.cols == made.cols && first <= used.rows && made.rows <= used.rows - first,
                where + " has factors that do not fit");
        made.updates.push_back({number, first});
      }
      made.record = range(entry, "record");
    }
    if (entry.contains("base")) {
      made.base = digest(entry, "base");
      made.merged = digest(entry, "merged");
      made.kept = range(entry, "kept");
      made.kept_rows = kept_rows(entry, made, element_bytes, where);
    }
    require(made.base || (!made.updates.empty() && made.base_rows == made.rows),
            where + " has nothing that leads back");
    return made;
  }

  std::vector<row_run> kept_rows(const json& entry, const undo_window& window,
                                 std::uint64_t element_bytes, const std::string& where) const {
    std::vector<row_run> runs;
    std::uint64_t position = 0, rows = 0;
    for (const json& each : member(entry, "kept_rows", &json::is_array)) {
      const auto [first, number] = pair(each, "kept_rows");
      require(first >= position && first <= window.base_rows && number <= window.base_rows - first,
              where + " has no such rows");
      runs.push_back({first, number});
      position = first + number;
      rows += number;
    }
    require(product({rows, window.cols, element_bytes}) == window.kept.size,
            where + " has other rows than are kept");
    return runs;
  }

  file_range body_;
  std::size_t adapters_;
  std::string damaged_;
};

}  // namespace

undo_section read_section(std::string_view header, file_range body, std::size_t adapters,
                          const std::string& source) {
  return section_reader(body, adapters, source).read(header);
}

}  // namespace revlora::tool
