#!/usr/bin/env python3
"""PyTorch as a peer: W ← W + s·B·A by addmm(out=W), and its way to have W back, which is a copy.

  peer_torch.py OUT.json [--ranks 16,64] [--types bf16,fp32] [--threads 2] [--repetitions 5]

Writes what `report.py REPORT.json OUT.json` puts beside revlora's figures. The same working set of
cold weights, and the roof before each call, as in the benchmark; in a process of its own, for its
threads would wait for OpenMP's. Needs PyTorch (`pip install torch`); without it says so, and exits
with 77, which is "skipped".
"""

import argparse
import json
import statistics
import sys
import time

SKIPPED = 77
ROWS = COLS = 4096
WORKING_SET = 5 << 28  # bytes, as in cold_weights.hpp
ENOUGH = 0.1  # seconds in calls, for one repetition
TYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}


def numbers(text):
    found = [int(part) for part in text.split(",")]
    if min(found) < 1:
        raise argparse.ArgumentTypeError("a number above zero is wanted")
    return found


def types(text):
    found = text.split(",")
    if any(part not in TYPES for part in found):
        raise argparse.ArgumentTypeError(f"{text}: known are {', '.join(TYPES)}")
    return found


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--ranks", type=numbers, default=[4, 8, 16, 32, 64, 128, 256, 384])
    parser.add_argument("--types", type=types, default=["bf16", "fp32"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5)
    return parser.parse_args()


def seconds_of(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Weights:
    """Matrices used in turn, so that none is in a cache."""

    def __init__(self, torch, dtype):
        count = WORKING_SET // (ROWS * COLS * dtype.itemsize) + 1
        base = (0.02 * torch.randn(ROWS, COLS)).to(dtype)
        self.matrices = [base.clone() for _ in range(count)]
        self.at = 0

    def next(self):
        self.at = (self.at + 1) % len(self.matrices)
        return self.matrices[self.at]

    def before(self, steps):
        """The one that was used so many calls ago."""
        return self.matrices[(self.at - steps) % len(self.matrices)]


class Measured:
    """Repetitions of a call, each beside the roof."""

    def __init__(self, torch, roofs):
        self.torch, self.roofs = torch, roofs
        self.runs = {"seconds": [], "roof": [], "roofs": []}

    def flip(self):
        """A tenth slower than that of roof.hpp, which makes PyTorch's multiples smaller: a gift."""
        self.roofs.next().view(self.torch.int32).bitwise_xor_(0x01010101)

    def repeat(self, call):
        calls, passes = [], []
        while sum(calls) < ENOUGH:
            passes.append(seconds_of(self.flip))
            calls.append(seconds_of(call))
        self.runs["seconds"].append(statistics.mean(calls))
        self.runs["roof"].append(statistics.median(passes))
        self.runs["roofs"].append(statistics.median(a / b for a, b in zip(calls, passes)))


def contenders(torch, weights, copies, b, a, strength):
    def addmm(w):
        torch.addmm(w, b, a, beta=1, alpha=strength, out=w)

    def plain():
        addmm(weights.next())

    # Copied, merged a third of the working set later, copied back after another: as backup.hpp.
    third = len(weights.matrices) // 3

    def copying():
        copies.next().copy_(weights.next())
        addmm(weights.before(third))
        weights.before(2 * third).copy_(copies.before(2 * third))

    return {"peer_torch": plain, "peer_torch_copying": copying}


def main():
    arguments = parsed_arguments()
    try:
        import torch
    except ImportError as error:
        print(f"peer_torch: skipped, there is no PyTorch here ({error}); pip install torch")
        return SKIPPED
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    measured = {}
    for weights_type in arguments.types:
        dtype = getattr(torch, TYPES[weights_type])
        weights, copies, roofs = (Weights(torch, dtype) for _ in range(3))
        for _ in range(arguments.repetitions):
            for rank in arguments.ranks:
                b = torch.randn(ROWS, rank).to(dtype)
                a = torch.randn(rank, COLS).to(dtype)
                strength = 0.01 * 0.02 / rank ** 0.5
                for verb, call in contenders(torch, weights, copies, b, a, strength).items():
                    name = (f"{verb}/{weights_type}/{weights_type}/{ROWS}x{COLS}/r{rank}"
                            f"/t{arguments.threads}")
                    if name not in measured:
                        measured[name] = Measured(torch, roofs)
                        call()  # what is set up once is not timed
                    measured[name].repeat(call)
    version = f"{torch.__version__}, threads: {torch.get_num_threads()}"
    report = {"context": {"torch": version, "torch_copying": version},
              "benchmarks": [{"name": name, "runs": of_name.runs}
                             for name, of_name in measured.items()]}
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    for name, of_name in measured.items():
        print(f"{name:55} {1e3 * statistics.median(of_name.runs['seconds']):8.2f} ms"
              f" {statistics.median(of_name.runs['roofs']):6.2f} roofs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
