"""`--out`: a new model that is the whole of the old one, which is left alone."""

import os

from common import Cases, Random, decoder, pairs, peft, plain_merge, sharded, write

cases, random = Cases(__file__), Random(21)
SHAPES, WEIGHTS = decoder(random)
MADE = pairs(random, SHAPES)
EXPECTED = plain_merge(MADE, {module + ".weight": module for module in SHAPES})


def bytes_below(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".undo"}


def whole(title, files):
    with cases.case(title) as folder:
        write(folder / "model", files)
        write(folder / "adapter", peft(MADE))
        before = bytes_below(folder / "model")
        cases.run("merge", folder / "model", folder / "adapter", "--out", folder / "out",
                  "--dry-run").expect(0)
        cases.demand(not (folder / "out").exists(), "a dry run wrote")
        cases.run("merge", folder / "model", folder / "adapter", "--out", folder / "out").expect(0)
        cases.expect_files(folder / "model", before, "the old model")
        found = bytes_below(folder / "out")
        cases.demand(found.keys() == before.keys(),
                     f"not alike: {sorted(found.keys() ^ before.keys())}")
        for name in before:
            if not name.endswith(".safetensors"):
                cases.demand(found[name] == before[name], f"'{name}' is other bytes")
        cases.expect_tensors(folder / "out", before, EXPECTED)
        cases.expect_condition(folder / "out", 4)
        cases.run("unmerge", folder / "out").expect(0)
        cases.expect_files(folder / "out", before, "after the unmerge")
        again = cases.run("merge", folder / "model", folder / "adapter", "--out", folder / "out")
        again.expect(1).expect_words(["out"])
        litter = sorted(path.name for path in folder.iterdir()
                        if path.name not in ("model", "adapter", "out"))
        cases.demand(not litter, f"left behind {litter}")


TRANSFORMER = {
    "config.json": {"model_type": "bert"}, "model.safetensors": WEIGHTS,
    "modules.json": [{"idx": 0, "path": ""}, {"idx": 1, "path": "1_Pooling"}],
    "1_Pooling/config.json": {"pooling_mode_cls_token": True},
    "2_Dense/model.safetensors": {"linear.weight": random.weight("F32", 8, 32)},
    "tokenizer/vocab/merges.txt": b"a b\n", "README.md": b"# x\n"}
whole("a sentence transformer", TRANSFORMER)
whole("shards", sharded(WEIGHTS, 3) | {"config.json": {}, "onnx/model.onnx": b"onnx"})


def links(folder):
    (folder / "blobs").mkdir()
    for name in ("config.json", "1_Pooling/config.json"):
        blob = folder / "blobs" / name.replace("/", "-")
        os.replace(folder / "model" / name, blob)
        os.symlink(os.path.relpath(blob, (folder / "model" / name).parent), folder / "model" / name)


with cases.case("a cache of links: the new folder holds files") as folder:
    write(folder / "model", TRANSFORMER)
    write(folder / "adapter", peft(MADE))
    links(folder)
    cases.run("merge", folder / "model", folder / "adapter", "--out", folder / "out").expect(0)
    for name in ("config.json", "1_Pooling/config.json"):
        cases.demand((folder / "out" / name).is_file() and not (folder / "out" / name).is_symlink(),
                     f"'{name}' is a link, or not there")
    before = bytes_below(folder / "model")
    cases.run("unmerge", folder / "out").expect(0)
    cases.expect_files(folder / "out", before, "after the unmerge")

with cases.case("one file") as folder:
    write(folder, {"model.safetensors": WEIGHTS})
    write(folder / "adapter", peft(MADE))
    before = (folder / "model.safetensors").read_bytes()
    cases.run("merge", folder / "model.safetensors", folder / "adapter", "--out",
              folder / "new.safetensors").expect(0)
    cases.demand((folder / "model.safetensors").read_bytes() == before, "the old model was changed")
    cases.run("unmerge", folder / "new.safetensors").expect(0)
    cases.demand((folder / "new.safetensors").read_bytes() == before, "the base is not back")

with cases.case("a merge that is refused makes no folder") as folder:
    write(folder / "model", TRANSFORMER)
    write(folder / "adapter", peft(pairs(random, {"nowhere": (4, 4)})))
    cases.run("merge", folder / "model", folder / "adapter", "--out", folder / "out").expect(1)
    cases.demand(sorted(path.name for path in folder.iterdir()) == ["adapter", "model"], "litter")
cases.finish()
