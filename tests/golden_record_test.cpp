// Records kept in tests/data/undo-record: the format cannot change by accident, and every machine
// makes these bytes and follows them back.
//
// After a change of the format that is meant (and has a new version number), write them anew:
//   REVLORA_WRITE_GOLDEN=tests/data/undo-record revlora_tests --gtest_filter='GoldenRecord*'
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

std::string golden_name(revlora::element_type type, revlora::recipe how) {
  return std::string("/") + revlora::name_of(type) + "-" + revlora::name_of(how) + ".record";
}

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(content));
  return {bytes.begin(), bytes.end()};
}

TYPED_TEST(GoldenRecord, IsMadeAndUndoneByEveryPath) {
  using W = TypeParam;
  golden_scene<W> scene;
  for (const auto how : {revlora::recipe::fused, revlora::recipe::rounded_delta}) {
    const revlora::adapter_list adapters(scene.list, how);
    const std::string name = golden_name(revlora::element_type_of<W>, how);
    if (const char* const folder = std::getenv("REVLORA_WRITE_GOLDEN")) {
      matrix<W> w = scene.base;
      revlora::undo_record record;
      revlora::merge(w.view(), adapters, record);
      const auto bytes = record.bytes();
      std::ofstream(folder + name, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    }
    const auto golden = read_file(REVLORA_TEST_DATA "/undo-record" + name);
    for (const path<W>& p : paths<W>()) {
      matrix<W> w = scene.base;
      revlora::undo_record record;
      p.merge_recorded(w.view(), adapters, record, on_this_thread());
      ASSERT_TRUE(same_bytes(golden, record.bytes())) << name << " on " << p.name;
      p.restore(w.view(), adapters, revlora::undo_record::from_bytes(golden), on_this_thread());
      ASSERT_TRUE(same_bits(scene.base, w)) << name << " on " << p.name;
    }
  }
}

}  // namespace
}  // namespace tests
