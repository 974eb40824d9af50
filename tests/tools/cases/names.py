"""Names of the adapter's modules and of the file's tensors that differ."""

from common import Cases, Random, decoder, pairs, peft, plain_merge, write

cases, random = Cases(__file__), Random(1)
WIDTH, KEY_WIDTH, VISION = 32, 16, 24


def vision_language(title, model, adapter, towers=("text", "vision"), refused=None):
    """`model` and `adapter`: how either spells the path of the language and of the vision tower."""
    text, vision = model
    _, weights = decoder(random, prefix=text)
    weights[text.rpartition("layers.")[0] + "embed_tokens.weight"] = random.weight(
        "BF16", 50, WIDTH)
    weights[f"{vision}0.attn.qkv.weight"] = random.weight("BF16", 3 * VISION, VISION)
    weights["lm_head.weight"] = random.weight("BF16", 50, WIDTH)
    shapes, names = {}, {}
    if "text" in towers:
        for layer in range(2):
            for module, rows in (("q_proj", WIDTH), ("v_proj", KEY_WIDTH)):
                place = f"{layer}.self_attn.{module}"
                shapes[adapter[0] + place] = (rows, WIDTH)
                names[text + place + ".weight"] = adapter[0] + place
    if "vision" in towers:
        shapes[f"{adapter[1]}0.attn.qkv"] = (3 * VISION, VISION)
        names[f"{vision}0.attn.qkv.weight"] = f"{adapter[1]}0.attn.qkv"
    tensors = pairs(random, shapes)
    cases.merges(title, {"model.safetensors": weights}, peft(tensors), plain_merge(tensors, names))


FLAT = ("model.layers.", "visual.blocks.")
NESTED = ("model.language_model.layers.", "model.visual.blocks.")
OLD = ("language_model.model.layers.", "visual.blocks.")
vision_language("a flat file, an adapter of newer code on both towers", FLAT, NESTED)
vision_language("the same, on the language tower only", FLAT, NESTED, ["text"])
vision_language("the same, on the vision tower only", FLAT, NESTED, ["vision"])
vision_language("a file of newer code, a flat adapter", NESTED, FLAT)
vision_language("the oldest order of names in the file", OLD, NESTED)
vision_language("the oldest order of names in the adapter", NESTED, OLD)
vision_language("a flat file, an adapter in the oldest order", FLAT, OLD, ["text"])


def renamed(title, change, told=True):
    """The adapter's names are changed, the model's are those of Llama."""
    shapes, weights = decoder(random)
    tensors = pairs(random, {change(module): shape for module, shape in shapes.items()})
    names = {module + ".weight": change(module) for module in shapes}
    cases.merges(title, {"model.safetensors": weights}, peft(tensors), plain_merge(tensors, names),
                 words=["self_attn"] if told else [])


renamed("torch.compile's wrapper", lambda module: "_orig_mod." + module, told=False)
renamed("a wrapper inside", lambda module: module.replace("model.", "model._orig_mod.", 1),
        told=False)
renamed("DistributedDataParallel's wrapper", lambda module: "module." + module, told=False)
renamed("a base model without its prefix", lambda module: module.removeprefix("model."), told=False)
renamed("PEFT in PEFT", lambda module: "base_model.model." + module, told=False)

# One mapping is one line, however many modules it maps.
shapes, weights = decoder(random, layers=12)
tensors = pairs(random, {module.removeprefix("model."): shape for module, shape in shapes.items()})
with cases.case("a mapping is told in one line") as folder:
    write(folder / "model", {"model.safetensors": weights})
    write(folder / "adapter", peft(tensors))
    told = cases.run("merge", folder / "model", folder / "adapter").expect(0)
    lines = [line for line in told.text.splitlines() if "layers" in line]
    cases.demand(len(lines) <= 1, f"{len(lines)} lines of names\n{told.quoted()}")

# Either of two towers could be meant.
_, first = decoder(random, prefix="left.layers.")
_, second = decoder(random, prefix="right.layers.")
shapes, _ = decoder(random, prefix="layers.")
cases.refuses("an ambiguous name", {"model.safetensors": {**first, **second}},
              peft(pairs(random, shapes)), ["layers.0.self_attn.q_proj", "left", "right"])

# What has no place: the first ten, and what was perhaps meant.
_, weights = decoder(random)
missing = {f"model.layers.{layer}.self_attn.q_prjo": (32, 32) for layer in range(2)}
missing |= {f"model.layers.{layer}.self_attn.q_proj": (32, 32) for layer in range(2, 20)}
cases.refuses("modules that the model has not", {"model.safetensors": weights},
              peft(pairs(random, missing)), ["q_prjo", "q_proj", ("10 more", "10 others")])
cases.refuses("shapes of another model", {"model.safetensors": weights},
              peft(pairs(random, {"model.layers.0.self_attn.q_proj": (48, 32)})),
              ["model.layers.0.self_attn.q_proj", "48", "32"])
cases.finish()
