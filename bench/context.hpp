#pragma once

namespace bench {

/// Puts into the report what its times depend on: processor, compiler, instruction set, libraries.
void describe_context();

}  // namespace bench
