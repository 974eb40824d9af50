"""The figure of the report: time over the roof for bf16 and fp32, and the size of records."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({
    "svg.hashsalt": "revlora",  # or else every drawing has other identifiers
    "font.family": "DejaVu Sans", "font.size": 9.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#555555",
    "xtick.color": "#555555", "ytick.color": "#555555",
})
import matplotlib.pyplot as pyplot  # noqa: E402
from matplotlib.patheffects import withStroke  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402

from measurements import SQUARE, Contender, Place  # noqa: E402

# Okabe and Ito's colours, which the colour-blind can tell apart.
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#777777")
LOOKS = {
    ("merge", 0): ("merge", BLUE, "o"),
    ("merge_exact", 1): ("merge with undo record", VERMILION, "o"),
    ("round_trip", 1): ("merge + exact unmerge", VERMILION, "s"),
    ("backup_merge_restore", 0): ("copy, merge, copy back", GREEN, "s"),
    ("peer_openblas", 0): ("OpenBLAS", ORANGE, "^"),
    ("peer_eigen", 0): ("Eigen", PURPLE, "v"),
    ("peer_onednn", 0): ("oneDNN", SKY, "D"),
}
HALO = [withStroke(linewidth=3, foreground="white")]
BOTH_WAYS = ("round_trip", "backup_merge_restore")  # dashed


def look_of(contender):
    """None for what would crowd the panel; the tables have it."""
    if contender.factors:
        return None
    look = LOOKS.get((contender.verb, contender.percent))
    if not look or not contender.forced:
        return look
    return None if contender.verb == "round_trip" else (f"{look[0]}, {contender.forced}", look[1], "x")


def darker(colour):
    """Of a line's colour, for thin letters on white."""
    return tuple(0.78 * part for part in matplotlib.colors.to_rgb(colour))


def pushed_apart(wanted, height):
    """Ascending positions, moved so that none is nearer to the next than `height`."""
    groups = []  # of labels that touch: centred where its members would like to be
    for want in wanted:
        groups.append([want])
        while len(groups) > 1:
            below, above = groups[-2:]
            top = sum(below) / len(below) + len(below) * height / 2
            bottom = sum(above) / len(above) - len(above) * height / 2
            if top <= bottom:
                break
            groups[-2:] = [below + above]
    return [sum(group) / len(group) + (i - (len(group) - 1) / 2) * height
            for group in groups for i in range(len(group))]


def write_at_ends(axes, ends):
    """Labels beside the ends of lines."""
    line_height = 13 * axes.figure.dpi / 72
    for end_x in {x for x, _, _, _ in ends}:
        here = sorted((end for end in ends if end[0] == end_x), key=lambda end: end[1])
        wanted = [axes.transData.transform((x, y))[1] for x, y, _, _ in here]
        for (x, y, text, colour), at in zip(here, pushed_apart(wanted, line_height)):
            label = axes.transAxes.inverted().transform(
                (axes.transData.transform((x, y))[0], at)) + (0.05, 0)
            axes.annotate(text, (x, y), label, textcoords=axes.transAxes, color=darker(colour),
                          va="center", annotation_clip=False, path_effects=HALO,
                          arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6,
                                      "shrinkA": 0, "shrinkB": 5, "alpha": 0.6})


def entitle(axes, title, more):
    axes.set_title(title, loc="left", fontweight="bold", fontsize=11, y=1.055)
    axes.text(0, 1.02, more, transform=axes.transAxes, color=GREY, fontsize=8.5)


def is_empty(axes, drawn):
    """Says so in the panel."""
    if not drawn:
        axes.text(0.5, 0.5, "not in this report", ha="center", transform=axes.transAxes)
        axes.set_axis_off()
    return not drawn


def plain_numbers(axis, ticks):
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def draw_bounds(axes, measured, place, roof):
    """What no merge can be below; for bf16 also what none that calculates in fp32 can be below."""
    low, high = axes.get_xlim()
    ranks = [low * (high / low) ** (i / 200) for i in range(201)]
    bound = [max(1, (measured.compute_bound(place, rank) or 0) / roof) for rank in ranks]
    axes.fill_between(ranks, bound, 0.5, color="#eeeeee", linewidth=0)
    axes.plot(ranks, bound, color=GREY, linewidth=1.2)
    axes.text(ranks[4], 0.97, "the roof: memory", color=GREY, va="top", fontsize=8.5)
    if bound[-1] > 1:
        axes.text(ranks[-4], 0.97, "arithmetic", color=GREY, va="top", ha="right", fontsize=8.5)
    fma = measured.peaks(place.threads).get("peak_fma")
    if not fma or place.weights != "bf16":
        return
    line = [(rank, 2 * rank * place.shape[0] * place.shape[1] / fma / roof) for rank in ranks]
    line = [point for point in line if point[1] >= 1]
    if line:
        axes.plot(*zip(*line), color=GREY, linewidth=1, linestyle=":")
        axes.text(*line[-1], " limit of fp32 FMA", color=GREY, va="center", fontsize=8.5)


def time_panel(axes, measured, weights, limit):
    place = Place(weights, SQUARE, 2)
    roof = measured.roof(place)
    entitle(axes, f"Time of a merge, {weights}", "4096×4096, two threads, delta 1 % of W")
    drawn = {contender: times for contender, times in measured.contenders(place).items()
             if roof and look_of(contender)}
    if is_empty(axes, drawn):
        return []
    ranks = sorted({rank for times in drawn.values() for rank in times})
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(ranks[0] / 1.25, ranks[-1] * 1.25)
    axes.set_ylim(0.82, limit)
    plain_numbers(axes.xaxis, ranks)
    plain_numbers(axes.yaxis, [tick for tick in (1, 2, 3, 5, 10, 20, 30, 50) if tick <= limit])
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("rank")
    axes.set_ylabel("time ÷ time to read and write W")
    draw_bounds(axes, measured, place, roof)
    ends = []
    for contender, times in drawn.items():
        text, colour, marker = look_of(contender)
        x = sorted(times)
        y = [times[rank] / roof for rank in x]
        axes.plot(x, y, color=colour, marker=marker, markersize=5,
                  linewidth=2.2 if contender.verb in ("merge", "merge_exact") else 1.5,
                  linestyle="--" if contender.verb in BOTH_WAYS else "-")
        ends.append((x[-1], y[-1], text, colour))
    return ends


def size_panel(axes, measured):
    entitle(axes, "Size of an undo record", "marks: records; lines: information bound")
    drawn = [(measured.record_sizes(weights), weights, colour, marker)
             for weights, colour, marker in (("fp32", VERMILION, "^"), ("bf16", BLUE, "o"),
                                             ("fp16", GREEN, "s"))]
    drawn = [of_type for of_type in drawn if of_type[0]]
    if is_empty(axes, drawn):
        return []
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.07, 140)
    axes.set_ylim(0.002, 40)
    plain_numbers(axes.xaxis, [0.1, 1, 10, 100])
    plain_numbers(axes.yaxis, [0.01, 0.1, 1, 16])
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axhline(16, color=GREY, linewidth=1.2)
    axes.text(0.08, 14, "a copy of bf16 or fp16", color=GREY, va="top", fontsize=8.5)
    axes.set_xlabel("std(delta) ÷ std(W), %")
    axes.set_ylabel("bits per weight")
    ends = []
    for sizes, weights, colour, marker in drawn:
        percents, bits, bounds = zip(*sizes)
        axes.plot(percents, bounds, color=colour, linewidth=1.2)
        axes.plot(percents, bits, color=colour, marker=marker, markersize=5.5, linestyle="none")
        ends.append((percents[-1], bits[-1], weights, colour))
    return ends


def highest(measured):
    """The panels of times share their scale."""
    found = [seconds / measured.roof(place)
             for place in (Place("bf16", SQUARE, 2), Place("fp32", SQUARE, 2))
             if measured.roof(place)
             for contender, times in measured.contenders(place).items() if look_of(contender)
             for seconds in times.values()]
    return max(found, default=5) * 1.15


def draw(measured, path):
    figure = pyplot.figure(figsize=(14, 4.6), facecolor="white")
    axes = [figure.add_axes((left, 0.115, width, 0.755))
            for left, width in ((0.04, 0.225), (0.445, 0.225), (0.795, 0.165))]
    limit = highest(measured)
    ends = [time_panel(axes[0], measured, "bf16", limit),
            time_panel(axes[1], measured, "fp32", limit), size_panel(axes[2], measured)]
    figure.canvas.draw()  # settles the scales that labels are placed by
    for panel, of_panel in zip(axes, ends):
        write_at_ends(panel, of_panel)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
