#!/usr/bin/env python3
"""The program on a checkpoint of the size that people have, beside what bounds it.

  program_bench.py PROGRAM BENCHMARK [--quick] [--rounds 5] [--threads 2] [--folder FOLDER]

PROGRAM is `revlora`, BENCHMARK `revlora_bench`, both of a Release build. A checkpoint of linear
layers as in Llama is made, bf16 in shards of half a gigabyte, 3 GB of it (`--quick`: 400 MB), and
an adapter of rank 16 on all of them, also bf16, std(D)/std(W) = 1 %. In turn, so that a minute in
which the machine is slow hits none alone: `cp` of the checkpoint, `revlora merge --no-sync` and
`revlora unmerge --no-sync` of that copy, and the library's own exact merges and unmerges of the
same shapes in memory. Reported are medians, the program's time over (library + one copy), which
should be at most 1.5, and its peak resident memory, which should be at most 200 MB whatever the
size. Twice the checkpoint should fit into the page cache: FOLDER may be in memory, /dev/shm. Needs
numpy.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

RANK, ALPHA = 16, 32
HIDDEN, KEYS, INNER = 3072, 1024, 8192
LAYER = {
    "self_attn.q_proj": (HIDDEN, HIDDEN), "self_attn.k_proj": (KEYS, HIDDEN),
    "self_attn.v_proj": (KEYS, HIDDEN), "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INNER, HIDDEN), "mlp.up_proj": (INNER, HIDDEN),
    "mlp.down_proj": (HIDDEN, INNER)}
LAYERS, QUICK_LAYERS = 15, 2  # of 201 MB each
SHARD = 500 << 20
TIME_GOAL, MEMORY_GOAL = 1.5, 200  # MB


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("benchmark", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="400 MB instead of 3 GB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path, help="where there is room for it twice")
    return parser.parse_args()


class Numbers:
    """bf16 numbers from a pool: any tensor begins elsewhere in it, and no two are alike."""

    def __init__(self, numpy):
        self.source = numpy.random.default_rng(1)
        largest = max(rows * columns for rows, columns in LAYER.values())
        self.pool = self.source.standard_normal(largest + (1 << 20), numpy.float32)
        self.numpy = numpy

    def take(self, shape, deviation):
        count = shape[0] * shape[1]
        begin = int(self.source.integers(len(self.pool) - count))
        bits = (self.pool[begin:begin + count] * self.numpy.float32(deviation)).view("uint32")
        return (bits >> 16).astype("uint16").tobytes()


def write_safetensors(path, shapes, bytes_of):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (rows, columns) in shapes.items():
        end = at + 2 * rows * columns
        header[name] = {"dtype": "BF16", "shape": [rows, columns], "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            file.write(bytes_of(name, shape))


def make_files(folder, layers):
    """In a process of its own: children of one that has needed much memory seem to need it, too."""
    import numpy

    numbers = Numbers(numpy)
    shapes = {
        f"model.layers.{layer}.{module}.weight": shape for layer in range(layers)
        for module, shape in LAYER.items()}
    shards, filled = [{}], 0
    for name, shape in shapes.items():
        if filled > 0 and filled + 2 * shape[0] * shape[1] > SHARD:
            shards.append({})
            filled = 0
        shards[-1][name] = shape
        filled += 2 * shape[0] * shape[1]
    (folder / "base").mkdir()
    places = {}
    for i, shard in enumerate(shards):
        file = f"model-{i + 1:05}-of-{len(shards):05}.safetensors"
        places |= {name: file for name in shard}
        write_safetensors(folder / "base" / file, shard, lambda _, shape: numbers.take(shape, 0.02))
    index = folder / "base" / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}), encoding="utf-8")

    factors = {}
    for name, (rows, columns) in shapes.items():
        module = "base_model.model." + name.removesuffix(".weight")
        factors |= {
            f"{module}.lora_A.weight": (RANK, columns), f"{module}.lora_B.weight": (rows, RANK)}
    # alpha / r · sqrt(r) · deviation of A · deviation of B = 1 % of 0.02
    deviations = {"A": 0.05, "B": 0.01 * 0.02 / (ALPHA / RANK * RANK ** 0.5 * 0.05)}
    (folder / "adapter").mkdir()
    write_safetensors(folder / "adapter" / "adapter_model.safetensors", factors,
                      lambda name, shape: numbers.take(shape, deviations[name[-8]]))
    (folder / "adapter" / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "fan_in_fan_out": False}))


def measured(*command):
    """Seconds, and the peak of resident memory in bytes."""
    begin = time.monotonic()
    process = os.posix_spawn(command[0], list(map(str, command)), os.environ,
                             file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(process, 0)
    seconds = time.monotonic() - begin
    if status != 0:
        sys.exit(f"program_bench.py: {' '.join(map(str, command))}: ended with {status}")
    return seconds, usage.ru_maxrss * 1024


def library_seconds(benchmark, layers, threads):
    """The time that the library takes for all weights, merged and back."""
    shapes = sorted(set(LAYER.values()))
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run([
            benchmark, "--verbs", "merge_exact,unmerge_exact", "--types", "bf16", "--ranks",
            str(RANK), "--percent", "1", "--threads",
            str(threads), "--shapes", ",".join(f"{rows}x{columns}" for rows, columns in shapes),
            "--benchmark_min_time=0.05", f"--benchmark_out={report.name}"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        runs = json.loads(pathlib.Path(report.name).read_text(encoding="utf-8"))["benchmarks"]
    totals = dict.fromkeys(("merge_exact", "unmerge_exact"), 0.0)
    for run in runs:
        verb, _, _, shape, *_ = run["name"].split("/") + [""] * 3
        if verb in totals:
            rows, columns = map(int, shape.split("x"))
            count = layers * list(LAYER.values()).count((rows, columns))
            totals[verb] += count * run["real_time"] / 1e3
    return totals


def measure(arguments, folder):
    layers = QUICK_LAYERS if arguments.quick else LAYERS
    maker = multiprocessing.get_context("fork").Process(target=make_files, args=(folder, layers))
    maker.start()
    maker.join()
    if maker.exitcode != 0:
        sys.exit("program_bench.py: the checkpoint could not be made")
    size = sum(path.stat().st_size for path in (folder / "base").glob("*.safetensors"))
    found = {name: [] for name in ("cp", "merge", "unmerge", "merge_exact", "unmerge_exact")}
    memory = {"merge": 0, "unmerge": 0}
    cp, model = shutil.which("cp"), folder / "model"
    options = ["--no-sync", "--threads", arguments.threads]
    for number in range(arguments.rounds + 1):
        shutil.rmtree(model, ignore_errors=True)
        took = {"cp": measured(cp, "-r", folder / "base", model)[0]}
        for verb, more in (("merge", [folder / "adapter"]), ("unmerge", [])):
            took[verb], peak = measured(arguments.program, verb, model, *more, *options)
            memory[verb] = max(memory[verb], peak)
        took |= library_seconds(arguments.benchmark, layers, arguments.threads)
        if number > 0:  # the first one fills the page cache
            for name, seconds in took.items():
                found[name].append(seconds)
    return size, {name: statistics.median(each) for name, each in found.items()}, memory


def beside_goal(text, value, goal):
    return text if value <= goal else f"{text} (wanted: {goal:g})"


def report(size, seconds, memory):
    print(f"{size / 1e9:.2f} GB of bf16 weights, rank {RANK} on all of them; medians")
    print(f"{'cp':>24}{seconds['cp']:8.3f} s")
    for verb in ("merge", "unmerge"):
        library, peak = seconds[verb + "_exact"], memory[verb] / 1e6
        share = seconds[verb] / (library + seconds["cp"])
        print(f"{'library, exact ' + verb:>24}{library:8.3f} s")
        print(f"{verb + ' --no-sync':>24}{seconds[verb]:8.3f} s =",
              beside_goal(f"{share:.2f} × (library + cp)", share, TIME_GOAL) + ",",
              beside_goal(f"{peak:.0f} MB resident", peak, MEMORY_GOAL))


def main():
    arguments = parsed_arguments()
    with tempfile.TemporaryDirectory(prefix="revlora-bench-", dir=arguments.folder) as folder:
        report(*measure(arguments, pathlib.Path(folder)))


if __name__ == "__main__":
    main()
