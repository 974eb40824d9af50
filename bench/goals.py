"""What the project wants of itself, filled in from a report: one line a goal, with a verdict."""

from dataclasses import dataclass, replace

from measurements import SQUARE, TYPES, Contender, Place

NOISE = 1.05  # of two calls of the same minute
EXACT_ABOVE_PLAIN = {1: 1.3, 10: 3.0}  # roofs, by std(D)/std(W) in per cent
SWAP_OVER_MERGE = 1.5
SHAPE_OVER_SQUARE = 1.3  # time per weight


@dataclass
class Goal:
    what: str
    wanted: str
    measured: dict  # where -> (value, allowed)

    @property
    def verdict(self):
        if not self.measured:
            return "not measured"
        missed = [f"{where} {value:.2f}" + (f" of {allowed:g}" if varies else "")
                  for where, (value, allowed) in self.measured.items()
                  for varies in [len({a for _, a in self.measured.values()}) > 1]
                  if value > allowed]
        return "**missed** at " + ", ".join(missed) if missed else "reached"

    @property
    def span(self):
        values = [value for value, _ in self.measured.values()]
        if not values:
            return ""
        return " … ".join(f"{end:.2f}" for end in sorted({min(values), max(values)}))


def threads_of(measured):
    return sorted({entry.place.threads for entry in measured.entries if entry.place.threads},
                  reverse=True)


def allowed_limits(measured, place, rank, contender):
    """Less where memory or arithmetic dominates than where they are within a factor of two."""
    ratio = measured.arithmetic(place, rank, contender) / measured.roof(place)
    return 1.5 if 0.5 < ratio < 2 else 1.25


def of_merges(measured, place):
    for contender, figures in measured.figures(place).items():
        if contender.verb != "merge" or contender.forced:
            continue
        factors = contender.factors or place.weights
        yield Goal(f"merge {place.weights}, {factors} factors, threads: {place.threads}",
                   "≤ 1.25 × limit (1.5 where roof and arithmetic are within a factor of 2)",
                   {f"r = {rank}": (figure.limits, allowed_limits(measured, place, rank, contender))
                    for rank, figure in sorted(figures.items())})


def of_peers(measured, place):
    """By neighbours where a peer was timed beside revlora's own merge, else by limits, which a
    machine that has become faster or slower meanwhile changes least."""
    found = {}
    own = measured.figures(place).get(Contender("merge"), {})
    for entry in sorted(measured.at(place), key=lambda entry: entry.rank):
        if not entry.contender.verb.startswith("peer_") or "copying" in entry.contender.verb:
            continue
        ours = entry.value("ours")
        if ours is None and entry.rank in own:
            ours = own[entry.rank].limits / measured.figure(entry).limits
        if ours is not None:
            peer = f"{entry.contender.verb.removeprefix('peer_')} {entry.contender.version}".strip()
            found[f"r = {entry.rank} ({peer})"] = (ours, NOISE)
    if found:
        yield Goal(f"merge {place.weights}, threads: {place.threads}",
                   f"time ≤ {NOISE} × that of each peer", found)


def of_exact_calls(measured, place):
    verbs = {"merge_exact": "merge with undo record", "unmerge_exact": "exact unmerge"}
    for verb, what in verbs.items():
        for percent, allowed in EXACT_ABOVE_PLAIN.items():
            found = {f"r = {entry.rank}": (entry.value("above_plain"), allowed)
                     for entry in sorted(measured.at(place), key=lambda entry: entry.rank)
                     if entry.contender == Contender(verb, percent=percent)}
            if found:
                yield Goal(f"{what} {place.weights}, {percent} %, threads: {place.threads}",
                           f"plain merge + {allowed:g} roofs", found)


def ratios(these, those, allowed):
    return {f"r = {rank}": (figure.seconds / those[rank].seconds, allowed)
            for rank, figure in sorted(these.items()) if rank in those}


def of_round_trips(measured, place):
    figures = measured.figures(place)
    found = ratios(figures.get(Contender("round_trip", percent=1), {}),
                   figures.get(Contender("backup_merge_restore"), {}), 1.0)
    if found:
        yield Goal(f"exact round trip {place.weights}, 1 %, threads: {place.threads}",
                   "time ≤ copying W aside, merging, copying back", found)


def of_swaps(measured, place):
    figures = measured.figures(place)
    for contender in figures:
        if contender.verb == "swap_exact":
            found = ratios(figures[contender],
                           figures.get(replace(contender, verb="merge_exact"), {}), SWAP_OVER_MERGE)
            if found:
                yield Goal(f"swap {place.weights}, {contender.percent:g} %, "
                           f"threads: {place.threads}",
                           f"time ≤ {SWAP_OVER_MERGE} × merge with undo record", found)


def shape_name(shape):
    rows, cols, stride = shape
    return f"{rows}×{cols}" + (f" in rows of {stride}" if stride != cols else "")


def of_shapes(measured, square):
    shapes = sorted({entry.place.shape for entry in measured.entries
                     if entry.place.shape not in ((), SQUARE)})
    for contender in (Contender("merge"), Contender("merge_exact", percent=1)):
        reference = measured.figures(square).get(contender, {}).get(16)
        found = {}
        for shape in shapes:
            place = replace(square, shape=shape)
            figure = measured.figures(place).get(contender, {}).get(16)
            if figure and reference:
                found[shape_name(shape)] = (figure.seconds / place.elements /
                                            (reference.seconds / square.elements),
                                            SHAPE_OVER_SQUARE)
        if found:
            what = "merge" if contender.verb == "merge" else "merge with undo record, 1 %,"
            yield Goal(f"{what} {square.weights}, other shapes, r = 16, threads: {square.threads}",
                       f"time per weight ≤ {SHAPE_OVER_SQUARE} × that of 4096×4096", found)


def goals(measured):
    places = [Place(weights, SQUARE, threads)
              for threads in threads_of(measured) for weights in TYPES]
    return [goal for kind in (of_merges, of_peers, of_exact_calls, of_round_trips, of_swaps,
                              of_shapes)
            for place in places for goal in kind(measured, place)]
