// SHA-256, by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace revlora::tool {

using sha256_digest = std::array<std::byte, 32>;

sha256_digest sha256_of(std::span<const std::byte> bytes);

/// Of a file's content, in hexadecimal digits, as `sha256sum` prints it.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace revlora::tool
