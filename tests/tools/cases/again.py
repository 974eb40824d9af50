"""Twice, in another order, after the adapter is gone or overwritten, after another tool wrote the
model: nothing may go wrong without a word."""

import json
import shutil

from common import (AT_BASE, MERGED, Cases, Expected, Random, decoder, low_rank, pairs, peft,
                    sharded, write)
from tensor_files import read_safetensors

cases, random = Cases(__file__), Random(19)
SHAPES, WEIGHTS = decoder(random, width=64, key_width=64)
ADAPTERS = {name: pairs(random, SHAPES) for name in "abc"}
FILE = "model.safetensors"
CHANGED = 5  # by somebody: what `verify` says


class Model:
    """A model of one file, and the adapters beside it."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / "model"
        write(self.path, {FILE: WEIGHTS})
        for name, tensors in ADAPTERS.items():
            write(folder / name, peft(tensors))
        self.base = self.bytes()

    def bytes(self):
        return (self.path / FILE).read_bytes()

    def run(self, *arguments, status=0):
        return cases.run(*arguments).expect(status)

    def merge(self, *names, options=(), status=0):
        adapters = [f"{self.folder}/{name}" for name in names]
        return self.run("merge", self.path, *adapters, *options, status=status)

    def unmerge(self, *more, status=0):
        return self.run("unmerge", self.path, *more, status=status)

    def demand_base(self):
        cases.demand(self.bytes() == self.base, "the base is not back")

    def demand(self, expected, what):
        cases.demand(self.bytes() == expected, what)

    def condition(self, expected, *options):
        cases.expect_condition(self.path, expected, *options)


def exact(**strengths):
    expected = {}
    for module in SHAPES:
        total = None
        for name, strength in strengths.items():
            delta = low_rank(ADAPTERS[name][module + ".lora_B.weight"],
                             ADAPTERS[name][module + ".lora_A.weight"], 4.0 * strength)
            total = delta if total is None else total + delta
        expected[module + ".weight"] = Expected(total)
    return expected


with cases.case("the same adapter twice") as folder:
    model = Model(folder)
    model.merge("a")
    merged = model.bytes()
    answer = model.merge("a", status=1)
    answer.expect_words([("already", "is merged"), "unmerge"])
    model.demand(merged, "a refused merge changed the model")
    model.unmerge()
    model.demand_base()

with cases.case("a second adapter on top, undone in the wrong order") as folder:
    model = Model(folder)
    model.merge("a")
    first = model.bytes()
    model.run("merge", model.path, folder / "b", "--undo", folder / "b.undo")
    second = model.bytes()
    model.unmerge(status=1)
    model.demand(second, "a refused unmerge changed the model")
    model.unmerge("--undo", folder / "b.undo")
    model.demand(first, "the first merge is not back")
    model.unmerge()
    model.demand_base()

with cases.case("unmerged twice") as folder:
    model = Model(folder)
    model.merge("a")
    model.unmerge()
    cases.run("unmerge", model.path).expect(0, 1).expect_words(["base"])
    model.demand_base()
    model.condition(AT_BASE)

with cases.case("an undo file that leads nothing back is used again") as folder:
    model = Model(folder)
    for name in "abc":
        model.merge(name)
        model.unmerge()
        model.demand_base()
    undo = [path.name for path in model.path.iterdir() if path.suffix == ".undo"]
    cases.demand(len(undo) <= 1, f"undo files pile up: {undo}")

with cases.case("the trainer writes its next step over the adapter") as folder:
    model = Model(folder)
    model.merge("a")
    write(folder / "a", peft(ADAPTERS["b"]))
    model.unmerge()
    model.demand_base()

with cases.case("the adapter is gone") as folder:
    model = Model(folder)
    model.merge("a")
    shutil.rmtree(folder / "a")
    model.condition(MERGED)
    model.unmerge()
    model.demand_base()

with cases.case(
        "without factors in the undo file the adapter must be kept, and it is said so") as folder:
    model = Model(folder)
    model.merge("a", options=["--no-embed"]).expect_words(["keep"])
    merged = model.bytes()
    shutil.copytree(folder / "a", folder / "kept")
    write(folder / "a", peft(ADAPTERS["b"]))
    model.unmerge(status=1).expect_words(["adapter", "--adapter"])
    model.demand(merged, "a refused unmerge changed the model")
    model.unmerge("--adapter", folder / "b", status=1)
    model.demand(merged, "a refused unmerge changed the model")
    model.unmerge("--adapter", folder / "kept")
    model.demand_base()

with cases.case("without factors, and alpha was edited") as folder:
    model = Model(folder)
    model.merge("a", options=["--no-embed"])
    path = folder / "a" / "adapter_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"lora_alpha": 8}))
    # The numbers of the factors are all that it needs, if the undo file knows their strength.
    if cases.run("unmerge", model.path).expect(0, 1).status == 1:
        path.write_text(json.dumps(config))
        model.unmerge()
    model.demand_base()

with cases.case("what the factors cost is told") as folder:
    model = Model(folder)
    model.merge("a").expect_words([("factors", "adapters")])
    embedded = (model.path / "model.undo").stat().st_size
    model.unmerge()
    model.merge("a", options=["--no-embed"])
    bare = (model.path / "model.undo").stat().st_size
    factors = sum(len(tensor.raw) for tensor in ADAPTERS["a"].values())
    cases.demand(bare < embedded <= bare + factors + 4096,
                 f"{embedded} bytes with {factors} of factors, {bare} without")

with cases.case("a model that another tool wrote anew") as folder:
    model = Model(folder)
    model.merge("c")
    tensors = read_safetensors(model.bytes())
    again = {name: tensors[name] for name in sorted(tensors, reverse=True)}
    write(folder / "again", sharded(again, 2))
    model.run("unmerge", folder / "again", "--undo", model.path / "model.undo")
    found = {}
    for path in (folder / "again").glob("*.safetensors"):
        found |= read_safetensors(path.read_bytes())
    base = read_safetensors(model.base)
    cases.demand(all(found[name].same_as(base[name]) for name in base),
                 "the copy is not at the base")
    model.unmerge()
    model.demand_base()

with cases.case("somebody changed a weight") as folder:
    model = Model(folder)
    model.merge("a")
    model.condition(MERGED)
    changed = bytearray(model.bytes())
    changed[-1] ^= 1
    (model.path / FILE).write_bytes(changed)
    model.condition(CHANGED)
    model.unmerge(status=1)
    model.demand(bytes(changed), "a refused unmerge changed the model")

with cases.case("info says that the model is merged") as folder:
    model = Model(folder)
    model.merge("a")
    model.run("info", model.path).expect_words(["merged", "/a"])
    model.unmerge()

# --- swap
with cases.case("swapped, once and again, and to none") as folder:
    model = Model(folder)
    wanted = {}
    for names in (("a", ), ("b=0.5", "c"), ("c", )):
        model.merge(*names)
        wanted[names] = model.bytes()
        model.unmerge()
    before = {FILE: model.base}
    model.run("swap", model.path, "--to", folder / "a")
    model.demand(wanted[("a", )], "swapped from the base is not merged")
    shutil.rmtree(folder / "a")
    model.run("swap", model.path, "--to", f"{folder / 'b'}=0.5", folder / "c")
    model.demand(wanted[("b=0.5", "c")], "swapped is not as if merged into the base")
    cases.expect_tensors(model.path, before, exact(b=0.5, c=1))
    model.condition(MERGED)
    shutil.rmtree(folder / "b")
    model.run("swap", model.path, "--to", folder / "c", "--dry-run")
    model.demand(wanted[("b=0.5", "c")], "a dry run wrote")
    model.run("swap", model.path, "--to", folder / "c")
    model.demand(wanted[("c", )], "swapped is not as if merged into the base")
    shutil.rmtree(folder / "c")
    model.run("swap", model.path, "--to", "none")
    model.demand_base()
    model.condition(AT_BASE)

with cases.case("swapped, then unmerged without any adapter") as folder:
    model = Model(folder)
    model.merge("a")
    model.run("swap", model.path, "--to", folder / "b")
    for name in "abc":
        shutil.rmtree(folder / name)
    model.unmerge()
    model.demand_base()

with cases.case("a swap that is refused") as folder:
    model = Model(folder)
    model.merge("a")
    merged = model.bytes()
    write(folder / "odd", peft(pairs(random, {"nowhere": (4, 4)})))
    model.run("swap", model.path, "--to", folder / "odd", status=1).expect_words(["nowhere"])
    model.demand(merged, "a refused swap changed the model")
    model.unmerge()
    model.demand_base()

# --- recipes
with cases.case("recipes") as folder:
    model = Model(folder)
    results = {}
    for recipe in ("fused", "rounded_delta", "peft"):
        model.merge("a", options=["--recipe", recipe])
        results[recipe] = model.bytes()
        model.unmerge()
        model.demand_base()
    cases.demand(results["fused"] != results["rounded_delta"], "two recipes, the same bits")
cases.finish()
