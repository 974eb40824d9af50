// SHA-256, by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace revlora::tool {

using sha256_digest = std::array<std::byte, 32>;

/// Of bytes that come one after the other.
class sha256_stream {
 public:
  sha256_stream();
  void add(std::span<const std::byte> bytes);
  /// Of all so far; afterwards it begins again.
  sha256_digest finish();

 private:
  std::shared_ptr<void> context_;
};

sha256_digest sha256_of(std::span<const std::byte> bytes);

/// In hexadecimal digits, as `sha256sum` prints it.
std::string hexadecimal(const sha256_digest& digest);

/// Of a file's content, in hexadecimal digits. Reads it piece by piece.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace revlora::tool
