// JSON that somebody else wrote: read strictly, in linear time, and refused with the file's name.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace revlora::tool {

/// Receives what a text says, event by event, without a tree of it. The events that a derived class
/// does not override are those that it does not expect.
class json_reader : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  /// Problems begin with `source`, which has to outlive the reader.
  explicit json_reader(const std::string& source) : source_(source) {}

  /// Throws a problem if the text is not valid JSON.
  void read(std::string_view text);

  bool null() override { refuse(); }
  bool boolean(bool) override { refuse(); }
  bool number_integer(number_integer_t) override { refuse(); }
  bool number_unsigned(number_unsigned_t) override { refuse(); }
  bool number_float(number_float_t, const string_t&) override { refuse(); }
  bool string(string_t&) override { refuse(); }
  bool binary(binary_t&) override { refuse(); }
  bool start_object(std::size_t) override { refuse(); }
  bool key(string_t&) override { refuse(); }
  bool end_object() override { refuse(); }
  bool start_array(std::size_t) override { refuse(); }
  bool end_array() override { refuse(); }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override;

 protected:
  const std::string& source() const { return source_; }
  /// Throws a problem: what comes here is unexpected.
  [[noreturn]] void refuse() const;

 private:
  /// What to say then.
  virtual std::string complaint() const = 0;

  const std::string& source_;
};

/// Parses one JSON object, its keys in the order of the text. Throws a problem that begins with
/// `source` if the text is not valid JSON, is not an object, is nested more than 32 levels deep, or
/// has a key twice in any of its objects: which of the two values counts would be anybody's guess.
/// A look-up by key is linear: fine for a known few of them, not for those of another file.
nlohmann::ordered_json parse_object(std::string_view text, const std::string& source);

/// Throws a problem that begins with `source` if one of these keys of one object appears twice.
void refuse_repeated(std::vector<std::string_view> keys, const std::string& source);

}  // namespace revlora::tool
