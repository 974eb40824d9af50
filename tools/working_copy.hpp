// A copy of a file that is changed in peace before it takes the place of the original.
#pragma once

#include <filesystem>
#include <optional>
#include <span>

#include "file.hpp"

namespace revlora::tool {

/// Memory stays small whatever the file's size: the copy is mapped, and the operating system writes
/// changed pages out as it likes.
class working_copy {
 public:
  /// Copies `original` to `path`, where nothing may be yet.
  working_copy(const std::filesystem::path& original, const std::filesystem::path& path);
  working_copy(working_copy&&) noexcept = default;
  ~working_copy();  ///< removes the copy unless it was kept

  std::span<std::byte> bytes() const { return mapping_->bytes(); }

  /// Returns when all bytes are on disk; the copy has the original's permissions then. No more
  /// changes after that.
  void finish();

  /// The copy stays where it is: it was renamed, or its folder will be.
  void keep() { guard_.path.clear(); }

 private:
  struct removal {
    std::filesystem::path path;
    removal(std::filesystem::path p) : path(std::move(p)) {}
    removal(removal&& other) noexcept : path(std::move(other.path)) { other.path.clear(); }
    ~removal();
  };

  std::filesystem::path original_;
  std::filesystem::path path_;
  removal guard_;
  std::optional<mapping> mapping_;
};

/// Copies a whole file to a new one and returns when it is on disk.
void copy_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace revlora::tool
