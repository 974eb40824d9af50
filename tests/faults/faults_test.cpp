// Every verb that writes, once for each file-system call that it makes and each fault that may be
// there: base, merged or recoverable, a true exit status, and no litter after the next command.
#include <cerrno>

#include "disturbed.hpp"

namespace revlora::tool::test {
namespace {

constexpr fault faults[] = {{fault::kind::killed_before},
                            {fault::kind::killed_after},
                            {fault::kind::failed, ENOSPC},
                            {fault::kind::failed, EIO},
                            {fault::kind::failed, EINTR}};

/// A scenario, and every how many-th call is disturbed.
class Faults : public testing::TestWithParam<std::tuple<scenario, std::size_t>> {};

TEST_P(Faults, NothingIsLost) {
  if (const std::string reason = why_not_traceable(); !reason.empty()) GTEST_SKIP() << reason;
  const auto& [wanted, stride] = GetParam();
  disturbed command(wanted);
  std::size_t first = 0;
  for (fault each : faults) {
    // Each fault strikes other calls than the one before it.
    for (each.call = first++ % stride; each.call < command.calls().size(); each.call += stride) {
      if (each.error == EINTR && !command.calls()[each.call].interruptible) continue;
      command.expect_nothing_lost(each);
    }
  }
}

std::string name_of(const testing::TestParamInfo<Faults::ParamType>& info) {
  return std::get<0>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(AtEveryCall, Faults,
                         testing::Combine(testing::ValuesIn(scenarios()), testing::Values(1)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(AtSomeCalls, Faults,
                         testing::Combine(testing::ValuesIn(scenarios()), testing::Values(7)),
                         name_of);

}  // namespace
}  // namespace revlora::tool::test
