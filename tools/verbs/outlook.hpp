// What a merge is to do, for reports, and what it would cost.
#pragma once

#include "checkpoint/destination.hpp"
#include "exchange/model_exchange.hpp"
#include "verbs/requests.hpp"
#include "verbs/wanted_adapters.hpp"

namespace revlora::tool {

/// What is known before anything is done: tensors, ranks, strengths, and the disk space that the
/// model's own files need for a while.
merge_result outline_of(const checkpoint& model, const wanted_adapters& wanted,
                        const exchange_jobs& jobs, const destination& target);

/// What a dry run guesses from a few rows of each tensor, which it merges in memory: how many
/// weights change, how large the undo file gets, and std(D)/std(W).
void estimate(const checkpoint& model, const exchange_jobs& jobs, bool embed, merge_result& result);

/// What was done.
void take_over(const exchange_result& done, merge_result& result);

}  // namespace revlora::tool
