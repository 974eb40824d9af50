"""The command line of the benchmark: bench_test.py PROGRAM. Nothing but a peak is measured."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop()


def run(*options):
    return subprocess.run([PROGRAM, *options], capture_output=True, text=True, check=False)


class Selection(unittest.TestCase):
    def names(self, *options):
        found = run(*options, "--benchmark_list_tests")
        self.assertEqual(found.returncode, 0, found.stderr)
        return [name.removesuffix("/manual_time") for name in found.stdout.split()
                if not name.startswith("peak_")]

    def assert_refuses(self, message, *options):
        found = run(*options)
        self.assertEqual(found.returncode, 1, found.stdout)
        self.assertIn(message, found.stderr + found.stdout)

    def test_takes_all_combinations_that_there_are(self):
        self.assertEqual(
            self.names("--verbs", "merge,checksum,merge_exact", "--types", "bf16,fp32/bf16",
                       "--ranks", "4,16", "--shapes", "128x64,9x10@16", "--percent", "0.5",
                       "--threads", "1"),
            [f"merge/{types}/{shape}/{rank}/t1" for types in ("bf16/bf16", "fp32/bf16")
             for shape in ("128x64", "9x10@16") for rank in ("r4", "r16")] +
            [f"checksum/{weights}/{shape}/t1" for weights in ("bf16", "fp32")
             for shape in ("128x64", "9x10@16")] +
            [f"merge_exact/{types}/{shape}/{rank}/d0.5/t1" for types in ("bf16/bf16", "fp32/bf16")
             for shape in ("128x64", "9x10@16") for rank in ("r4", "r16")])

    def test_has_defaults(self):
        self.assertEqual(self.names("--verbs", "swap_exact"),
                         ["swap_exact/bf16/bf16/4096x4096/r16/d1/t2"])
        self.assertEqual(self.names("--ranks=9"), ["merge/bf16/bf16/4096x4096/r9/t2"])

    def test_sets_grow(self):
        quick, full = self.names("--quick"), self.names()
        self.assertLess(set(quick), set(full))
        self.assertEqual(len(full), len(set(full)))

    def test_refuses_what_it_does_not_know(self):
        self.assert_refuses('--types: "bf17" is not bf16, fp16', "--types", "bf17")
        self.assert_refuses('--types: "fp32/" is not', "--types", "fp32/")
        self.assert_refuses('--verbs: "mergee" is not known here; known are merge,',
                            "--verbs", "mergee")
        self.assert_refuses('--ranks: "0" is not a number above zero', "--ranks", "16,0")
        self.assert_refuses('--percent: "-1" is not', "--percent=-1")
        self.assert_refuses('--threads: "two" is not', "--threads", "two")
        self.assert_refuses('--shapes: "128" is not ROWSxCOLS', "--shapes", "128")
        self.assert_refuses('--shapes: "8x9@8" is not ROWSxCOLS', "--shapes", "8x9@8")
        self.assert_refuses("within the working set", "--shapes", "99999999999x99999999999")
        self.assert_refuses("--rank", "--rank", "16")
        self.assert_refuses("--quick excludes --ranks", "--quick", "--ranks", "16")

    def test_refuses_to_measure_nothing(self):
        self.assert_refuses("nothing is selected", "--verbs", "backup_merge_restore",
                            "--shapes", "8x8@16")
        self.assert_refuses("nothing is selected: --benchmark_filter matches no name",
                            "--benchmark_filter=unheard-of")
        self.assert_refuses("--ranks", "--ranks")

    def test_measures(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "report.json"
            found = run("--verbs", "peak_fma", "--benchmark_min_time=0.001",
                        "--benchmark_repetitions=2", f"--benchmark_out={path}")
            self.assertEqual(found.returncode, 0, found.stderr)
            written = json.loads(path.read_text(encoding="utf-8"))
        self.assertGreater(written["benchmarks"][0]["flops"], 1e8)
        for told in ("processor", "caches", "pages", "instruction_set", "available_sets"):
            self.assertIn(told, written["context"])


if __name__ == "__main__":
    unittest.main()
