#include "undo/undo_file.hpp"

#include <algorithm>
#include <cstring>

#include "console/problem.hpp"
#include "console/text.hpp"
#include "files/sha256.hpp"
#include "revlora/error.hpp"
#include "undo/undo_header.hpp"

namespace revlora::tool {

namespace {

constexpr std::string_view magic = "revlora\n";
constexpr std::uint32_t format_version = 1;
constexpr std::size_t preamble_bytes = 8 + 4 + 8 + 8;
constexpr std::size_t digest_bytes = sizeof(sha256_digest);

template <class Integer>
Integer integer_at(std::span<const std::byte> bytes, std::size_t position) {
  Integer value;
  std::memcpy(&value, bytes.data() + position, sizeof value);  // memory is little-endian, too
  return value;
}

}  // namespace

std::vector<std::byte> undo_file::to_bytes() const {
  const std::string header = undo_header_of(*this);
  std::uint64_t total = preamble_bytes + header.size() + digest_bytes;
  for (const merged_tensor& tensor : tensors) total += tensor.record.size_bytes();
  const std::uint64_t header_bytes = header.size();

  std::vector<std::byte> bytes(total);
  std::byte* end = bytes.data();
  const auto append = [&](const void* data, std::size_t size) {
    std::memcpy(end, data, size);
    end += size;
  };
  append(magic.data(), magic.size());
  append(&format_version, sizeof format_version);
  append(&total, sizeof total);
  append(&header_bytes, sizeof header_bytes);
  append(header.data(), header.size());
  for (const merged_tensor& tensor : tensors) {
    append(tensor.record.bytes().data(), tensor.record.size_bytes());
  }
  const sha256_digest digest = sha256_of({bytes.data(), end});
  append(digest.data(), digest.size());
  return bytes;
}

void undo_file::check_start(std::span<const std::byte> start, std::uint64_t file_bytes,
                            const std::string& source) {
  if (!begins_like_one(start)) throw problem(source + " is not an undo file of revlora");
  if (file_bytes < preamble_bytes + digest_bytes) throw problem(source + " is truncated");
  const auto version = integer_at<std::uint32_t>(start, 8);
  if (version != format_version) {
    throw problem(source + " is an undo file of version " + std::to_string(version) +
                  ": this revlora knows version " + std::to_string(format_version));
  }
  const auto total = integer_at<std::uint64_t>(start, 12);
  if (file_bytes < total) throw problem(source + " is truncated");
  if (file_bytes > total) throw problem(source + " is damaged: it goes on behind its end");
}

undo_file undo_file::from_bytes(std::span<const std::byte> bytes, const std::string& source) {
  check_start(bytes, bytes.size(), source);
  const auto content = bytes.first(bytes.size() - digest_bytes);
  const auto header_bytes = integer_at<std::uint64_t>(bytes, 20);
  const bool intact = header_bytes <= content.size() - preamble_bytes &&
                      std::ranges::equal(sha256_of(content), bytes.last(digest_bytes));
  if (!intact) throw problem(source + " is damaged: its checksum does not fit");
  const std::string_view header(reinterpret_cast<const char*>(content.data() + preamble_bytes),
                                header_bytes);
  try {
    return read_undo_content(header, content.subspan(preamble_bytes + header_bytes), source);
  } catch (const record_refused& error) {
    const bool is_intact = error.reason() == refusal::other_version;
    throw problem(source + (is_intact ? " cannot be read: " : " is damaged: ") + error.what());
  }
}

bool undo_file::begins_like_one(std::span<const std::byte> start) {
  return start.size() >= magic.size() && std::memcmp(start.data(), magic.data(), magic.size()) == 0;
}

}  // namespace revlora::tool
