// Operations by width of the registers that xsimd does not offer alike in every version, or not at
// all: one file for each instruction set, all with the same operations in the same order. What a
// processor lacks is not there, and asked for with `requires` (simd.hpp).
//
// Raw intrinsics live in this folder only, but for the word that holds the thread's floating-point
// mode (schedule/ieee_mode.hpp); instructions that a file may use without being compiled for them
// are assembly, in units/.
//
//   kept                a register that the compiler does not know the contents of any more
//   fused               a·b + c with one rounding
//   to_integer          a mask of words, bit i for lane i
//   from_integer        the inverse, where a mask is no vector
//   halves_to_integer   a mask of 16-bit lanes
//   counted             sums, one more where a mask is true, if a mask is no vector
//   have_common_bits    the 16-bit lanes in which two have a bit in common
//   multiply_pairs      the sum of the products of lower and of upper halves, signed, of each word
//   load_u8, store_u8   unsigned 8-bit numbers to words, and words of such numbers back
//   load_u16, store_u16   16-bit numbers; the upper halves of the words are ignored
//   pack_u16            two vectors of words, their upper halves ignored, to one of 16-bit numbers
//   widen_f16, narrow_f16   by the processor, which keeps subnormals in every mode
//   widen_u16, join     what narrow_f16 returns, as words; and two of them as one register
//   narrow_bf16         two vectors rounded to bf16 side by side, but for subnormals, which become
//                       zero, and NaN
//   interleave_u16      the lower and the upper half, each in order, as pairs
//   any_not_normal_bf16   whether any of twice as many is zero, subnormal, infinite or NaN
//   ones_below          as many ones as each word has bits, leading zeros left out
//   places_of           the places of the bits that are set, as bytes in ascending order; places_at
//                       gives a sixteenth of 16 of them as words
//   take_words          of four vectors, in a row, those at some places
//   take_split_words    the same where the even ones of two vectors come first, then the odd ones
//   take_halves         of two vectors of 16-bit numbers, those at a sixteenth of 16 places
//   expand              puts numbers of some bytes where a mask of those in a register is set
#pragma once

#include "../../namespace.hpp"

namespace revlora {
inline namespace REVLORA_NAMESPACE {
namespace detail {

template <int bytes>
struct registers;

}  // namespace detail
}  // namespace REVLORA_NAMESPACE
}  // namespace revlora

#include "avx2.hpp"
#include "avx512.hpp"
#include "neon.hpp"
#include "sse2.hpp"
