// The weights and records in tests/data are what every compiler's code makes, and lead back to the
// same base, on whatever threads.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "check.hpp"
#include "executors.hpp"
#include "grid.hpp"
#include "sections.hpp"

namespace contract {
namespace {

constexpr std::ptrdiff_t scene_rows = 35, scene_cols = 150;

std::vector<std::byte> read_file(const std::string& name) {
  std::ifstream file(REVLORA_TEST_DATA + name, std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
  CHECK(!content.empty(), name);
  const auto bytes = std::as_bytes(std::span(content));
  return {bytes.begin(), bytes.end()};
}

template <class T>
grid<T> read_grid(const std::string& name, std::ptrdiff_t height, std::ptrdiff_t width) {
  grid<T> m(height, width);
  const auto content = read_file("/golden-scene/" + name);
  CHECK(content.size() == m.bytes().size(), name);
  std::copy_n(content.begin(), std::min(content.size(), m.bytes().size()), m.bytes().begin());
  return m;
}

struct golden_adapters {
  grid<revlora::bf16> first_b = read_grid<revlora::bf16>("first.b", scene_rows, 5);
  grid<revlora::bf16> first_a = read_grid<revlora::bf16>("first.a", 5, scene_cols);
  grid<float> second_b = read_grid<float>("second.b", scene_rows, 3);
  grid<float> second_a = read_grid<float>("second.a", 3, scene_cols);
  std::vector<revlora::low_rank> list{{first_b.view(), first_a.view(), 0.25f},
                                      {second_b.view(), second_a.view(), -0.0625f}};
};

template <class W>
void follow(const std::string& name, const grid<W>& base, revlora::adapter_list adapters) {
  const auto merged = read_grid<W>(name + ".merged", scene_rows, scene_cols);
  const auto stored = read_file("/undo-record/" + name + ".record");
  const auto by = [&](const std::string& about, const auto& executor) {
    grid<W> w = base;
    revlora::undo_record record;
    revlora::merge(w.view(), adapters, record, executor);
    CHECK_SAME_BYTES(merged.bytes(), w.bytes(), about);
    CHECK_SAME_BYTES(stored, record.bytes(), about);

    const auto leads_back = revlora::undo_record::from_bytes(stored);
    CHECK(revlora::state_of(w.view(), leads_back, executor) == revlora::weights_state::merged,
          about);
    revlora::unmerge(w.view(), adapters, leads_back, executor);
    CHECK_SAME_BYTES(base.bytes(), w.bytes(), about);
    CHECK(revlora::state_of(w.view(), leads_back, executor) == revlora::weights_state::base, about);
  };
  by(name + ", serial", revlora::serial{});
  by(name + ", std::threads", on_threads{});
  by(name + ", default executor", revlora::default_executor{});
}

template <class W>
void follow_recipes(const golden_adapters& adapters,
                    const std::vector<revlora::recipe>& recipes = {
                        revlora::recipe::fused, revlora::recipe::rounded_delta}) {
  const std::string type = revlora::name_of(revlora::element_type_of<W>);
  const auto base = read_grid<W>(type + ".base", scene_rows, scene_cols);
  for (const auto how : recipes)
    follow<W>(type + "-" + revlora::name_of(how), base, {adapters.list, how});
}

}  // namespace

void golden_bytes() {
  const golden_adapters adapters;
  follow_recipes<float>(adapters);
  follow_recipes<revlora::f16>(adapters);
  follow_recipes<revlora::bf16>(adapters);
  follow_recipes<revlora::e4m3>(adapters);
  follow_recipes<revlora::e4m3>(adapters, {revlora::recipe::nan});
  follow_recipes<revlora::e5m2>(adapters);
}

}  // namespace contract
