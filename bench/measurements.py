"""Reads Google Benchmark's JSON; bench/main.cpp says what the names mean."""

import json
import re
from dataclasses import dataclass
from statistics import median

TYPES = ("bf16", "fp16", "fp32")


@dataclass(frozen=True)
class Contender:
    """What is measured, apart from where and at which rank: one line, one row."""

    verb: str
    factors: str = ""  # their type, where it is not that of W
    percent: float = 0  # std(D)/std(W), where the verb has one
    forced: str = ""  # an instruction set, where the machine would have chosen another


@dataclass(frozen=True)
class Place:
    """What times can be compared within."""

    weights: str
    shape: tuple
    threads: int


@dataclass
class Entry:
    contender: Contender
    place: Place
    rank: int
    values: dict  # "seconds" and the counters, each the median of the repetitions


SQUARE = (4096, 4096)
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
NOT_COUNTERS = {"real_time", "cpu_time", "iterations", "threads", "repetitions",
                "repetition_index", "family_index", "per_family_instance_index"}


def parse(name):
    verb, *parts = name.split("/")
    verb, _, forced = verb.partition("@")
    types = [part for part in parts if part in TYPES]

    def number(pattern):
        found = [re.fullmatch(pattern, part) for part in parts]
        return next((float(match[1]) for match in found if match), 0)

    shapes = [re.fullmatch(r"(\d+)x(\d+)", part) for part in parts]
    shape = next(((int(match[1]), int(match[2])) for match in shapes if match), ())
    weights = types[0] if types else ""
    factors = types[1] if len(types) > 1 and types[1] != weights else ""
    contender = Contender(verb, factors, number(r"d([\d.e+-]+)"), forced)
    return contender, Place(weights, shape, int(number(r"t(\d+)"))), int(number(r"r(\d+)"))


class Measurements:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        self.context = report.get("context", {})
        self.failures = {}
        runs = report.get("benchmarks", [])
        with_median = {run["run_name"] for run in runs if run.get("aggregate_name") == "median"}
        values = {}  # name -> key -> one value for each repetition, or the median alone
        for run in runs:
            name = run.get("run_name", run["name"])
            if run.get("error_occurred"):
                self.failures[name] = run.get("error_message", "failed")
                continue
            if run.get("aggregate_name") != ("median" if name in with_median else None):
                continue
            of_name = values.setdefault(name, {})
            for key, value in run.items():
                if isinstance(value, (int, float)) and key not in NOT_COUNTERS:
                    of_name.setdefault(key, []).append(value)
            seconds = run["real_time"] * SECONDS[run.get("time_unit", "ns")]
            of_name.setdefault("seconds", []).append(seconds)
        self.entries = [
            Entry(*parse(name), {key: median(list_) for key, list_ in of_name.items()})
            for name, of_name in values.items()
        ]

    def roof(self, place):
        for entry in self.entries:
            if entry.contender == Contender("roof") and entry.place == place:
                return entry.values["seconds"]
        return None

    def contenders(self, place):
        """Contender -> rank -> seconds, in the order of the report; round trips included."""
        found = {}
        for entry in self.entries:
            if entry.place == place and entry.rank > 0:
                of_contender = found.setdefault(entry.contender, {})
                of_contender[entry.rank] = entry.values["seconds"]
        for contender in list(found):
            if contender.verb != "merge_exact":
                continue
            back = found.get(Contender("unmerge_exact", contender.factors, contender.percent,
                                       contender.forced), {})
            both = {rank: seconds + back[rank]
                    for rank, seconds in found[contender].items() if rank in back}
            if both:
                found[Contender("round_trip", contender.factors, contender.percent,
                                contender.forced)] = both
        return found

    def peaks(self, threads):
        """Verb -> operations per second."""
        return {entry.contender.verb: entry.values["flops"] for entry in self.entries
                if entry.place.threads == threads and "flops" in entry.values}

    def compute_bound(self, place, rank):
        """The time that the arithmetic of a merge takes at least, or None if no peak is known.
        A merge of bf16 factors may use any unit, one of fp32 factors only that of fp32."""
        peaks = self.peaks(place.threads)
        if place.weights != "bf16":
            peaks = {verb: peak for verb, peak in peaks.items() if verb == "peak_fma"}
        rows, cols = place.shape
        return 2 * rank * rows * cols / max(peaks.values()) if peaks else None

    def record_sizes(self, weights):
        """[(percent, bits per weight, information bound)], of 4096×4096 weights at rank 16."""
        sizes = {}
        for entry in self.entries:
            if (entry.place.weights == weights and entry.place.shape == SQUARE
                    and entry.rank == 16 and not entry.contender.factors
                    and "bits_per_weight" in entry.values):
                sizes[entry.contender.percent] = (entry.values["bits_per_weight"],
                                                  entry.values["bound_bits_per_weight"])
        return [(percent, *sizes[percent]) for percent in sorted(sizes)]
