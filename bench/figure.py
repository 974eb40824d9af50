"""The figure of the report: time over the roof by type of weights, and the size of records."""

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

from measurements import SQUARE, TYPES, Place  # noqa: E402

# Okabe and Ito's colours, which the colour-blind can tell apart.
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#777777", "#222222")
LOOKS = {
    ("merge", 0): ("merge", BLUE, "o"),
    ("merge_exact", 1): ("merge with undo record", VERMILION, "o"),
    ("round_trip", 1): ("merge + exact unmerge", VERMILION, "s"),
    ("backup_merge_restore", 0): ("copy, merge, copy back", GREEN, "s"),
    ("peer_openblas", 0): ("OpenBLAS{}", ORANGE, "^"),
    ("peer_eigen", 0): ("Eigen{}", PURPLE, "v"),
    ("peer_onednn", 0): ("oneDNN{}", SKY, "D"),
    ("peer_torch", 0): ("PyTorch{}", BLACK, "P"),
    ("peer_torch_copying", 0): ("PyTorch{}, copying", BLACK, "s"),
}
HALO = [withStroke(linewidth=3, foreground="white")]
BOTH_WAYS = ("round_trip", "backup_merge_restore", "peer_torch_copying")  # dashed


def look_of(contender):
    """None for what would crowd the panel; the tables have it."""
    if contender.factors or contender.forced:
        return None
    text, *look = LOOKS.get((contender.verb, contender.percent), [None])
    return (text.format(f" {contender.version}".rstrip()), *look) if text else None


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
    """Labels beside the panel, each with a thin line to the end of its own."""
    line_height = 13 * axes.figure.dpi / 72
    ends = sorted(ends, key=lambda end: end[1])
    wanted = [axes.transData.transform((x, y))[1] for x, y, _, _ in ends]
    for (x, y, text, colour), at in zip(ends, pushed_apart(wanted, line_height)):
        label = 1.06, axes.transAxes.inverted().transform((0, at))[1]
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


def draw_limit(axes, measured, place):
    """What no merge can be below: the roof, or the arithmetic."""
    low, high = axes.get_xlim()
    ranks = [low * (high / low) ** (i / 200) for i in range(201)]
    limit = [measured.limit(place, rank) for rank in ranks]
    axes.fill_between(ranks, limit, 0.5, color="#eeeeee", linewidth=0)
    axes.plot(ranks, limit, color=GREY, linewidth=1.2)
    unit = measured.unit(place).removeprefix("peak_").replace("_", " ")
    bounded = "limit: memory, then arithmetic" if limit[-1] > 1 else "limit: memory"
    axes.text(0.98, 0.03, f"{bounded} ({unit})", transform=axes.transAxes, color=GREY,
              ha="right", va="bottom", fontsize=8.5)


def time_panel(axes, measured, weights, highest):
    place = Place(weights, SQUARE, 2)
    entitle(axes, f"Time of a merge, {weights}", "4096×4096, two threads, delta 1 % of W")
    drawn = {contender: figures for contender, figures in measured.figures(place).items()
             if look_of(contender)}
    if is_empty(axes, drawn):
        return []
    ranks = sorted({rank for figures in drawn.values() for rank in figures})
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(ranks[0] / 1.25, ranks[-1] * 1.25)
    axes.set_ylim(0.7, highest)
    plain_numbers(axes.xaxis, [2 ** i for i in range(12) if ranks[0] <= 2 ** i <= ranks[-1]])
    plain_numbers(axes.yaxis, [tick for tick in (1, 2, 3, 5, 10, 20, 30, 50, 100)
                               if tick <= highest])
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("rank")
    axes.set_ylabel("time ÷ time to read and write W")
    draw_limit(axes, measured, place)
    ends = []
    for contender, figures in drawn.items():
        text, colour, marker = look_of(contender)
        x = sorted(figures)
        y = [figures[rank].roofs for rank in x]
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
    found = [figure.roofs for weights in TYPES
             for contender, figures in measured.figures(Place(weights, SQUARE, 2)).items()
             if look_of(contender) for figure in figures.values()]
    return max(found, default=5) * 1.15


def draw(measured, path):
    figure = pyplot.figure(figsize=(12.4, 9.2), facecolor="white")
    panels = [figure.add_axes((left, bottom, 0.27, 0.375))
              for bottom in (0.56, 0.06) for left in (0.05, 0.55)]
    top = highest(measured)
    ends = [time_panel(axes, measured, weights, top) for axes, weights in zip(panels, TYPES)]
    ends.append(size_panel(panels[3], measured))
    figure.canvas.draw()  # settles the scales that labels are placed by
    for panel, of_panel in zip(panels, ends):
        write_at_ends(panel, of_panel)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
