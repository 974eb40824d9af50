"""What PEFT saves, merged by the program and by PEFT itself: peft_kinds_test.py PROGRAM DATA.

DATA has a folder for each kind of adapter, the base models in `bases`, and `bases.json`, which says
which adapter belongs to which. A merge has to agree with PEFT's own, and an unmerge has to give the
same bytes back.
"""

import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import numpy

DATA = pathlib.Path(sys.argv.pop())
PROGRAM = sys.argv.pop()
BASES = json.loads((DATA / "bases.json").read_text())

# What has to be in the reason for which an adapter of the kind cannot be merged.
REFUSED = {
    "adalora": '"ADALORA"', "alora": '"alora_invocation_tokens"', "bdlora": '"use_bdlora"',
    "conv2d-grouped": "in 4 groups", "dora": '"use_dora"', "fourierft": '"FOURIERFT"',
    "ia3": '"IA3"', "kasa": '"kasa_config"', "layer-replication": '"layer_replication"',
    "loha": '"LOHA"', "lokr": '"LOKR"', "miss": '"MISS"', "named-adapter": "'german'",
    "oft": '"OFT"', "olora": "changed the base weights", "pissa": "changed the base weights",
    "prompt-tuning": '"PROMPT_TUNING"', "qalora": '"use_qalora"', "vera": '"VERA"',
}
# Adapters that were not saved under the name "default".
NAMED = {"named-adapter": "german"}

MANTISSA = {"BF16": 7, "F16": 10, "F32": 23}
SMALLEST_EXPONENT = {"BF16": -126, "F16": -14, "F32": -126}


def numbers(dtype, raw, shape):
    if dtype == "BF16":
        values = (numpy.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
    else:
        values = numpy.frombuffer(raw, {"F16": "<f2", "F32": "<f4"}[dtype])
    return values.astype(numpy.float64).reshape(shape)


def tensors(path):
    """Name -> (type, bytes, values) of a safetensors file."""
    content = path.read_bytes()
    start = 8 + struct.unpack("<Q", content[:8])[0]
    found = {}
    for name, entry in json.loads(content[8:start]).items():
        if name != "__metadata__":
            begin, end = (start + offset for offset in entry["data_offsets"])
            raw = content[begin:end]
            found[name] = (entry["dtype"], raw, numbers(entry["dtype"], raw, entry["shape"]))
    return found


def as_in_memory(found):
    """Mixtral's experts and router by the names that PEFT saw: the file has a matrix for each."""
    stacks = {}
    for name in sorted(found):
        module, of_expert, matrix = name.partition(".block_sparse_moe.experts.")
        if not of_expert:
            continue
        expert, weight = matrix.removesuffix(".weight").split(".")
        stack = f"{module}.mlp.experts.{'down_proj' if weight == 'w2' else 'gate_up_proj'}"
        stacks.setdefault(stack, {}).setdefault(int(expert), []).append(found[name])
    seen = {name.replace(".block_sparse_moe.gate.", ".mlp.gate."): tensor
            for name, tensor in found.items() if ".block_sparse_moe.experts." not in name}
    for name, experts in stacks.items():
        parts = [experts[expert] for expert in sorted(experts)]
        seen[name] = (parts[0][0][0], b"".join(raw for part in parts for _, raw, _ in part),
                      numpy.stack([numpy.concatenate([v for _, _, v in part]) for part in parts]))
    return seen


def unit_in_the_last_place(dtype, values):
    exponents = numpy.floor(numpy.log2(numpy.maximum(numpy.abs(values), 1e-300)))
    return numpy.exp2(numpy.maximum(exponents, SMALLEST_EXPONENT[dtype]) - MANTISSA[dtype])


def wrong_weights(dtype, base, ours, theirs):
    """How many are further from PEFT's than rounding, and another order of sums, can be."""
    largest = numpy.maximum(numpy.abs(base), numpy.abs(theirs))
    difference = numpy.max(numpy.abs(theirs - base), initial=0)
    allowed = unit_in_the_last_place(dtype, largest) + 2.0 ** -20 * difference
    return int(numpy.sum(~(numpy.abs(ours - theirs) <= allowed)))


def is_tied_copy(name, base, theirs):
    """PEFT names a tensor as often as modules share it; the file has it once."""
    return name not in base and any(
        other in base and theirs[other][1] == theirs[name][1] for other in theirs)


class PeftKinds(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def model_of(self, kind):
        copy = pathlib.Path(self.folder.name) / kind
        shutil.copytree(DATA / "bases" / BASES[kind], copy, copy_function=shutil.copyfile)
        return copy

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                              check=False)

    def assert_agreement(self, kind, model):
        base = as_in_memory(tensors(DATA / "bases" / BASES[kind] / "model.safetensors"))
        ours = as_in_memory(tensors(model / "model.safetensors"))
        theirs = tensors(DATA / kind / "merged_by_peft.safetensors")
        for name, (dtype, _, values) in theirs.items():
            if is_tied_copy(name, base, theirs):
                continue
            self.assertIn(name, ours)
            self.assertEqual(ours[name][2].shape, values.shape, name)
            before = base[name][2] if name in base else numpy.zeros(values.shape)
            self.assertEqual(wrong_weights(dtype, before, ours[name][2], values), 0, name)
        changed = {name for name in base if ours[name][1] != base[name][1]}
        self.assertLessEqual(changed, theirs.keys(), "changed what PEFT does not")

    def assert_merges(self, kind):
        model = self.model_of(kind)
        before = {path.name: path.read_bytes() for path in model.iterdir()}
        merged = self.run_program("merge", model, DATA / kind / NAMED.get(kind, ""))
        self.assertEqual(merged.returncode, 0, merged.stderr)
        self.assert_agreement(kind, model)
        unmerged = self.run_program("unmerge", model)
        self.assertEqual(unmerged.returncode, 0, unmerged.stderr)
        for name, content in before.items():
            self.assertEqual((model / name).read_bytes(), content, f"{name} is another")

    def assert_refuses(self, kind):
        model = self.model_of(kind)
        before = (model / "model.safetensors").read_bytes()
        refused = self.run_program("merge", model, DATA / kind)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn(REFUSED[kind], refused.stderr)
        self.assertEqual((model / "model.safetensors").read_bytes(), before)
        shutil.rmtree(model)

    def test_all_kinds(self):
        self.assertTrue(BASES)
        for kind in BASES:
            if kind in REFUSED:
                with self.subTest(kind, refused=True):
                    self.assert_refuses(kind)
            if (DATA / kind / "merged_by_peft.safetensors").exists():
                with self.subTest(kind):
                    self.assert_merges(kind)


if __name__ == "__main__":
    unittest.main()
