#include "files/sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <new>
#include <vector>

#include "console/problem.hpp"
#include "files/folder.hpp"

namespace revlora::tool {

namespace {

void require(int result) {
  if (result != 1) throw problem("OpenSSL cannot compute SHA-256");
}

EVP_MD_CTX* made(const std::shared_ptr<void>& context) {
  return static_cast<EVP_MD_CTX*>(context.get());
}

}  // namespace

sha256_stream::sha256_stream()
    : context_(EVP_MD_CTX_new(),
               [](void* owned) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(owned)); }) {
  if (!context_) throw std::bad_alloc();
  require(EVP_DigestInit_ex(made(context_), EVP_sha256(), nullptr));
}

void sha256_stream::add(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(made(context_), bytes.data(), bytes.size()));
}

sha256_digest sha256_stream::finish() {
  sha256_digest digest;
  require(
      EVP_DigestFinal_ex(made(context_), reinterpret_cast<unsigned char*>(digest.data()), nullptr));
  require(EVP_DigestInit_ex(made(context_), EVP_sha256(), nullptr));
  return digest;
}

sha256_digest sha256_of(std::span<const std::byte> bytes) {
  sha256_stream stream;
  stream.add(bytes);
  return stream.finish();
}

std::string hexadecimal(const sha256_digest& digest) {
  std::string digits;
  for (const std::byte byte : digest) {
    constexpr char all[] = "0123456789abcdef";
    digits += all[std::to_integer<int>(byte >> 4)];
    digits += all[std::to_integer<int>(byte & std::byte{15})];
  }
  return digits;
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const place where(path);
  const file opened = where.in.open(where.name, folder::links::followed);
  sha256_stream stream;
  std::vector<std::byte> piece(1 << 20);
  for (std::uint64_t at = 0; at < opened.size(); at += piece.size()) {
    piece.resize(std::min<std::uint64_t>(piece.size(), opened.size() - at));
    opened.read(piece, at);
    stream.add(piece);
  }
  return hexadecimal(stream.finish());
}

}  // namespace revlora::tool
