"""What a call from Python costs beside the same call from C, and beside PyTorch and PEFT.

    python bench/python_bench.py build/release/c/librevlora.so [--rounds 31] [--threads 2]

Prints two tables for README, medians. The memory of a shared machine is faster or slower by half
within minutes, so all calls are made in turn, in random order, on the same cold matrices, and what
is compared are medians of the same rounds. Needs torch; peft for its rows.
"""

from __future__ import annotations

import argparse
import ctypes
import random
import statistics
import time
from typing import Any, Callable, Dict, List

import torch

import revlora

Calls = Dict[str, Callable[[int], Any]]


class Matrix(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("type", ctypes.c_int32),
        ("rows", ctypes.c_ssize_t),
        ("cols", ctypes.c_ssize_t),
        ("row_stride", ctypes.c_ssize_t),
        ("col_stride", ctypes.c_ssize_t),
        ("scales", ctypes.c_void_p),
    ]

    def __init__(self, tensor: torch.Tensor) -> None:
        types = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 2}
        rows, cols = tensor.shape
        super().__init__(
            ctypes.sizeof(Matrix), tensor.data_ptr(), types[tensor.dtype], rows, cols, cols, 1, None
        )


class Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("threads", ctypes.c_int32),
        ("parallel_for", ctypes.c_void_p),
        ("executor_context", ctypes.c_void_p),
        ("workspace", ctypes.c_void_p),
    ]


class Library:
    """The same library from C, with all that a caller keeps made before."""

    def __init__(self, path: str, threads: int) -> None:
        self.c = ctypes.CDLL(path)
        for name in ("revlora_adapters_create", "revlora_record_create"):
            getattr(self.c, name).restype = ctypes.c_void_p
        self.options = Options(ctypes.sizeof(Options), threads, None, None, None)

    def merge(self, weights: torch.Tensor, b: torch.Tensor, a: torch.Tensor, strength: float,
              with_record: bool) -> Callable[[], None]:
        adapters = ctypes.c_void_p(self.c.revlora_adapters_create())
        w, b_matrix, a_matrix = Matrix(weights), Matrix(b), Matrix(a)
        self.c.revlora_adapters_add_low_rank(adapters, ctypes.byref(b_matrix),
                                             ctypes.byref(a_matrix), ctypes.c_double(strength), None)
        record = ctypes.c_void_p(self.c.revlora_record_create() if with_record else None)
        arguments = (ctypes.byref(w), None, adapters, record, ctypes.byref(self.options), None, None)

        def call() -> None:
            if self.c.revlora_merge(*arguments) != 0:
                raise RuntimeError("revlora_merge")

        return call


def medians(calls: Calls, places: int, rounds: int) -> Dict[str, float]:
    """Of each call in microseconds, each round of it on the next of `places`."""
    times: Dict[str, List[float]] = {name: [] for name in calls}
    for i in range(rounds + 1):
        for name in random.sample(list(calls), len(calls)):
            begin = time.perf_counter()
            calls[name](i % places)
            if i > 0:  # the first makes teams of threads, and caches
                times[name].append(1e6 * (time.perf_counter() - begin))
    return {name: statistics.median(each) for name, each in times.items()}


class Scene:
    """Several matrices with an adapter each: together they are larger than caches."""

    def __init__(self, places: int, size: int, rank: int) -> None:
        torch.manual_seed(0)
        self.weights = [self.draw(size, size, 0.05) for _ in range(places)]
        self.factors = [(self.draw(size, rank, 0.01), self.draw(rank, size, 0.01)) for _ in range(places)]
        self.adapters = [revlora.Adapter(b, a, 2.0) for b, a in self.factors]

    @staticmethod
    def draw(rows: int, cols: int, scale: float) -> torch.Tensor:
        return (torch.randn(rows, cols) * scale).bfloat16()


def peft_calls(scene: Scene) -> Calls:
    try:
        import peft
    except ImportError:
        return {}
    size, rank = len(scene.weights[0]), scene.factors[0][0].shape[1]
    layers = [torch.nn.Linear(size, size, bias=False, dtype=torch.bfloat16) for _ in scene.weights]
    model = peft.get_peft_model(
        torch.nn.Sequential(*layers),
        peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=[str(i) for i in range(len(layers))]),
        autocast_adapter_dtype=False,
    )
    tuned = [m for m in model.modules() if isinstance(m, peft.tuners.lora.Linear)]
    for layer, (b, a) in zip(tuned, scene.factors):
        layer.lora_B["default"].weight.data.copy_(b)
        layer.lora_A["default"].weight.data.copy_(a)

    def merge_and_unmerge(i: int) -> None:
        tuned[i].merge()
        tuned[i].unmerge()

    return {"PEFT's merge and unmerge, not exact": merge_and_unmerge}


def large(library: Library, threads: int, rounds: int) -> None:
    scene = Scene(places=8, size=4096, rank=16)
    c_plain, c_exact = (
        [library.merge(w, *f, 2.0, exact) for w, f in zip(scene.weights, scene.factors)]
        for exact in (False, True)
    )
    records: Dict[int, revlora.Record] = {}

    def merge(i: int) -> None:
        records[i] = revlora.merge(scene.weights[i], scene.adapters[i], threads=threads)

    def round_trip(i: int) -> None:
        w, adapter = scene.weights[i], scene.adapters[i]
        revlora.unmerge(w, adapter, revlora.merge(w, adapter, threads=threads), threads=threads)

    calls: Calls = {
        "merge without a record, from C": lambda i: c_plain[i](),
        "`revlora.merge_for_good`": lambda i: revlora.merge_for_good(
            scene.weights[i], scene.adapters[i], threads=threads
        ),
        "PyTorch's `addmm_`": lambda i: scene.weights[i].addmm_(*scene.factors[i], alpha=2.0),
        "merge with a record, from C": lambda i: c_exact[i](),
        "`revlora.merge`": merge,
        "`revlora.merge` and `revlora.unmerge`, exact": round_trip,
        "copy W, `addmm_`, copy W back": lambda i: copied(scene, i),
        **peft_calls(scene),
    }
    found = medians(calls, len(scene.weights), rounds)
    base = found["merge without a record, from C"]
    print(f"\n4096×4096 in bf16, rank 16, {threads} threads:\n\n| | µs | multiples |\n|---|---|---|")
    for name, each in found.items():
        print(f"| {name} | {each:.0f} | {each / base:.2f} |")
    for python, c in (("`revlora.merge_for_good`", "merge without a record, from C"),
                      ("`revlora.merge`", "merge with a record, from C")):
        print(f"\n{python} over the same from C: {found[python] / found[c]:.3f} (goal: at most 1.05)")


def copied(scene: Scene, i: int) -> None:
    kept = scene.weights[i].clone()
    scene.weights[i].addmm_(*scene.factors[i], alpha=2.0)
    scene.weights[i].copy_(kept)


def small(library: Library) -> None:
    scene = Scene(places=1, size=64, rank=4)
    (w,), (f,), (adapter,) = scene.weights, scene.factors, scene.adapters
    plain, exact = library.merge(w, *f, 2.0, False), library.merge(w, *f, 2.0, True)
    array = w.float().numpy()
    calls: Calls = {
        "merge without a record, from C": lambda i: plain(),
        "`revlora.merge_for_good`, a tensor": lambda i: revlora.merge_for_good(w, adapter, threads=1),
        "`revlora.merge_for_good`, an array": lambda i: revlora.merge_for_good(array, adapter, threads=1),
        "merge with a record, from C": lambda i: exact(),
        "`revlora.merge`, a tensor": lambda i: revlora.merge(w, adapter, threads=1),
        "`revlora.Adapter` of tensors": lambda i: revlora.Adapter(*f, 2.0),
    }
    library.options.threads = 1
    found = medians(calls, 1, 5001)
    print("\n64×64 in bf16, rank 4, one thread:\n\n| | µs |\n|---|---|")
    for name, each in found.items():
        print(f"| {name} | {each:.1f} |")
    more = found["`revlora.merge`, a tensor"] - found["merge with a record, from C"]
    print(f"\na call from Python costs {more:.1f} µs more than from C (goal: at most 20)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", help="librevlora.so")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    print(f"revlora {revlora.__version__} by {revlora.instruction_set()}, torch {torch.__version__}")
    large(Library(chosen.library, chosen.threads), chosen.threads, chosen.rounds)
    small(Library(chosen.library, chosen.threads))


if __name__ == "__main__":
    main()
