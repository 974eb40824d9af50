// What verbs want, as the engine takes it.
#pragma once

#include "exchange/model_exchange.hpp"
#include "undo/undo_state.hpp"
#include "verbs/wanted_adapters.hpp"

namespace revlora::tool {

/// From what `merged` says that is merged, null if nothing is, to the wanted adapters.
exchange_jobs jobs_of(const wanted_adapters& wanted, const model_state* merged,
                      const checkpoint& model);

/// From there to the base.
exchange_jobs jobs_to_base(const model_state& merged, const checkpoint& model);

}  // namespace revlora::tool
