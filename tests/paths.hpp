// Every path through the library that this source can be compiled for, or that revlora::dispatch
// offers, and this machine can run.
//
// The kernels are instantiated once, in paths_*.cpp; the tests reach them through this table, which
// keeps them quick to compile and lets one test run several instruction sets side by side.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "revlora/revlora.hpp"
#ifdef REVLORA_DISPATCH
#include "dispatched_archs.hpp"
#else
#include "compiled_archs.hpp"
#endif

namespace tests {

/// An executor made at run time: also the example of a user's own.
struct runner {
  using body = std::function<void(std::ptrdiff_t)>;
  std::function<void(std::ptrdiff_t count, const body&)> run;

  template <class Body>
  void parallel_for(std::ptrdiff_t count, const Body& piece) const {
    run(count, [&piece](std::ptrdiff_t i) { piece(i); });
  }
};
static_assert(revlora::executor<runner>);

inline runner on_this_thread() {
  return {[](std::ptrdiff_t count, const runner::body& piece) {
    revlora::serial{}.parallel_for(count, piece);
  }};
}

/// The library's verbs for weights of type W on one instruction set.
template <class W>
struct path {
  using view = revlora::matrix_view<W>;
  using source = revlora::matrix_view<const W>;
  using list = revlora::adapter_list;

  const char* name;
  bool runs_here;
  using report = revlora::merge_report;
  report (*merge)(view, list, const runner&);
  report (*merge_recorded)(view, list, revlora::undo_record&, const runner&);
  report (*subtract)(view, list, const runner&);
  void (*restore)(view, list, const revlora::undo_record&, const runner&);
  revlora::validation (*validate)(source, list, const revlora::undo_record&, const runner&);
  report (*swap)(view, list, list, revlora::undo_record&, const runner&);

  report (*merge_to)(source, view, list, const runner&);
  report (*merge_recorded_to)(source, view, list, revlora::undo_record&, const runner&);
  report (*subtract_to)(source, view, list, const runner&);
  void (*restore_to)(source, view, list, const revlora::undo_record&, const runner&);
};

template <class W, class Arch>
const path<W>& path_of();

template <class Arch>
struct arch_tag {
  using type = Arch;
};

#define REVLORA_TESTS_TAG(...) , arch_tag<__VA_ARGS__>
template <class, class... Tags>
using drop_first = std::tuple<Tags...>;
/// arch_tag of every instruction set in this binary.
using archs = drop_first<void REVLORA_TESTS_FOR_EACH_ARCH(REVLORA_TESTS_TAG)>;
#undef REVLORA_TESTS_TAG

/// The paths that run on this machine.
template <class W>
std::vector<path<W>> paths() {
  std::vector<path<W>> all;
  const auto add = [&](const path<W>& p) {
    if (p.runs_here) all.push_back(p);
  };
  std::apply([&](auto... tag) { (add(path_of<W, typename decltype(tag)::type>()), ...); }, archs{});
  return all;
}

template <class T>
inline constexpr const char* type_name = revlora::name_of(revlora::element_type_of<T>);

/// One typed test per weight type, factor type and instruction set.
template <class Weight, class Factor, class Arch>
struct combination {
  using W = Weight;
  using F = Factor;
  static const path<W>& on() { return path_of<W, Arch>(); }
};

/// Flattens tuples of tuples into what TYPED_TEST_SUITE takes.
template <class... Tuples>
struct joined;
template <class... Types>
struct joined<std::tuple<Types...>> {
  using type = testing::Types<Types...>;
};
template <class... First, class... Second, class... Rest>
struct joined<std::tuple<First...>, std::tuple<Second...>, Rest...>
    : joined<std::tuple<First..., Second...>, Rest...> {};

template <class W, class F, class Tuple>
struct on_archs;
template <class W, class F, class... Tags>
struct on_archs<W, F, std::tuple<Tags...>> {
  using type = std::tuple<combination<W, F, typename Tags::type>...>;
};
template <class W, class F>
using on_all = typename on_archs<W, F, archs>::type;

/// W type × factor type × instruction set.
using weights_by_factors =
    joined<on_all<float, float>, on_all<float, revlora::f16>, on_all<float, revlora::bf16>,
           on_all<revlora::f16, float>, on_all<revlora::f16, revlora::f16>,
           on_all<revlora::f16, revlora::bf16>, on_all<revlora::bf16, float>,
           on_all<revlora::bf16, revlora::f16>, on_all<revlora::bf16, revlora::bf16>,
           on_all<float, revlora::e4m3>, on_all<revlora::bf16, revlora::e5m2>,
           on_all<revlora::e4m3, float>, on_all<revlora::e4m3, revlora::e4m3>,
           on_all<revlora::e5m2, revlora::bf16>>::type;
/// W type × instruction set.
using weights_by_arch =
    joined<on_all<float, float>, on_all<revlora::f16, float>, on_all<revlora::bf16, float>>::type;
using weight_types =
    testing::Types<float, revlora::f16, revlora::bf16, revlora::e4m3, revlora::e5m2>;

/// Names of typed tests: "bf16_fp32_avx512bw".
struct combination_name {
  template <class C>
  static std::string GetName(int) {
    return std::string(type_name<typename C::W>) + "_" + type_name<typename C::F> + "_" +
           C::on().name;
  }
};
struct weight_arch_name {
  template <class C>
  static std::string GetName(int) {
    return std::string(type_name<typename C::W>) + "_" + C::on().name;
  }
};
struct weight_name {
  template <class W>
  static std::string GetName(int) {
    return type_name<W>;
  }
};

/// Base of the typed suites: skips, visibly, what this machine cannot run.
template <class C>
class path_test : public testing::Test {
 protected:
  void SetUp() override {
    if (!C::on().runs_here) GTEST_SKIP() << "this machine lacks " << C::on().name;
  }
};

}  // namespace tests
