"""The benchmark's report, made from a small report of Google Benchmark."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import report  # noqa: E402
from measurements import Measurements  # noqa: E402


def run(name, milliseconds, **more):
    return {"name": name, "run_name": name, "run_type": "iteration", "iterations": 9,
            "real_time": milliseconds, "cpu_time": 77.0, "time_unit": "ms", **more}


def aggregate(name, kind, milliseconds, **more):
    return {**run(name, milliseconds, **more), "name": f"{name}_{kind}", "aggregate_name": kind}


SQUARE = "4096x4096"
RUNS = [
    aggregate(f"roof/bf16/{SQUARE}/t2", "mean", 9.0),
    aggregate(f"roof/bf16/{SQUARE}/t2", "median", 2.0),
    run(f"roof/fp32/{SQUARE}/t2", 4.0),
    *[run(f"merge/bf16/bf16/{SQUARE}/r16/t2", time) for time in (5.0, 3.0, 99.0)],
    run(f"merge/bf16/bf16/{SQUARE}/r128/t2", 6.0),
    run(f"merge@avx512bf16/bf16/bf16/{SQUARE}/r16/t2", 7.0),
    run(f"merge_exact/bf16/bf16/{SQUARE}/r16/d1/t2", 8.0),
    run(f"unmerge_exact/bf16/bf16/{SQUARE}/r16/d1/t2", 9.0),
    run(f"backup_merge_restore/bf16/bf16/{SQUARE}/r16/t2", 10.0),
    run(f"merge/fp32/bf16/{SQUARE}/r16/t2", 12.0),
    run(f"peer_openblas/fp32/fp32/{SQUARE}/r16/t2", 6.0),
    run(f"peer_eigen/fp32/fp32/{SQUARE}/r16/t2", 0.0, error_occurred=True, error_message="wrong"),
    run("peak_fma/t2", 1.0, flops=400e9),
    run(f"record_size/bf16/bf16/{SQUARE}/r16/d0.3", 1.0, bits_per_weight=0.02,
        bound_bits_per_weight=0.016),
    run("roof/bf16/128x128/t2", 0.008),
    run("merge/bf16/bf16/128x128/r16/t2", 0.02),
]


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def measured(self, runs):
        path = self.folder / "report.json"
        path.write_text(json.dumps({"context": {"processor": "Z80"}, "benchmarks": runs}))
        return Measurements(path)

    def test_tables_show_medians_as_multiples_of_the_roof(self):
        text = report.markdown(self.measured(RUNS))
        for row in (
                "| Processor | Z80 |",
                "4096×4096, two threads; the roof is 2.00 ms.",
                "| *the bound: memory, or arithmetic* | *1.00* | *5.37* |",
                "| merge | 2.50 (5.00 ms) | 3.00 (6.00 ms) |",
                "| merge, by avx512bf16 | 3.50 (7.00 ms) |  |",
                "| merge with undo record, and back, 1 % | 8.50 (17.00 ms) |  |",
                "| copy W, merge, copy W back | 5.00 (10.00 ms) |  |",
                "| merge, bf16 factors | 3.00 (12.00 ms) |",
                "| OpenBLAS `sgemm` | 1.50 (6.00 ms) |",
                "| 128×128 | 2 | 8.0 µs | 2.50 (20.0 µs) |  |",
                "| bf16 | 0.3 % | 0.0200 | 0.0160 | 1.250 |",
                "| 2 | fma | 400 |"):
            self.assertIn(row, text)

    def test_says_what_is_missing(self):
        text = report.markdown(self.measured(RUNS))
        self.assertIn("- `peer_eigen/fp32/fp32/4096x4096/r16/t2`: wrong", text)
        self.assertIn("- fp16 weights: not measured", text)
        self.assertIn("oneDNN `matmul` with sum: not measured", text)

    def test_figure_is_the_same_every_time_and_of_any_report(self):
        try:
            import figure
        except ImportError as error:
            self.skipTest(str(error))
        drawings = []
        for name in ("a.svg", "b.svg"):
            figure.draw(self.measured(RUNS), self.folder / name)
            drawings.append((self.folder / name).read_bytes())
        self.assertEqual(*drawings)
        figure.draw(self.measured([]), self.folder / "empty.svg")
        figure.draw(self.measured(RUNS[3:]), self.folder / "without-roof.svg")

    def test_takes_an_empty_report(self):
        self.assertIn("No times of bf16 weights", report.markdown(self.measured([])))


if __name__ == "__main__":
    unittest.main()
