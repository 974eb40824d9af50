#!/usr/bin/env python3
"""Makes tables and a figure of what the benchmark has measured.

  report.py REPORT.json [PEERS.json ...]   REPORT.md and REPORT.svg, beside the first
  report.py --readme REPORT.json ...       prints the tables of README, of each report on its own
  report.py --publish NAME REPORT.json [PEERS.json ...]
      keeps them as docs/benchmarks/NAME.json, condensed, and .svg; puts into README the tables
      of all reports there
"""

import pathlib
import sys

from goals import goals, shape_name
from measurements import SQUARE, TYPES, Contender, Measurements, Place

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
    "peer_openblas": "OpenBLAS{} `sgemm`",
    "peer_eigen": "Eigen{} `noalias() +=`",
    "peer_onednn": "oneDNN{} `matmul` with sum",
    "peer_torch": "PyTorch{} `addmm`",
    "peer_torch_copying": "PyTorch{}: copy W, `addmm`, copy W back",
}
OPTIONAL = ("peer_torch", "peer_torch_copying")  # by a program of their own
CONTEXT = {
    "processor": "Processor", "num_cpus": "Cores", "caches": "Caches", "pages": "Pages",
    "load_avg": "Load when it began", "instruction_set": "Instruction set",
    "available_sets": "Instruction sets that run here", "amx": "AMX", "compiler": "Compiler",
    "revlora": "revlora", "xsimd": "xsimd", "openblas": "OpenBLAS", "eigen": "Eigen",
    "onednn": "oneDNN", "date": "Date",
}
SOURCE = pathlib.Path(__file__).resolve().parents[1]
README, PUBLISHED = SOURCE / "README.md", SOURCE / "docs" / "benchmarks"
BEGIN = "<!-- python3 bench/report.py --readme docs/benchmarks/*.json -->\n"
END = "<!-- so far -->\n"
UNDISTURBED = 0.95  # of a thread that only calculates, of the time it takes
EXPLANATION = (
    "Times are medians on weights that no cache holds. Each cell: multiples of the roof · multiples"
    " of the limit. The roof is the\ntime to read and write W in place with as many threads and do"
    " nothing else, measured right before each call. The\nlimit is the roof, or 2·r·rows·columns"
    " operations at the peak of the unit that revlora uses, where they take longer;\nthere the roof is the median of all. Percentages are"
    " std(D)/std(W).\n")


def title(contender):
    text = {**OURS, **OTHERS}.get(contender.verb, contender.verb)
    text = text.format(f" {contender.version}".rstrip())
    if contender.percent:
        text += f", {contender.percent:g} %"
    if contender.factors:
        text += f", {contender.factors} factors"
    if contender.forced:
        text += f", by {contender.forced}"
    return text


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def duration(seconds):
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def cell(figure, with_time):
    text = f"{figure.roofs:.2f} · {figure.limits:.2f}"
    return f"{text} · {duration(figure.seconds)}" if with_time else text


def in_order(contenders):
    verbs = [*OURS, *OTHERS]
    known = [contender for contender in contenders if contender.verb in verbs]
    return sorted(known, key=lambda contender: (
        verbs.index(contender.verb), contender.factors, contender.percent, contender.forced,
        contender.version))


def multiples(measured, place, with_time=True, ranks=None):
    """Ranks side by side."""
    figures = measured.figures(place)
    roof = measured.roof(place)
    if not figures:
        return f"No times of {place.weights} weights in this report.\n"
    ranks = ranks or sorted({rank for of_ranks in figures.values() for rank in of_ranks})
    rows = [["*the limit, in roofs*"] +
            [f"*{measured.limit(place, rank):.2f}*" for rank in ranks]]
    for contender in in_order(figures):
        cells = [cell(figures[contender][rank], with_time) if rank in figures[contender] else ""
                 for rank in ranks]
        if any(cells):
            rows.append([title(contender)] + cells)
    unit = measured.unit(place).removeprefix("peak_")
    return (f"{shape_name(place.shape)}, threads: {place.threads}; the roof is {duration(roof)},"
            f" the unit {unit}.\n\n" + table([""] + [f"r = {rank}" for rank in ranks], rows))


def other_shapes(measured):
    """At rank 16."""
    places = {entry.place for entry in measured.entries
              if entry.place.shape not in ((), SQUARE) and "roof" in entry.runs}
    contenders = (Contender("merge"), Contender("merge_exact", percent=1))
    rows = []
    for place in sorted(places, key=lambda p: (p.weights, -p.threads, -p.elements, p.shape)):
        figures = [measured.figures(place).get(contender, {}).get(16) for contender in contenders]
        if any(figures):
            rows.append([place.weights, shape_name(place.shape), str(place.threads),
                         duration(measured.roof(place))] +
                        [cell(figure, True) if figure else "" for figure in figures])
    return table(["W, r = 16", "shape", "threads", "roof"] + [title(c) for c in contenders], rows)


def sizes(measured):
    rows = [[weights, f"{percent:g} %", f"{bits:.4f}", f"{bound:.4f}",
             f"{bits / bound:.3f}" if bound else ""]
            for weights in TYPES for percent, bits, bound in measured.record_sizes(weights)]
    return table(["W", "std(D)/std(W)", "bits per weight", "information bound", "ratio"], rows)


def peaks(measured):
    threads = sorted({entry.place.threads for entry in measured.entries if "flops" in entry.runs})
    return table(["threads", "unit", "GFLOP/s"], [
        [str(count), verb.removeprefix("peak_"), f"{flops / 1e9:,.0f}"]
        for count in threads for verb, flops in sorted(measured.peaks(count).items())])


def table_of_goals(measured):
    return table(["", "goal", "measured", "verdict"],
                 [[goal.what, goal.wanted, goal.span, goal.verdict] for goal in goals(measured)])


def below_the_roof(measured):
    """[(entry, why)]: of what should not be, for who reads and writes W meets the roof."""
    found = []
    for entry in measured.entries:
        roofs = entry.runs.get("roofs", [])
        if not roofs or entry.value("roofs") >= 1:
            continue
        if entry.contender.verb == "checksum":
            why = "it reads W and does not write it"
        elif max(roofs) >= 1:
            why = f"noise: its repetitions go from {min(roofs):.2f} to {max(roofs):.2f}"
        elif entry.place.elements <= 1 << 15 and entry.place.threads > 1:
            why = "so few weights stay on one thread, and the roof wakes a team"
        else:
            why = "unexplained; not to be relied on"
        found.append((entry, why))
    return found


def reasons(measured):
    return "".join(f"- `{entry.name}` is below the roof, {entry.value('roofs'):.2f}: {why}\n"
                   for entry, why in below_the_roof(measured))


def disturbance(measured):
    """A warning, if something else ran meanwhile; else nothing."""
    busy = measured.busy()
    if busy is None or busy >= UNDISTURBED:
        return ""
    return (f"**Something else ran meanwhile**: a thread that only calculates had its core for"
            f" {100 * busy:.0f} % of a repetition. Do not rely on these times.\n")


def missing(measured):
    """What a reader may look for in vain, and why it is not there."""
    lines = [f"- `{name}`: {why}" for name, why in sorted(measured.failures.items())]
    present = {entry.contender.verb for entry in measured.entries}
    for verb in OTHERS:
        if verb not in present:
            why = "not measured; `bench/peer_torch.py` does" if verb in OPTIONAL else (
                measured.context.get(verb.removeprefix("peer_"), "not measured"))
            lines.append(f"- {title(Contender(verb))}: {why}")
    if measured.context.get("amx", "no") == "no":
        lines.append("- AMX: the processor or the system does not offer it")
    for weights in TYPES:
        if not measured.figures(Place(weights, SQUARE, 2)):
            lines.append(f"- {weights} weights: not measured")
    return "\n".join(lines or ["Nothing."]) + "\n"


def squares(measured):
    return sorted({entry.place for entry in measured.entries
                   if entry.place.shape == SQUARE and "roof" in entry.runs and entry.rank},
                  key=lambda place: (TYPES.index(place.weights) if place.weights in TYPES else 9,
                                     -place.threads))


def markdown(measured):
    context = [[label, str(measured.context[key])]
               for key, label in CONTEXT.items() if key in measured.context]
    tables = [f"## W in {place.weights}, threads: {place.threads}\n\n" + multiples(measured, place)
              for place in squares(measured)]
    return "\n".join([
        "# Benchmark report\n", disturbance(measured), EXPLANATION, table(["", ""], context),
        "## Goals\n", table_of_goals(measured),
        *(tables or ["No times of 4096×4096 weights.\n"]),
        "## Other shapes\n", other_shapes(measured),
        "## Undo records\n\n4096×4096, rank 16. The bound is estimated from an eighth of the"
        " rows.\n", sizes(measured),
        "## Peaks\n", peaks(measured),
        "## Below the roof\n", reasons(measured) or "Nothing.\n",
        "## Not in this report\n", missing(measured)])


def for_readme(measured, picture):
    """What README quotes of one processor."""
    ranks = [8, 16, 32, 64, 128]
    verdicts = [goal.verdict for goal in goals(measured)]
    parts = [
        f"### {measured.context.get('processor', 'unknown')}", disturbance(measured),
        "![Time over the roof against the rank, by type of weights, and the size of undo records]"
        f"({picture})",
        *(f"**W in {place.weights}**: " + multiples(measured, place, with_time=False, ranks=ranks)
          for place in squares(measured) if place.threads == 2),
        reasons(measured),
        f"<details><summary>Goals: {verdicts.count('reached')} of {len(verdicts)} reached"
        "</summary>", table_of_goals(measured), "</details>"]
    return "\n\n".join(part.strip() for part in parts if part)


def readme_tables(paths):
    return "\n\n".join(for_readme(Measurements(path), f"docs/benchmarks/{path.stem}.svg")
                       for path in map(pathlib.Path, paths))


def with_tables(readme, tables):
    """The text of README with other tables."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"report.py: README has lost its lines {BEGIN} and {END}")
    return f"{before}{begin}\n{tables}\n\n{end}{after}" if tables else readme


def publish(name, measured):
    PUBLISHED.mkdir(exist_ok=True)
    (PUBLISHED / f"{name}.json").write_text(measured.condensed(), encoding="utf-8")
    import figure
    figure.draw(measured, PUBLISHED / f"{name}.svg")
    tables = readme_tables(sorted(PUBLISHED.glob("*.json")))
    README.write_text(with_tables(README.read_text(encoding="utf-8"), tables), encoding="utf-8")
    print(f"published: {PUBLISHED / name}.json, .svg, and the tables in {README}")


def write_report(measured, source):
    source.with_suffix(".md").write_text(markdown(measured), encoding="utf-8")
    print(f"tables: {source.with_suffix('.md')}")
    try:
        import figure
    except ImportError as error:
        print(f"no figure: {error}", file=sys.stderr)
        return
    figure.draw(measured, source.with_suffix(".svg"))
    print(f"figure: {source.with_suffix('.svg')}")


def main(arguments):
    match arguments:
        case ["--readme", _, *_]:
            print(readme_tables(arguments[1:]))
        case ["--publish", name, _, *_] if not name.startswith("-"):
            publish(name, Measurements(*arguments[2:]))
        case [first, *_] if not first.startswith("-"):
            write_report(Measurements(*arguments), pathlib.Path(first))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
