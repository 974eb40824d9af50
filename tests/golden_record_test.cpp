// Files kept in tests/data: what the golden scene is made of, what its merges give, and their
// records. None can change by accident, and every machine makes these bytes and follows them back.
//
// After a change of the format that is meant (and has a new version number), write them anew:
//   REVLORA_WRITE_GOLDEN=tests/data revlora_tests --gtest_filter='GoldenRecord*'
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "executors.hpp"
#include "golden_scene.hpp"
#include "paths.hpp"

namespace tests {
namespace {

template <class W>
class GoldenRecord : public testing::Test {};
TYPED_TEST_SUITE(GoldenRecord, weight_types, weight_name);

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(content));
  return {bytes.begin(), bytes.end()};
}

/// What the file holds: before it is read it is written with `now`, if that is asked for.
std::vector<std::byte> golden(const std::string& name, std::span<const std::byte> now) {
  if (const char* const folder = std::getenv("REVLORA_WRITE_GOLDEN"))
    std::ofstream(folder + name, std::ios::binary)
        .write(reinterpret_cast<const char*>(now.data()), std::ssize(now));
  return read_file(REVLORA_TEST_DATA + name);
}

/// The elements row by row, without what is between the rows.
template <class T>
std::vector<std::byte> bytes_of(const matrix<T>& m) {
  std::vector<std::byte> bytes;
  for (std::ptrdiff_t i = 0; i < m.rows(); ++i) {
    const auto row = std::as_bytes(std::span(&m(i, 0), static_cast<std::size_t>(m.cols())));
    bytes.insert(bytes.end(), row.begin(), row.end());
  }
  return bytes;
}

template <class T>
testing::AssertionResult is_golden(const std::string& name, const matrix<T>& m) {
  const auto bytes = bytes_of(m);
  const auto same = same_bytes(golden("/golden-scene/" + name, bytes), bytes);
  return same ? same : testing::AssertionResult(same) << " in " << name;
}

/// What a merge gives, and its record, are those in the files, on every path, and lead back.
template <class W>
void expect_golden(const std::string& name, const matrix<W>& base, revlora::adapter_list adapters) {
  matrix<W> merged = base;
  revlora::undo_record record;
  revlora::merge(merged.view(), adapters, record);
  ASSERT_TRUE(is_golden(name + ".merged", merged));
  const auto stored = golden("/undo-record/" + name + ".record", record.bytes());
  for (const path<W>& p : paths<W>()) {
    matrix<W> w = base;
    p.merge_recorded(w.view(), adapters, record, on_this_thread());
    ASSERT_TRUE(same_bits(merged, w)) << name << " on " << p.name;
    ASSERT_TRUE(same_bytes(stored, record.bytes())) << name << " on " << p.name;
    p.restore(w.view(), adapters, revlora::undo_record::from_bytes(stored), on_this_thread());
    ASSERT_TRUE(same_bits(base, w)) << name << " on " << p.name;
  }
}

TYPED_TEST(GoldenRecord, IsMadeAndUndoneByEveryPath) {
  using W = TypeParam;
  const golden_scene<W> scene;
  std::vector<revlora::recipe> recipes{revlora::recipe::fused, revlora::recipe::rounded_delta};
  if (!oracle::has_infinity<W>) recipes.push_back(revlora::recipe::nan);
  for (const auto how : recipes)
    expect_golden(std::string(type_name<W>) + "-" + revlora::name_of(how), scene.base,
                  {scene.list, how});
}

// In an order in which D has special values before the product of two sums is added.
TYPED_TEST(GoldenRecord, OfSeveralFamiliesIsMadeAndUndoneByEveryPath) {
  const golden_scene<TypeParam> scene;
  const auto& [b, a, strength] = scene.first;
  const revlora::hadamard squared({b.view(), a.view()}, {b.view(), a.view()}, strength);
  expect_golden(std::string(type_name<TypeParam>) + "-families", scene.base,
                {scene.second.view(), squared, scene.first.view()});
}

TYPED_TEST(GoldenRecord, BelongsToTheWeightsAndAdaptersInTheFiles) {
  const golden_scene<TypeParam> scene;
  EXPECT_TRUE(is_golden(std::string(type_name<TypeParam>) + ".base", scene.base));
  EXPECT_TRUE(is_golden("first.b", scene.first.b));
  EXPECT_TRUE(is_golden("first.a", scene.first.a));
  EXPECT_TRUE(is_golden("second.b", scene.second.b));
  EXPECT_TRUE(is_golden("second.a", scene.second.a));
}

}  // namespace
}  // namespace tests
