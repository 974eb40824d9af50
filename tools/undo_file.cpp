#include "undo_file.hpp"

#include <algorithm>
#include <cstring>

#include "file.hpp"
#include "json.hpp"
#include "problem.hpp"
#include "revlora/error.hpp"
#include "sha256.hpp"

namespace revlora::tool {

namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view magic = "revlora\n";
constexpr std::uint32_t format_version = 1;
constexpr std::size_t preamble_bytes = 8 + 4 + 8 + 8;
constexpr std::size_t digest_bytes = sizeof(sha256_digest);

void append(std::vector<std::byte>& bytes, const void* data, std::size_t size) {
  const auto* const begin = static_cast<const std::byte*>(data);
  bytes.insert(bytes.end(), begin, begin + size);
}

template <class Integer>
Integer integer_at(std::span<const std::byte> bytes, std::size_t position) {
  Integer value;
  std::memcpy(&value, bytes.data() + position, sizeof value);  // memory is little-endian, too
  return value;
}

bool begins_with_magic(std::span<const std::byte> bytes) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

json header_of(const undo_file& undo) {
  json header = {
      {"model", undo.model.string()}, {"adapters", json::array()}, {"tensors", json::array()}};
  for (const merged_adapter& adapter : undo.adapters) {
    header["adapters"].push_back(
        {{"path", adapter.folder.string()}, {"strength", adapter.strength}});
  }
  for (const merged_tensor& tensor : undo.tensors) {
    header["tensors"].push_back({{"file", tensor.file},
                                 {"name", tensor.name},
                                 {"dtype", tensor.dtype},
                                 {"shape", tensor.shape},
                                 {"changed", tensor.changed},
                                 {"record_bytes", tensor.record.size_bytes()}});
  }
  return header;
}

undo_file read_content(const json& header, std::span<const std::byte> records) {
  undo_file undo;
  undo.model = header.at("model").get<std::string>();
  for (const json& adapter : header.at("adapters")) {
    undo.adapters.push_back(
        {adapter.at("path").get<std::string>(), adapter.at("strength").get<double>()});
  }
  for (const json& entry : header.at("tensors")) {
    const auto size = entry.at("record_bytes").get<std::size_t>();
    if (size > records.size()) throw record_refused(refusal::damaged, "the records are too short");
    undo.tensors.push_back(
        {entry.at("file").get<std::string>(), entry.at("name").get<std::string>(),
         entry.at("dtype").get<std::string>(), entry.at("shape").get<std::vector<std::uint64_t>>(),
         entry.at("changed").get<std::uint64_t>(), undo_record::from_bytes(records.first(size))});
    records = records.subspan(size);
  }
  if (!records.empty()) throw record_refused(refusal::damaged, "bytes that belong to no record");
  return undo;
}

}  // namespace

std::vector<std::byte> undo_file::to_bytes() const {
  const std::string header = header_of(*this).dump();
  std::uint64_t total = preamble_bytes + header.size() + digest_bytes;
  for (const merged_tensor& tensor : tensors) total += tensor.record.size_bytes();
  const std::uint64_t header_bytes = header.size();

  std::vector<std::byte> bytes;
  bytes.reserve(total);
  append(bytes, magic.data(), magic.size());
  append(bytes, &format_version, sizeof format_version);
  append(bytes, &total, sizeof total);
  append(bytes, &header_bytes, sizeof header_bytes);
  append(bytes, header.data(), header.size());
  for (const merged_tensor& tensor : tensors) {
    append(bytes, tensor.record.bytes().data(), tensor.record.size_bytes());
  }
  const sha256_digest digest = sha256_of(bytes);
  append(bytes, digest.data(), digest.size());
  return bytes;
}

undo_file undo_file::from_bytes(std::span<const std::byte> bytes, const std::string& source) {
  if (!begins_with_magic(bytes)) throw problem(source + " is not an undo file of revlora");
  if (bytes.size() < preamble_bytes + digest_bytes) throw problem(source + " is truncated");
  const auto version = integer_at<std::uint32_t>(bytes, 8);
  if (version != format_version) {
    throw problem(source + " is an undo file of version " + std::to_string(version) +
                  ": this revlora knows version " + std::to_string(format_version));
  }
  const auto total = integer_at<std::uint64_t>(bytes, 12);
  if (bytes.size() < total) throw problem(source + " is truncated");
  const auto content = bytes.first(bytes.size() - digest_bytes);
  const auto header_bytes = integer_at<std::uint64_t>(bytes, 20);
  const bool intact = bytes.size() == total && header_bytes <= content.size() - preamble_bytes &&
                      std::ranges::equal(sha256_of(content), bytes.last(digest_bytes));
  if (!intact) throw problem(source + " is damaged: its checksum does not fit");
  const std::string_view header(reinterpret_cast<const char*>(content.data() + preamble_bytes),
                                header_bytes);
  try {
    return read_content(parse_object<json>(header, source),
                        content.subspan(preamble_bytes + header_bytes));
  } catch (const record_refused& error) {
    const bool is_intact = error.reason() == refusal::other_version;
    throw problem(source + (is_intact ? " cannot be read: " : " is damaged: ") + error.what());
  } catch (const nlohmann::json::exception&) {
    throw problem(source + " is damaged: its header is not complete");
  }
}

undo_file undo_file::read(const std::filesystem::path& path) {
  const mapping file = mapping::for_reading(path);
  return from_bytes(file.bytes(), "'" + path.string() + "'");
}

bool undo_file::is_one(const std::filesystem::path& path) {
  return begins_with_magic(mapping::for_reading(path).bytes());
}

}  // namespace revlora::tool
