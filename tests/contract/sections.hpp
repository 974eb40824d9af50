// What the contract suite consists of; each section is a source of this name.
#pragma once

namespace contract {

void golden_bytes();
void round_trips();
void interop();
void bad_input();
void failing_executors();

}  // namespace contract
