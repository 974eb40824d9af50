#include "undo/undo_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "console/interruption.hpp"
#include "console/problem.hpp"
#include "console/text.hpp"
#include "undo/undo_section.hpp"

namespace revlora::tool {

namespace {

constexpr std::string_view magic = "revlora\n";
constexpr std::uint64_t sizes_bytes = 16;
constexpr std::uint64_t digest_bytes = sizeof(sha256_digest);
constexpr std::uint64_t longest_header = 1'000'000'000;

template <class Integer>
Integer integer_at(std::span<const std::byte> bytes, std::size_t position) {
  Integer value;
  std::memcpy(&value, bytes.data() + position, sizeof value);  // memory is little-endian, too
  return value;
}

struct framed_section {
  file_range body;
  std::string header;
  std::uint64_t end;
};

/// Nothing if what begins there is no whole section, or another one than was written.
std::optional<framed_section> framed_at(const file& opened, std::uint64_t begin,
                                        std::uint64_t file_end) {
  if (file_end < begin || file_end - begin < sizes_bytes + digest_bytes) return {};
  std::array<std::byte, sizes_bytes> sizes;
  opened.read(sizes, begin);
  const auto body = integer_at<std::uint64_t>(sizes, 0);
  const auto header = integer_at<std::uint64_t>(sizes, 8);
  const std::uint64_t rest = file_end - begin - sizes_bytes - digest_bytes;
  if (header > longest_header || header > rest || body > rest - header) return {};
  framed_section found{{begin + sizes_bytes, body},
                       std::string(header, '\0'),
                       begin + sizes_bytes + body + header + digest_bytes};
  sha256_stream digest;
  std::vector<std::byte> piece(std::min<std::uint64_t>(body, 1 << 20));
  for (std::uint64_t at = 0; at < body; at += piece.size()) {
    stop_if_interrupted();
    piece.resize(std::min<std::uint64_t>(piece.size(), body - at));
    opened.read(piece, found.body.begin + at);
    digest.add(piece);
  }
  opened.read(std::as_writable_bytes(std::span(found.header)), found.body.begin + body);
  digest.add(std::as_bytes(std::span(found.header)));
  digest.add(sizes);
  sha256_digest stored;
  opened.read(stored, found.end - digest_bytes);
  if (digest.finish() != stored) return {};
  return found;
}

/// Lets a section of files that were restored be known to those of the merges before.
void remember(const undo_restored& restored, std::vector<undo_merge>& merges) {
  for (const file_identity& now : restored.files) {
    for (undo_merge& merge : merges) {
      for (undo_shard& shard : merge.shards) {
        if (shard.identity.name == now.name) shard.identity = now;
      }
    }
  }
}

}  // namespace

undo_file undo_file::read(const file& opened) {
  const std::string source = quoted(opened.path());
  const std::uint64_t size = opened.status_now().size();
  std::vector<std::byte> start(std::min<std::uint64_t>(size, preamble_bytes));
  opened.read(start, 0);
  if (!begins_like_one(start)) throw problem(source + " is not an undo file of revlora");
  if (start.size() < preamble_bytes) throw problem(source + " is truncated");
  const auto version = integer_at<std::uint32_t>(start, 8);
  if (version != format_version) {
    throw problem(source + " is an undo file of version " + std::to_string(version) +
                  ", and this revlora knows version " + std::to_string(format_version) +
                  ": unmerge with the revlora that wrote it");
  }
  if (integer_at<std::uint32_t>(start, 12) != 0) throw problem(source + " is damaged");
  const auto total = integer_at<std::uint64_t>(start, 16);
  if (size < total) throw problem(source + " is truncated");
  undo_file undo;
  undo.is_finished_ = total != 0;
  // What follows the end of a finished file was added by a run that was interrupted.
  const std::uint64_t end = undo.is_finished_ ? total : size;
  while (undo.whole_bytes_ < end) {
    auto framed = framed_at(opened, undo.whole_bytes_, end);
    if (!framed && undo.is_finished_) {
      throw problem(source + " is damaged: a checksum does not fit");
    }
    if (!framed) break;
    const std::size_t adapters = undo.merges_.empty() ? 0 : undo.last().adapters.size();
    undo_section section = read_section(framed->header, framed->body, adapters, source);
    const std::uint64_t section_begin = std::exchange(undo.whole_bytes_, framed->end);
    if (auto* const merge = std::get_if<undo_merge>(&section)) {
      undo.merges_.push_back(std::move(*merge));
      continue;
    }
    if (undo.merges_.empty()) throw problem(source + " is damaged: it does not begin with a merge");
    if (auto* const shard = std::get_if<undo_shard>(&section)) {
      shard->section_begin = section_begin;
      undo.merges_.back().shards.push_back(std::move(*shard));
    } else if (auto* const text = std::get_if<undo_text>(&section)) {
      undo.merges_.back().texts.push_back(std::move(*text));
    } else {
      remember(std::get<undo_restored>(section), undo.merges_);
    }
  }
  if (undo.merges_.empty()) {
    throw problem(source + (undo.is_finished_ ? " is damaged: there is no merge in it"
                                              : " is truncated, or was never begun"));
  }
  return undo;
}

bool undo_file::begins_like_one(std::span<const std::byte> start) {
  return start.size() >= magic.size() && std::memcmp(start.data(), magic.data(), magic.size()) == 0;
}

}  // namespace revlora::tool
