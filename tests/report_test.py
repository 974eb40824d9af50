"""The benchmark's report, made from a small report of Google Benchmark."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench"
sys.path.insert(0, str(BENCH))
import report  # noqa: E402
from measurements import Measurements, Place  # noqa: E402

SQUARE = "4096x4096"


def run(name, milliseconds, **more):
    return {"name": name, "run_name": f"{name}/manual_time", "run_type": "iteration",
            "iterations": 9, "real_time": milliseconds, "cpu_time": milliseconds,
            "time_unit": "ms", **more}


def beside(name, milliseconds, roof, **more):
    return run(name, milliseconds, roof=roof / 1e3, roofs=milliseconds / roof, **more)


RUNS = [
    *[beside(f"merge/bf16/bf16/{SQUARE}/r16/t2", time, 2.0) for time in (5.0, 3.0, 99.0)],
    {**beside(f"merge/bf16/bf16/{SQUARE}/r16/t2", 77.0, 2.0), "run_type": "aggregate"},
    beside(f"merge/bf16/bf16/{SQUARE}/r128/t2", 6.0, 2.0),
    beside(f"merge@avx2/bf16/bf16/{SQUARE}/r16/t2", 7.0, 2.0),
    beside(f"merge_exact/bf16/bf16/{SQUARE}/r16/d1/t2", 8.0, 2.0, above_plain=1.25),
    beside(f"unmerge_exact/bf16/bf16/{SQUARE}/r16/d1/t2", 9.0, 2.0, above_plain=2.0),
    beside(f"swap_exact/bf16/bf16/{SQUARE}/r16/d1/t2", 16.0, 2.0, above_plain=3.0),
    beside(f"backup_merge_restore/bf16/bf16/{SQUARE}/r16/t2", 10.0, 2.0),
    beside(f"merge/fp32/bf16/{SQUARE}/r16/t2", 12.0, 4.0),
    beside(f"peer_openblas/fp32/fp32/{SQUARE}/r16/t2", 6.0, 4.0, ours=1.04),
    run(f"peer_eigen/fp32/fp32/{SQUARE}/r16/t2", 0.0, error_occurred=True, error_message="wrong"),
    run("peak_fma/t2", 1.0, flops=400e9),
    run("peak_dot_pairs/t2", 1.0, flops=800e9),
    run(f"record_size/bf16/bf16/{SQUARE}/r16/d0.3", 1.0, bits_per_weight=0.02,
        bound_bits_per_weight=0.016),
    beside("merge/bf16/bf16/128x128/r16/t2", 0.02, 0.008),
    *[beside("merge/bf16/bf16/128x120@128/r16/t2", time, 0.01) for time in (0.009, 0.009, 0.011)],
]
CONTEXT = {"processor": "Z80", "instruction_set": "avx512bf16", "openblas": "OpenBLAS 0.3.21 x"}


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, runs, context):
        path = self.folder / name
        path.write_text(json.dumps({"context": context, "benchmarks": runs}))
        return path

    def measured(self, runs, context=CONTEXT):
        return Measurements(self.write("report.json", runs, context))

    def assert_rows(self, text, *rows):
        for row in rows:
            self.assertIn(row, text)

    def test_tables_show_medians_as_multiples_of_roof_and_limit(self):
        # The arithmetic of bf16 factors by dot_pairs: 0.671 ms at r = 16, 5.369 ms at 128.
        self.assert_rows(
            report.markdown(self.measured(RUNS)),
            "| Processor | Z80 |",
            "4096×4096, threads: 2; the roof is 2.00 ms, the unit dot_pairs.",
            "| *the limit, in roofs* | *1.00* | *2.68* |",
            "| merge | 2.50 · 2.50 · 5.00 ms | 3.00 · 1.12 · 6.00 ms |",
            "| merge, by avx2 | 3.50 · 3.50 · 7.00 ms |  |",
            "| merge with undo record, and back, 1 % | 8.50 · 8.50 · 17.00 ms |  |",
            "| copy W, merge, copy W back | 5.00 · 5.00 · 10.00 ms |  |",
            "| merge, bf16 factors | 3.00 · 3.00 · 12.00 ms |",
            "| OpenBLAS 0.3.21 `sgemm` | 1.50 · 1.50 · 6.00 ms |",
            "| bf16 | 128×128 | 2 | 8.0 µs | 2.50 · 2.50 · 20.0 µs |  |",
            "| bf16 | 0.3 % | 0.0200 | 0.0160 | 1.250 |",
            "| 2 | dot_pairs | 800 |")

    def test_goals_have_verdicts(self):
        self.assert_rows(
            report.table_of_goals(self.measured(RUNS)),
            "| 1.12 … 2.50 | **missed** at r = 16 2.50 |",
            "| merge fp32, threads: 2 | time ≤ 1.05 × that of each peer | 1.04 | reached |",
            "| merge with undo record bf16, 1 %, threads: 2 | plain merge + 1.3 roofs | 1.25 |"
            " reached |",
            "| exact unmerge bf16, 1 %, threads: 2 | plain merge + 1.3 roofs | 2.00 |"
            " **missed** at r = 16 2.00 |",
            "| 1.70 | **missed** at r = 16 1.70 |",
            "| time ≤ 1.5 × merge with undo record | 2.00 | **missed** at r = 16 2.00 |",
            "| time per weight ≤ 1.3 × that of 4096×4096 | 1.97 … 4.10 |")

    def test_peers_of_another_program_are_judged_by_limits(self):
        peers = self.write("peers.json", [
            {"name": f"peer_torch/bf16/bf16/{SQUARE}/r16/t2",
             "runs": {"seconds": [0.004], "roof": [0.002], "roofs": [2.0]}},
            beside(f"merge/bf16/bf16/{SQUARE}/r64/t2", 1.0, 2.0)], {"torch": "2.14.1+cpu"})
        text = report.markdown(Measurements(self.write("report.json", RUNS, CONTEXT), peers))
        self.assert_rows(text, "| PyTorch 2.14.1 `addmm` | 2.00 · 2.00 · 4.00 ms |  |",
                         "| 1.25 | **missed** at r = 16 (torch 2.14.1) 1.25 |")
        self.assertNotIn("r = 64", text)

    def test_what_is_below_the_roof_has_a_reason(self):
        self.assertEqual(
            report.reasons(self.measured(RUNS)),
            "- `merge/bf16/bf16/128x120@128/r16/t2` is below the roof, 0.90: noise: its repetitions"
            " go from 0.90 to 1.10\n")

    def test_warns_of_a_disturbed_run(self):
        self.assertEqual(report.disturbance(self.measured(RUNS)), "")
        disturbed = [{**run("peak_fma/t2", 2.0, flops=1e9), "cpu_time": 1.0}]
        self.assertIn("for 50 % of a repetition", report.disturbance(self.measured(disturbed)))
        peers = self.write("peers.json", disturbed, {})
        both = Measurements(self.write("report.json", RUNS, CONTEXT), peers)
        self.assertIn("for 50 % of a repetition", report.disturbance(both))

    def test_says_what_is_missing(self):
        self.assert_rows(report.markdown(self.measured(RUNS)),
                         f"- `peer_eigen/fp32/fp32/{SQUARE}/r16/t2`: wrong",
                         "- fp16 weights: not measured",
                         "oneDNN `matmul` with sum: not measured")

    def test_a_condensed_report_says_the_same(self):
        newer = self.write("newer.json", [
            beside(f"peer_openblas/fp32/fp32/{SQUARE}/r16/t2", 5.0, 4.0, ours=1.2)],
            {"openblas": "0.4"})
        whole = Measurements(self.write("report.json", RUNS, CONTEXT), newer)
        self.assert_rows(report.markdown(whole),
                         "**missed** at r = 16 (openblas 0.4) 1.20",
                         "| OpenBLAS 0.3.21 `sgemm` | 1.50 · 1.50 · 6.00 ms |",
                         "| OpenBLAS 0.4 `sgemm` | 1.25 · 1.25 · 5.00 ms |")
        path = self.folder / "small.json"
        path.write_text(whole.condensed())
        fp32 = Place("fp32", (4096, 4096, 4096), 2)
        for part in (report.table_of_goals, report.sizes, report.peaks, report.other_shapes,
                     report.missing, report.disturbance, report.reasons,
                     lambda measured: report.multiples(measured, fp32)):
            self.assertEqual(part(Measurements(path)), part(whole))

    def test_readme_quotes_what_is_published(self):
        tables = report.readme_tables(sorted(report.PUBLISHED.glob("*.json")))
        readme = report.README.read_text(encoding="utf-8")
        self.assertEqual(report.with_tables(readme, tables), readme)

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

    def test_takes_an_empty_report(self):
        self.assertIn("No times of 4096×4096 weights", report.markdown(self.measured([])))

    def test_torch_is_optional(self):
        (self.folder / "torch.py").write_text("raise ImportError('none here')")
        found = subprocess.run([sys.executable, "-B", BENCH / "peer_torch.py", "out.json"],
                               cwd=self.folder, env={"PYTHONPATH": str(self.folder)},
                               capture_output=True, text=True, check=False)
        self.assertEqual(found.returncode, 77)
        self.assertIn("there is no PyTorch here (none here)", found.stdout)


if __name__ == "__main__":
    unittest.main()
