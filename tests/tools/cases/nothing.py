"""Merges that change nothing end well, and say why nothing is other than it was."""

from common import Cases, Random, Tensor, decoder, pairs, peft, write

cases, random = Cases(__file__), Random(18)
SHAPES, WEIGHTS = decoder(random)


def nothing(title, words, b_factor=1.0, options=(), strength="", **fields):
    made = pairs(random, SHAPES)
    made = {
        name: Tensor("F32", tensor.values * b_factor) if ".lora_B" in name else tensor
        for name, tensor in made.items()}
    with cases.case(title) as folder:
        write(folder / "model", {"model.safetensors": WEIGHTS})
        write(folder / "adapter", peft(made, **fields))
        before = {"model.safetensors": (folder / "model/model.safetensors").read_bytes()}
        answer = cases.run("merge", folder / "model", f"{folder / 'adapter'}{strength}", *options)
        answer.expect(0).expect_words(words)
        cases.expect_files(folder / "model", before, "after the merge")
        cases.run("unmerge", folder / "model").expect(0, 1)  # that it is there already is true, too
        cases.expect_files(folder / "model", before, "after the unmerge")


nothing("alpha 0", ["warning", ("alpha", "scale", "strength"), "0"], lora_alpha=0)
nothing("strength 0", ["warning", "strength", "0"], options=["--strength", "0"])
nothing("strength 0 of one adapter", ["warning", "strength", "0"], strength="=0")
nothing("B is zero", ["warning", "zero"], b_factor=0.0)
nothing("a difference below half a unit", ["warning", ("half", "too small", "below", "unit")],
        b_factor=1e-6)
cases.finish()
