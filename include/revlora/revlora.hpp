// revlora: LoRA adapters merged into model weights in place, and taken out again bit for bit.
//
//   revlora::matrix_view W(weights, d_out, d_in);                // float, f16 or bf16
//   revlora::low_rank adapter(matrix_view(B, d_out, r), matrix_view(A, r, d_in), alpha / r);
//   revlora::undo_record record;
//   revlora::merge(W, adapter, record);                          // W ← round(W + s·B·A)
//   revlora::unmerge(W, adapter, record);                        // every bit as before
//
// The contract:
//
//  1. Sum. The ranks are cut into blocks of 32. In each block two fp32 chains start at +0, one over
//     the even positions and one over the odd, each `chain = fma(B[i,k], A[k,j], chain)` in
//     ascending k; the blocks' sums, even + odd, are added up from +0.
//  2. Delta. D = fma(s, sum, D) over the adapters in list order, from +0.
//  3. Merge. y = round(x + D): one rounding to fp32, one to W's type, both to nearest even, with
//     subnormals kept and overflow to infinity. Every NaN becomes the canonical quiet NaN. The
//     recipe rounded_delta rounds D to W's type first. An empty list leaves every bit.
//  4. Nothing else decides a bit: not the instruction set, the threads, the alignment, the strides,
//     the caller's floating-point mode, nor the compiler's contraction.
//  5. Exact undo. unmerge with a record gives back every bit of W, for every bit pattern of W and
//     of the factors, in place or elsewhere.
//  6. No history. Weights and record are functions of the base, the list of adapters and the
//     recipe: swap leaves what a fresh merge of the new list into the base would leave.
//  7. One record everywhere. Its bytes are the same on every machine, and lead back on every
//     machine (docs/undo-record.md).
//  8. Refusals. A record refuses, by name, what it does not belong to, and weights that somebody
//     changed.
//  9. All or nothing. After an exception weights that were to be changed in place are as they were,
//     and so is a record that was to be filled, whatever was thrown: by a check, for want of
//     memory, or by the executor. A merge without a record, once begun, is finished.
//
// Compile without -ffast-math. For speed add -march=native or the like; AMX is then used where the
// machine has it, and VDPBF16PS where that is fast. Or link revlora::dispatch (dispatch.hpp), which
// holds the kernels for every instruction set and chooses at run time.
#pragma once

#include "element.hpp"
#include "error.hpp"
#include "low_rank.hpp"
#include "matrix_view.hpp"
#include "merge.hpp"
#include "parallel.hpp"
#include "state.hpp"
#include "undo_record.hpp"
#include "version.hpp"
