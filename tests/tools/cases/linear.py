"""Linear layers as PEFT knows them: scales, patterns, types of numbers, biases of B, several
adapters, strengths."""

import math

from common import (Cases, Expected, Random, decoder, difference, low_rank, pairs, peft,
                    plain_merge, sharded)

cases, random = Cases(__file__), Random(15)
SHAPES, _ = decoder(random)
NAMES = {module + ".weight": module for module in SHAPES}


def model(dtype="BF16"):
    return {"model.safetensors": decoder(random, dtype)[1]}


for dtype in ("F32", "F16", "BF16"):
    for factors in ("F64", "F32", "F16", "BF16"):
        made = pairs(random, SHAPES, dtype=factors)
        cases.merges(f"{factors} factors of {dtype} weights", model(dtype), peft(made),
                     plain_merge(made, NAMES))
made = pairs(random, SHAPES)
made |= {name: random.factor("BF16", *made[name].shape) for name in made if ".lora_B" in name}
cases.merges("A in F32, B in BF16", model(), peft(made), plain_merge(made, NAMES))

made = pairs(random, SHAPES, rank=5)
cases.merges("rsLoRA", model(), peft(made, r=5, use_rslora=True),
             plain_merge(made, NAMES, 16 / math.sqrt(5)))
cases.merges("alpha that is no whole number", model(), peft(made, r=5, lora_alpha=3.7),
             plain_merge(made, NAMES, 3.7 / 5))

# The first key that fits a module, in the order of the file, is the one: two look-ups.
mixed, expected = {}, {}
for module, shape in SHAPES.items():
    rank = 6 if module.endswith("1.self_attn.q_proj") else 2 if "v_proj" in module else 4
    alpha = 3 if "layers.0" in module else 16
    made = pairs(random, {module: shape}, rank=rank)
    mixed |= made
    expected |= plain_merge(made, {module + ".weight": module}, alpha / rank)
cases.merges(
    "patterns", model(),
    peft(mixed, rank_pattern={"1.self_attn.q_proj": 6, ".*v_proj": 2, "self_attn.q_proj": 4},
         alpha_pattern={r"^model\.layers\.0\..*": 3, "q_proj": 16}), expected)
cases.refuses("a rank that the configuration does not say", model(), peft(mixed), ["rank"])

bias = {module + ".bias": random.weight("BF16", shape[0]) for module, shape in SHAPES.items()}
made = pairs(random, SHAPES)
of_b = {module + ".lora_B.bias": random.factor("F32", shape[0]) for module, shape in SHAPES.items()}
whole = {"model.safetensors": decoder(random)[1] | bias}
cases.merges(
    "lora_bias", whole, peft(made | of_b, lora_bias=True),
    plain_merge(made, NAMES)
    | {
        module + ".bias": Expected(difference(of_b[module + ".lora_B.bias"], 4.0))
        for module in SHAPES})
cases.refuses("lora_bias of a base without biases", model(), peft(made | of_b, lora_bias=True),
              ["bias"])

first, second = pairs(random, SHAPES), pairs(random, SHAPES, rank=8)
for strengths in ((1, 1), (0.8, 0.5), (-1, 2)):
    expected = {}
    for name, module in NAMES.items():
        ends = (module + ".lora_B.weight", module + ".lora_A.weight")
        expected[name] = Expected(
            low_rank(*(first[end] for end in ends), 4.0 * strengths[0]) +
            low_rank(*(second[end] for end in ends), 2.0 * strengths[1]))
    cases.merges(f"two adapters, strengths {strengths}", sharded(decoder(random)[1], 2),
                 [peft(first), peft(second, r=8)], expected, strengths=strengths)
cases.merges("one strength for all", model(), peft(first), plain_merge(first, NAMES, 2.0),
             options=["--strength", "0.5"])
cases.refuses("two strengths in a row", model(), [peft(first), peft(second, r=8)], ["=0.8", "=0.5"],
              options=["--strength", "0.8", "0.5"], silence=["is not a folder"])

named = {name.replace(".weight", ".default.weight"): tensor for name, tensor in first.items()}
cases.merges("the adapter's name in the names", model(), peft(named), plain_merge(first, NAMES))
minimal = {
    "adapter_model.safetensors": {
        "base_model.model." + name: tensor for name, tensor in first.items()},
    "adapter_config.json": {"peft_type": "LORA", "r": 4, "lora_alpha": 16}}
cases.merges("a configuration of three fields", model(), minimal, plain_merge(first, NAMES))
cases.merges("fields of a later PEFT", model(),
             peft(first, some_new_field=None, peft_version="9.9.9"), plain_merge(first, NAMES))
for target in ("adapter_model.safetensors", "adapter_config.json"):
    cases.merges(f"{target} named itself", model(), peft(first), plain_merge(first, NAMES),
                 adapter_target=target)
two = {
    f"{folder}/{name}": content for folder in ("policy", "reference")
    for name, content in peft(first).items()}
cases.refuses("two adapters in one folder", model(), two, ["policy", "reference"])
cases.merges("two adapters in one folder, one named", model(), two, plain_merge(first, NAMES),
             adapter_target="policy")
cases.finish()
