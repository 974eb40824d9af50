// AMX with bf16: four independent sums of 16×16 floats.
#pragma once

namespace bench {

/// Whether the machine has it and the operating system lets this process use it; asks for that.
bool can_run_amx();
void run_amx();
inline constexpr int amx_steps = 1 << 14;
/// 16×16 sums of 32 products, four times in each step.
inline constexpr double flops_of_amx = 4.0 * 2 * 16 * 16 * 32 * amx_steps;

}  // namespace bench
