"""Reads reports of the benchmark; bench/main.cpp says what the names and counters mean.

A report is Google Benchmark's JSON, with every repetition, or the same condensed by report.py: one
line a benchmark, one list a counter. Several are read as one: the first is of the machine, the
others add peers that could not be in the same program.
"""

import json
import re
from dataclasses import dataclass, field, replace
from statistics import median

TYPES = ("bf16", "fp16", "fp32")
SQUARE = (4096, 4096, 4096)  # rows, columns, elements from a row to the next


@dataclass(frozen=True)
class Contender:
    """What is measured, apart from where and at which rank: one line, one row."""

    verb: str
    factors: str = ""  # their type, where it is not that of W
    percent: float = 0  # std(D)/std(W), where the verb has one
    forced: str = ""  # an instruction set, where the machine would have chosen another
    version: str = ""  # of a peer


@dataclass(frozen=True)
class Place:
    """Where times can be compared."""

    weights: str
    shape: tuple
    threads: int

    @property
    def elements(self):
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class Figure:
    """Medians of the repetitions."""

    seconds: float
    roofs: float  # multiples of the roof
    limits: float  # multiples of the limit: the roof, or the arithmetic where that takes longer


@dataclass
class Entry:
    name: str
    contender: Contender
    place: Place
    rank: int
    runs: dict = field(default_factory=dict)  # "seconds" and counters: one value a repetition

    def value(self, key):
        return median(self.runs[key]) if key in self.runs else None


SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
COUNTERS = ("roof", "roofs", "above_plain", "ours", "flops", "bits_per_weight",
            "bound_bits_per_weight", "busy")


def parse(name):
    verb, *parts = name.split("/")
    verb, _, forced = verb.partition("@")
    types = [part for part in parts if part in TYPES]

    def number(pattern):
        found = [re.fullmatch(pattern, part) for part in parts]
        return next((float(match[1]) for match in found if match), 0)

    shapes = [re.fullmatch(r"(\d+)x(\d+)(?:@(\d+))?", part) for part in parts]
    shape = next(((int(match[1]), int(match[2]), int(match[3] or match[2]))
                  for match in shapes if match), ())
    weights = types[0] if types else ""
    factors = types[1] if len(types) > 1 and types[1] != weights else ""
    contender = Contender(verb, factors, number(r"d([\d.e+-]+)"), forced)
    return contender, Place(weights, shape, int(number(r"t(\d+)"))), int(number(r"r(\d+)"))


def plain_name(run):
    """Without what Google Benchmark adds."""
    name = run.get("run_name", run["name"])
    return re.sub(r"/(iterations:\d+|repeats:\d+|manual_time)", "", name)


def runs_of(report):
    """(name, version if it is told there, counter, values of the repetitions)."""
    for run in report.get("benchmarks", []):
        if "runs" in run:
            yield from ((run["name"], run.get("version", ""), key, values)
                        for key, values in run["runs"].items())
        elif run.get("run_type") != "aggregate" and not run.get("error_occurred"):
            name = plain_name(run)
            yield name, "", "seconds", [run["real_time"] * SECONDS[run.get("time_unit", "ns")]]
            if "flops" in run:  # how much of the time its thread was not made to wait
                yield name, "", "busy", [run["cpu_time"] / run["real_time"]]
            yield from ((name, "", key, [run[key]]) for key in COUNTERS if key in run)


def versions_of_peers(context):
    """Verb -> version: "OpenBLAS 0.3.21 NO_LAPACKE …" is 0.3.21."""
    peers = ("openblas", "eigen", "onednn", "torch", "torch_copying")
    found = {peer: re.search(r"\d+(\.\d+)+", context.get(peer, "")) for peer in peers}
    return {f"peer_{peer}": match[0] for peer, match in found.items() if match}


class Measurements:
    def __init__(self, *paths):
        self.context, self.failures, self.entries, self.busy_parts = {}, {}, [], []
        for path in paths:
            with open(path, encoding="utf-8") as file:
                self._add(json.load(file))

    def _add(self, report):
        context = report.get("context", {})
        versions = versions_of_peers(context)
        entries = {}
        for name, version, key, values in runs_of(report):
            entry = entries.setdefault((name, version), Entry(name, *parse(name)))
            verb = entry.contender.verb
            entry.contender = replace(entry.contender, version=version or versions.get(verb, ""))
            entry.runs.setdefault(key, []).extend(values)
        for entry in entries.values():
            self.busy_parts += entry.runs.get("busy", [])
        self.busy_parts += report.get("busy", [])
        is_first = not self.context
        self.context = self.context or context
        self.failures.update(report.get("failures", {}))
        for run in report.get("benchmarks", []):
            if run.get("error_occurred"):
                self.failures[plain_name(run)] = run.get("error_message", "failed")
        self.entries += [entry for entry in entries.values()
                         if is_first or "peer" in entry.contender.verb]

    def at(self, place):
        return [entry for entry in self.entries if entry.place == place]

    def roof(self, place):
        """In seconds; the medians of what was measured beside each entry."""
        roofs = [entry.value("roof") for entry in self.at(place) if "roof" in entry.runs]
        return median(roofs) if roofs else None

    def peaks(self, threads):
        """Verb -> operations per second; of the best repetition, for a peak."""
        return {entry.contender.verb: max(entry.runs["flops"]) for entry in self.entries
                if entry.place.threads == threads and "flops" in entry.runs}

    def unit(self, place, contender=Contender("merge")):
        """The peak of what revlora multiplies by."""
        chosen = contender.forced or self.context.get("instruction_set", "")
        if (contender.factors or place.weights) != "bf16":
            return "peak_fma"
        return {"amx": "peak_amx", "avx512bf16": "peak_dot_pairs"}.get(chosen, "peak_fma")

    def arithmetic(self, place, rank, contender=Contender("merge")):
        """The seconds that the operations of a merge take at the peak of its unit, or 0."""
        peak = self.peaks(place.threads).get(self.unit(place, contender))
        return 2 * rank * place.elements / peak if peak else 0.0

    def figure(self, entry):
        """By the roof beside each call where memory is the limit. Arithmetic takes as long in any
        minute, so where that is the limit, all are multiples of one roof, the place's median."""
        arithmetic = self.arithmetic(entry.place, entry.rank, entry.contender)
        limits = [seconds / max(roof, arithmetic)
                  for seconds, roof in zip(entry.runs["seconds"], entry.runs["roof"])]
        of_limit = self.limit(entry.place, entry.rank, entry.contender)
        return Figure(entry.value("seconds"), median(limits) * of_limit, median(limits))

    def figures(self, place):
        """Contender -> rank -> figure, in the order of the report; round trips included."""
        found = {}
        for entry in self.at(place):
            if entry.rank > 0 and "roof" in entry.runs:
                found.setdefault(entry.contender, {})[entry.rank] = self.figure(entry)
        for contender in list(found):
            back = found.get(replace(contender, verb="unmerge_exact"), {})
            if contender.verb != "merge_exact":
                continue
            both = {rank: Figure(there.seconds + back[rank].seconds,
                                 there.roofs + back[rank].roofs, there.limits + back[rank].limits)
                    for rank, there in found[contender].items() if rank in back}
            if both:
                found[replace(contender, verb="round_trip")] = both
        return found

    def limit(self, place, rank, contender=Contender("merge")):
        """As a multiple of the roof."""
        roof = self.roof(place)
        return max(1.0, self.arithmetic(place, rank, contender) / roof) if roof else None

    def record_sizes(self, weights):
        """[(percent, bits per weight, information bound)], of 4096×4096 weights at rank 16."""
        return sorted((entry.contender.percent, entry.value("bits_per_weight"),
                       entry.value("bound_bits_per_weight")) for entry in self.entries
                      if entry.contender.verb == "record_size" and entry.rank == 16
                      and (entry.place.weights, entry.place.shape) == (weights, SQUARE))

    def busy(self):
        """The least part of a repetition of the peaks in which its thread ran, or None."""
        return min(self.busy_parts, default=None)

    def condensed(self):
        """The text of a report with the same entries: a line each."""
        lines = [json.dumps({"name": entry.name,
                             **({"version": v} if (v := entry.contender.version) else {}),
                             "runs": {key: [float(f"{value:.4g}") for value in values]
                                      for key, values in entry.runs.items()}})
                 for entry in sorted(self.entries, key=lambda entry: entry.name)]
        # Neither whose machine it was nor where on it.
        context = {key: value for key, value in self.context.items()
                   if key not in ("host_name", "executable")}
        return (f'{{"context": {json.dumps(context, ensure_ascii=False, indent=1)},\n'
                f'"failures": {json.dumps(self.failures)},\n'
                f'"busy": {json.dumps(self.busy_parts and [self.busy()])},\n'
                f'"benchmarks": [\n' + ",\n".join(lines) + "\n]}\n")
