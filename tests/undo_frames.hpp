// The frame of undo files, taken apart and put around whatever else a test says, with lengths and
// checksums that fit.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "files/file.hpp"
#include "files/sha256.hpp"

namespace revlora::tests {

struct undo_frame {
  std::string body;
  std::string header;
};

inline void append_integer(std::string& bytes, auto value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline std::uint64_t integer_in(const std::string& bytes, std::size_t at) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// The bytes of an undo file; one that is not finished says nothing of its size.
inline std::string undo_file_of(const std::vector<undo_frame>& frames, bool is_finished = true) {
  std::string sections;
  for (const undo_frame& each : frames) {
    std::string sizes;
    append_integer(sizes, std::uint64_t{each.body.size()});
    append_integer(sizes, std::uint64_t{each.header.size()});
    const std::string signed_bytes = each.body + each.header + sizes;
    const auto digest = tool::sha256_of(std::as_bytes(std::span(signed_bytes)));
    sections += sizes + each.body + each.header;
    sections.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  std::string file = "revlora\n";
  append_integer(file, std::uint32_t{2});
  append_integer(file, std::uint32_t{0});
  append_integer(file, is_finished ? std::uint64_t{24 + sections.size()} : std::uint64_t{0});
  return file + sections;
}

/// The sections of an undo file that is whole.
inline std::vector<undo_frame> frames_in(const std::string& file) {
  std::vector<undo_frame> frames;
  for (std::size_t at = 24; at < file.size();) {
    const std::uint64_t body = integer_in(file, at), header = integer_in(file, at + 8);
    frames.push_back({file.substr(at + 16, body), file.substr(at + 16 + body, header)});
    at += 16 + body + header + sizeof(tool::sha256_digest);
  }
  return frames;
}

/// A file that is nowhere on disk, called "file" in messages.
inline tool::file file_in_memory(const std::string& bytes) {
  tool::file made(tool::descriptor(::memfd_create("undo", 0)), "file");
  made.write(std::as_bytes(std::span(bytes)), 0);
  return made;
}

}  // namespace revlora::tests
