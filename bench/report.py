#!/usr/bin/env python3
"""report.py REPORT.json: tables (REPORT.md) and a figure (REPORT.svg) beside it."""

import pathlib
import sys

from measurements import SQUARE, TYPES, Measurements, Place

# Verb, what a reader calls it.
OURS = {
    "merge": "merge",
    "merge_exact": "merge with undo record",
    "unmerge_exact": "unmerge, exactly",
    "round_trip": "merge with undo record, and back",
    "swap_exact": "swap for another adapter, exactly",
}
OTHERS = {
    "backup_merge_restore": "copy W, merge, copy W back",
    "peer_openblas": "OpenBLAS `sgemm`",
    "peer_eigen": "Eigen `noalias() +=`",
    "peer_onednn": "oneDNN `matmul` with sum",
}
CONTEXT = {
    "processor": "Processor", "num_cpus": "Cores", "instruction_set": "Instruction set",
    "amx": "AMX", "compiler": "Compiler", "revlora": "revlora", "xsimd": "xsimd",
    "openblas": "OpenBLAS", "eigen": "Eigen", "onednn": "oneDNN", "date": "Date",
}


def title(contender):
    text = {**OURS, **OTHERS}.get(contender.verb, contender.verb)
    if contender.percent:
        text += f", {contender.percent:g} %"
    if contender.factors:
        text += f", {contender.factors} factors"
    if contender.forced:
        text += f", by {contender.forced}"
    return text


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def duration(seconds):
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def in_order(contenders):
    verbs = [*OURS, *OTHERS]
    known = [contender for contender in contenders if contender.verb in verbs]
    return sorted(known, key=lambda contender: (verbs.index(contender.verb), contender.factors,
                                                contender.percent, contender.forced))


def multiples(measured, weights):
    """Ranks side by side."""
    place = Place(weights, SQUARE, 2)
    contenders = measured.contenders(place)
    roof = measured.roof(place)
    if not contenders or not roof:
        return f"No times of {weights} weights with their roof in this report.\n"
    ranks = sorted({rank for times in contenders.values() for rank in times})
    bounds = [measured.compute_bound(place, rank) for rank in ranks]
    rows = [["*the bound: memory, or arithmetic*"] +
            [f"*{max(1, bound / roof):.2f}*" if bound else "*1*" for bound in bounds]]
    for contender in in_order(contenders):
        times = contenders[contender]
        rows.append([title(contender)] + [
            f"{times[rank] / roof:.2f} ({duration(times[rank])})" if rank in times else ""
            for rank in ranks])
    return (f"4096×4096, two threads; the roof is {duration(roof)}.\n\n" +
            table([""] + [f"r = {rank}" for rank in ranks], rows) + "\n")


def other_places(measured):
    """bf16 at rank 16 elsewhere than in the table of multiples."""
    places = {entry.place for entry in measured.entries if entry.contender.verb == "roof"}
    rows = []
    for place in sorted(places, key=lambda p: (-p.threads, -p.shape[0] * p.shape[1], p.shape)):
        roof = measured.roof(place)
        times = {c.verb: at[16] for c, at in measured.contenders(place).items()
                 if 16 in at and not c.factors and not c.forced and c.percent in (0, 1)}
        if place.weights == "bf16" and "merge" in times:
            rows.append([f"{place.shape[0]}×{place.shape[1]}", str(place.threads),
                         duration(roof)] + [
                f"{times[verb] / roof:.2f} ({duration(times[verb])})" if verb in times else ""
                for verb in ("merge", "merge_exact")])
    return table(["bf16, r = 16", "threads", "roof", OURS["merge"],
                  OURS["merge_exact"] + ", 1 %"], rows) + "\n"


def sizes(measured):
    found = {weights: measured.record_sizes(weights) for weights in TYPES}
    rows = [[weights, f"{percent:g} %", f"{bits:.4f}", f"{bound:.4f}",
             f"{bits / bound:.3f}" if bound else ""]
            for weights in TYPES for percent, bits, bound in found[weights]]
    return table(["W", "std(D)/std(W)", "bits per weight", "information bound", "ratio"],
                 rows) + "\n"


def peaks(measured):
    return table(["threads", "unit", "GFLOP/s"], [
        [str(threads), verb.removeprefix("peak_"), f"{flops / 1e9:,.0f}"]
        for threads in (1, 2) for verb, flops in sorted(measured.peaks(threads).items())]) + "\n"


def missing(measured):
    """What a reader may look for in vain, and why it is not there."""
    lines = [f"- `{name}`: {why}" for name, why in sorted(measured.failures.items())]
    present = {entry.contender.verb for entry in measured.entries}
    for verb in OTHERS:
        if verb not in present:
            why = measured.context.get(verb.removeprefix("peer_"), "not measured")
            lines.append(f"- {OTHERS[verb]}: {why}")
    if measured.context.get("amx", "no") == "no":
        lines.append("- AMX: the processor or the system does not offer it; the bound of bf16 is"
                     " that of its next faster unit")
    for weights in TYPES:
        if not measured.contenders(Place(weights, SQUARE, 2)):
            lines.append(f"- {weights} weights: not measured")
    return "\n".join(lines or ["Nothing."]) + "\n"


def markdown(measured):
    context = [[label, str(measured.context[key])]
               for key, label in CONTEXT.items() if key in measured.context]
    return "\n".join([
        "# Benchmark report\n",
        "Times are medians on weights that no cache holds, as multiples of the roof: the time to"
        " read and write W in place\nwith the same threads and do nothing else. No merge can be"
        " below 1, nor below the time of its arithmetic at the\nmachine's peak. Percentages are"
        " std(D)/std(W).\n",
        table(["", ""], context) + "\n",
        *[f"## W in {weights}\n\n" + multiples(measured, weights) for weights in TYPES],
        "## Other shapes, and one thread\n", other_places(measured),
        "## Undo records\n\n4096×4096, rank 16. The bound is estimated from an eighth of the"
        " rows.\n", sizes(measured),
        "## Peaks\n", peaks(measured),
        "## Not in this report\n", missing(measured)])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1])
    measured = Measurements(source)
    source.with_suffix(".md").write_text(markdown(measured), encoding="utf-8")
    print(f"tables: {source.with_suffix('.md')}")
    try:
        import figure
    except ImportError as error:
        print(f"no figure: {error}", file=sys.stderr)
        return
    figure.draw(measured, source.with_suffix(".svg"))
    print(f"figure: {source.with_suffix('.svg')}")


if __name__ == "__main__":
    main()
