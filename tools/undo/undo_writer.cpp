#include "undo/undo_writer.hpp"

#include <array>
#include <cstring>

namespace revlora::tool {

namespace {

constexpr std::uint64_t sizes_bytes = 16;

}  // namespace

undo_writer undo_writer::begin(file target) {
  undo_writer made(std::move(target), undo_file::preamble_bytes);
  std::array<std::byte, undo_file::preamble_bytes> preamble{};
  std::memcpy(preamble.data(), "revlora\n", 8);
  std::memcpy(preamble.data() + 8, &undo_file::format_version, 4);
  made.file_.write(preamble, 0);
  return made;
}

undo_writer undo_writer::go_on(file target, std::uint64_t whole_bytes) {
  undo_writer made(std::move(target), whole_bytes);
  // What is there behind it is whole in itself perhaps: it must not be taken for what comes next.
  made.mark(0);
  made.file_.truncate(whole_bytes);
  return made;
}

std::uint64_t undo_writer::body_begin() const {
  return section_ + sizes_bytes;
}

file_range undo_writer::append(std::span<const std::byte> bytes) {
  if (end_ == section_) end_ += sizes_bytes;
  file_.write(bytes, end_);
  digest_.add(bytes);
  const file_range written{end_, bytes.size()};
  end_ += bytes.size();
  return written;
}

void undo_writer::end_section(const undo_section& section) {
  if (end_ == section_) end_ += sizes_bytes;
  const std::uint64_t body_bytes = end_ - body_begin();
  const std::string header = section_header_of(section, body_begin());
  const std::uint64_t sizes[] = {body_bytes, header.size()};
  digest_.add(std::as_bytes(std::span(header)));
  digest_.add(std::as_bytes(std::span(sizes)));
  const sha256_digest digest = digest_.finish();
  file_.write(std::as_bytes(std::span(header)), end_);
  file_.write(digest, end_ + header.size());
  file_.write(std::as_bytes(std::span(sizes)), section_);
  end_ += header.size() + digest.size();
  section_ = end_;
}

void undo_writer::append_sections(const file& from, std::uint64_t begin, std::uint64_t size) {
  file_.copy_range_from(from, begin, size, end_);
  end_ += size;
  section_ = end_;
}

void undo_writer::drop_section() {
  cut(section_);
}

void undo_writer::cut(std::uint64_t whole_bytes) {
  section_ = end_ = whole_bytes;
  digest_ = sha256_stream();
  file_.truncate(end_);
}

void undo_writer::finish() {
  mark(end_);
}

void undo_writer::mark(std::uint64_t total) {
  std::array<std::byte, sizeof total> bytes;
  std::memcpy(bytes.data(), &total, sizeof total);
  file_.write(bytes, undo_file::preamble_bytes - sizeof total);
}

}  // namespace revlora::tool
