"""Adapters of diffusers, mlx-lm, torchtune and litgpt on safetensors models."""

import json

from common import (Cases, Expected, Random, Tensor, decoder, low_rank, pairs, plain_merge,
                    safetensors)

cases, random = Cases(__file__), Random(14)
WIDTH, RANK = 32, 4
SHAPES, WEIGHTS = decoder(random)
NAMES = {module + ".weight": module for module in SHAPES}
FILE = "pytorch_lora_weights.safetensors"


def merges(title, adapter, expected, model=None, **more):
    cases.merges(title, {"model.safetensors": model or WEIGHTS}, adapter, expected, **more)


# --- diffusers, generation by generation
UNET = "down_blocks.0.attentions.0.transformer_blocks.0.attn1."
unet = {
    UNET + name + ".weight": random.weight("F16", WIDTH, WIDTH) for name in ("to_q", "to_out.0")}
for title, names, ends in (("attention processors", {
        "to_q": "unet." + UNET + "processor.to_q_lora",
        "to_out.0": "unet." + UNET + "processor.to_out_lora"
}, (".down.weight", ".up.weight")), ("attention processors without a prefix", {
        "to_q": UNET + "processor.to_q_lora", "to_out.0": UNET + "processor.to_out_lora"
}, (".down.weight", ".up.weight")), ("lora in the name", {
        "to_q": "unet." + UNET + "to_q.lora", "to_out.0": "unet." + UNET + "to_out.0.lora"
}, (".down.weight", ".up.weight")), ("PEFT's names", {
        "to_q": "unet." + UNET + "to_q",
        "to_out.0": "unet." + UNET + "to_out.0"}, (".lora_A.weight", ".lora_B.weight"))):
    made = pairs(random, {name: (WIDTH, WIDTH) for name in names.values()}, RANK, "F16", ends)
    merges(
        "diffusers: " + title, {FILE: made},
        plain_merge(made, {UNET + short + ".weight": name for short, name in names.items()}, 1.0,
                    ends), unet)
text = "text_model.encoder.layers.0.self_attn.q_proj"
ends = (".down.weight", ".up.weight")
made = pairs(random, {f"text_encoder.{text}.lora_linear_layer": (WIDTH, WIDTH)}, RANK, "F32", ends)
merges("diffusers: a text encoder", {FILE: made},
       plain_merge(made, {text + ".weight": f"text_encoder.{text}.lora_linear_layer"}, 1.0, ends),
       {text + ".weight": random.weight("F32", WIDTH, WIDTH)})
names = {UNET + name + ".weight": "unet." + UNET + name for name in ("to_q", "to_out.0")}
made = pairs(random, {name: (WIDTH, WIDTH) for name in names.values()})
told = {"unet.r": RANK, "unet.lora_alpha": 6, "unet.use_rslora": False}
merges("diffusers: alpha in the metadata",
       {FILE: safetensors(made, {"format": "pt", "lora_adapter_metadata": json.dumps(told)})},
       plain_merge(made, names, 6 / RANK), unet)
told = {"unet.r": RANK, "unet.lora_alpha": 6, "unet.use_rslora": True}
merges("diffusers: rsLoRA in the metadata",
       {FILE: safetensors(made, {"format": "pt", "lora_adapter_metadata": json.dumps(told)})},
       plain_merge(made, names, 6 / RANK ** 0.5), unet)
merges("diffusers: alpha as tensors",
       {FILE: made | {name + ".alpha": Tensor("F32", 2.0) for name in names.values()}},
       plain_merge(made, names, 2 / RANK), unet)

# --- mlx-lm: factors the other way round, and a scale of its own
MLX = {
    "fine_tune_type": "lora", "num_layers": 2,
    "lora_parameters": {"rank": RANK, "scale": 20.0, "dropout": 0.0}}


def mlx(dtype="F32"):
    made, expected = {}, {}
    for module, (rows, columns) in SHAPES.items():
        a, b = random.factor(dtype, columns, RANK), random.factor(dtype, RANK, rows)
        made |= {module + ".lora_a": a, module + ".lora_b": b}
        expected[module + ".weight"] = Expected(
            low_rank(Tensor("F64", b.values.T), Tensor("F64", a.values.T), 20.0))
    return made, expected


for dtype in ("F32", "F16", "BF16"):
    made, expected = mlx(dtype)
    merges("mlx-lm, " + dtype, {"adapters.safetensors": made, "adapter_config.json": MLX}, expected)
square = "model.layers.0.self_attn.q_proj"
a, b = random.factor("F32", RANK, RANK), random.factor("F32", RANK, RANK)
merges("mlx-lm, factors that are square", {
    "adapters.safetensors": {square + ".lora_a": a, square + ".lora_b": b},
    "adapter_config.json": MLX}, {
        square + ".weight": Expected(
            low_rank(Tensor("F64", b.values.T), Tensor("F64", a.values.T), 20.0))},
       {square + ".weight": random.weight("BF16", RANK, RANK)})
made, _ = mlx()
cases.refuses("mlx-lm, DoRA", {"model.safetensors": WEIGHTS}, {
    "adapters.safetensors": made
    | {module + ".m": random.factor("F32", shape[0]) for module, shape in SHAPES.items()},
    "adapter_config.json": MLX | {"fine_tune_type": "dora"}}, ["DoRA"])
cases.refuses(
    "mlx-lm, all weights", {"model.safetensors": WEIGHTS},
    {"adapters.safetensors": WEIGHTS, "adapter_config.json": MLX | {"fine_tune_type": "full"}},
    ["full"])
cases.refuses("mlx-lm, no configuration", {"model.safetensors": WEIGHTS},
              {"adapters.safetensors": made}, ["adapter_config.json"])

# --- torchtune
ends = (".lora_a.weight", ".lora_b.weight")
made = pairs(random, SHAPES, RANK, "BF16", ends)
merges(
    "torchtune's names, with PEFT's configuration", {
        "adapter_model.safetensors": {
            "base_model.model." + name.replace("lora_a", "lora_A").replace("lora_b", "lora_B"): t
            for name, t in made.items()}, "adapter_config.json": {
                "peft_type": "LORA", "r": RANK, "lora_alpha": 8, "target_modules": [
                    "q_proj", "v_proj"]}}, plain_merge(made, NAMES, 2.0, ends))
merges("torchtune's names",
       {"adapter_0.safetensors": made, "adapter_config.json": {"r": RANK, "lora_alpha": 8}},
       plain_merge(made, NAMES, 2.0, ends))
cases.refuses("torchtune's pickle", {"model.safetensors": WEIGHTS},
              {"adapter_0.pt": b"PK\3\4" + b"x" * 200}, ["adapter_0.pt", "pickle"])

# --- litgpt keeps pickles; converted, its names are those of its own models
ends = (".lora_A", ".lora_B")
made = pairs(random, {"transformer.h.0.attn.proj": (WIDTH, WIDTH)}, RANK, "BF16", ends)
cases.refuses(
    "litgpt's pickle", {"model.safetensors": WEIGHTS},
    {"lit_model.pth.lora": b"PK\3\4" + b"x" * 200, "lit_model.pth": b"PK\3\4" + b"x" * 200},
    ["pickle"])
cases.merges(
    "litgpt's names, alpha told", {
        "model.safetensors": {
            "transformer.h.0.attn.proj.weight": random.weight("BF16", WIDTH, WIDTH)}},
    {"lora.safetensors": made | {"transformer.h.0.attn.proj.alpha": Tensor("F32", 8.0)}},
    plain_merge(made, {"transformer.h.0.attn.proj.weight": "transformer.h.0.attn.proj"}, 2.0,
                ends), adapter_target="lora.safetensors")
cases.finish()
