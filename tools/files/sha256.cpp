#include "files/sha256.hpp"

#include <openssl/evp.h>

#include "console/problem.hpp"
#include "files/folder.hpp"

namespace revlora::tool {

sha256_digest sha256_of(std::span<const std::byte> bytes) {
  sha256_digest digest;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                 nullptr, EVP_sha256(), nullptr) != 1) {
    throw problem("OpenSSL cannot compute SHA-256");
  }
  return digest;
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const place where(path);
  const file opened = where.in.open(where.name, folder::links::followed);
  std::string digits;
  for (const std::byte byte : sha256_of(opened.read_all())) {
    constexpr char hexadecimal[] = "0123456789abcdef";
    digits += hexadecimal[std::to_integer<int>(byte >> 4)];
    digits += hexadecimal[std::to_integer<int>(byte & std::byte{15})];
  }
  return digits;
}

}  // namespace revlora::tool
