/// \file
/// revlora: LoRA adapters merged into model weights in place, and taken out again bit for bit.
///
///     revlora::matrix_view W(weights, d_out, d_in);                // float, f16, bf16 …
///     revlora::low_rank adapter(matrix_view(B, d_out, r), matrix_view(A, r, d_in),
///                               alpha / double(r));              // the strength s
///     revlora::undo_record record;
///     revlora::merge(W, adapter, record);                          // W ← round(W + s·B·A)
///     revlora::unmerge(W, adapter, record);                        // every bit as before
///
/// The contract:
///
/// 1.  Sum. The ranks of a product B·A are cut into blocks of 32. In each, two fp32 chains start at
///     +0, one over the even positions and one over the odd, each
///     `chain = fma(B[i,k], A[k,j], chain)` in ascending k; the blocks' sums, even + odd, are added
///     up from +0.
/// 2.  Delta. D = fma(s, term, D) over the adapters in list order, from +0; a term that is zero
///     counts as +0. The term of low_rank is the sum of its product, that of hadamard the product
///     of its two sums, rounded to fp32. Factors of any type are widened exactly.
/// 3.  Scales. Weights that are stored divided by scales keep them: D is divided by the weight's
///     scale, one IEEE division, before anything else is done with it.
/// 4.  Merge. y = round(x + D): one rounding to fp32, one to W's type, both to nearest even, with
///     subnormals kept. Overflow gives infinity; e4m3, which has none, saturates at ±448, or
///     becomes NaN by the recipe nan. Every NaN becomes the canonical quiet NaN. The recipe
///     rounded_delta rounds D to W's type first. An empty list leaves every bit.
/// 5.  Nothing else decides a bit: not the instruction set, the threads, the alignment, the
///  strides,
///     the caller's floating-point mode, which is left as it was, nor the compiler's contraction.
/// 6.  Exact undo. unmerge gives back every bit of W, for every bit pattern of W and of the
///  factors,
///     in place or elsewhere: NaN payloads, signed zeros, subnormals, infinities. The encoder does
///     not trust its formulas: it compares every weight with what the decoder will make of it.
/// 7.  No history. Weights and record are functions of the base, the list of adapters with their
///     strengths, and the recipe: swap leaves, byte for byte, what a fresh merge of the new list
///     into the base would leave, also after a million of them.
/// 8.  Small. A record is within 5 % of the information bound (fp32: 8 %, rounded_delta and 8 bits:
///     6 %), header and checksums included, for 4096×4096 weights and std(D)/std(W) from 1 % to
///     300 %; 8 bits: of weights that scales make as large as their type has numbers. Weights that
///     are zero cost at most two bits each (8 bits: eight), unless D is infinite or NaN.
/// 9.  One record everywhere. Its bytes are the same on every machine, and lead back on every
///     machine. The format has a version, and is described to the last bit (docs/undo-record.md).
/// 10. Refusals. A record refuses by name what it does not belong to: other adapters, even by a
///     bit, other strengths, orders, recipes, shapes, types and scales, weights that somebody
///     changed, a second unmerge, and bytes that are truncated, damaged or from the future. Any
///     bytes may be given. The checksums tell accidents apart; they are no signature.
/// 11. All or nothing. After an exception weights that were to be changed in place are as they
///     were, and so is a record that was to be filled, whatever was thrown: by a check, for want
///     of memory, or by the executor. A merge without a record, once begun, is finished.
///
/// Compile without -ffast-math. For speed add -march=native or the like; AMX is then used where the
/// machine has it, and VDPBF16PS where that is fast. Or link revlora::dispatch (dispatch.hpp),
/// which holds the kernels for every instruction set and chooses at run time.
#pragma once

#include "adapter.hpp"
#include "any_matrix.hpp"
#include "element.hpp"
#include "error.hpp"
#include "fingerprint.hpp"
#include "hadamard.hpp"
#include "low_rank.hpp"
#include "matrix_view.hpp"
#include "merge.hpp"
#include "parallel.hpp"
#include "state.hpp"
#include "subtract.hpp"
#include "undo_record.hpp"
#include "version.hpp"
#include "workspace.hpp"
