// Every operator new of a program that is linked with failing_memory.cpp is counted, and one can
// fail.
#pragma once

#include <atomic>
#include <cstddef>

namespace tests {

extern std::atomic<long> allocations;
extern std::atomic<std::size_t> allocated_bytes;
extern std::atomic<std::size_t> live_bytes;  ///< allocated and not freed
extern std::atomic<long> fail_at;            ///< which allocation from now on throws; −1: none

}  // namespace tests
