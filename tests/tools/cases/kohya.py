"""Files of kohya's scripts and of those who write the same: names with underscores, alpha, Tucker's
core, differences, and several models in one file."""

import numpy as np

from common import Cases, Expected, Random, Tensor, difference, low_rank, pairs, write

cases, random = Cases(__file__), Random(12)
WIDTH, RANK = 32, 4
UP, DOWN = ".lora_up.weight", ".lora_down.weight"
BLOCK = "down_blocks.0.attentions.0.transformer_blocks.0.attn1."
QUERY, OUT = BLOCK + "to_q", BLOCK + "to_out.0"
CONV = "down_blocks.0.resnets.0.conv1"
TEXT = "text_model.encoder.layers.0.self_attn.q_proj"


def flat(module, prefix="lora_unet_"):
    return prefix + module.replace(".", "_")


def file(tensors):
    return {"style.safetensors": tensors}


def scale(alpha, rank=RANK):
    return 1.0 if alpha is None else alpha / rank


def linear(name, rows=WIDTH, columns=WIDTH, alpha=2.0, dtype="F16", rank=RANK):
    """The tensors of a pair, and what it adds."""
    made = pairs(random, {name: (rows, columns)}, rank, dtype, (DOWN, UP))
    delta = low_rank(made[name + UP], made[name + DOWN], scale(alpha, rank))
    return made | ({} if alpha is None else {name + ".alpha": Tensor(dtype, alpha)}), delta


def merges(title, model, adapter, expected, **more):
    files = model if "model_index.json" in model else {"unet.safetensors": model}
    cases.merges(title, files, file(adapter), expected, adapter_target="style.safetensors", **more)


unet = {name + ".weight": random.weight("F16", WIDTH, WIDTH) for name in (QUERY, OUT)}
unet[CONV + ".weight"] = random.weight("F16", 24, 16, 3, 3)
unet[CONV + ".bias"] = random.weight("F16", 24)
unet["conv_norm_out.weight"] = random.weight("F16", WIDTH)
unet["conv_norm_out.bias"] = random.weight("F16", WIDTH)

for alpha in (2.0, 4.0, None):
    adapter, delta = linear(flat(QUERY), alpha=alpha)
    more, other = linear(flat(OUT), alpha=alpha)
    merges(f"two linear layers, alpha {alpha}", unet, adapter | more,
           {QUERY + ".weight": Expected(delta), OUT + ".weight": Expected(other)})
adapter, delta = linear(flat(QUERY))
adapter[flat(QUERY) + ".alpha"] = Tensor("F32", [2.0])
merges("alpha as one number in a list", unet, adapter, {QUERY + ".weight": Expected(delta)})
cases.merges("the folder of the file", {"unet.safetensors": unet}, file(adapter),
             {QUERY + ".weight": Expected(delta)})
with cases.case("info of a file") as folder:
    write(folder, file(adapter))
    cases.run("info", folder / "style.safetensors").expect(0).expect_words(["rank 4", "kohya"])

# LoCon
down, up = random.factor("F16", RANK, 16, 3, 3), random.factor("F16", 24, RANK, 1, 1)
conv = flat(CONV)
merges("a convolution", unet,
       {conv + DOWN: down, conv + UP: up, conv + ".alpha": Tensor("F16", 2.0)},
       {CONV + ".weight": Expected(low_rank(up, down, 0.5).reshaped(24, 16, 3, 3))})
down, mid = random.factor("F16", RANK, 16, 1, 1), random.factor("F16", RANK, RANK, 3, 3)
mid = Tensor("F16", mid.values * 10)
core = np.einsum("pqyx,qi->piyx", mid.values, down.values[:, :, 0, 0])
cased = low_rank(up, Tensor("F64", core), 0.5)
merges(
    "a convolution with Tucker's core", unet, {
        conv + DOWN: down, conv + UP: up, conv + ".lora_mid.weight": mid, conv + ".alpha": Tensor(
            "F16", 2.0)}, {CONV + ".weight": Expected(cased.reshaped(24, 16, 3, 3))})

# Differences
whole, of_bias = random.factor("F16", WIDTH, WIDTH), random.factor("F16", 24)
adapter, delta = linear(flat(QUERY))
merges("differences of a weight and of a bias", unet,
       adapter | {flat(OUT) + ".diff": whole, conv + ".diff_b": of_bias}, {
                      QUERY + ".weight": Expected(delta), OUT + ".weight": Expected(
                          difference(whole)), CONV + ".bias": Expected(difference(of_bias))})
norms = [random.factor("F16", WIDTH) for _ in range(2)]
norm = flat("conv_norm_out")
merges("norms of LyCORIS", unet, {norm + ".w_norm": norms[0], norm + ".b_norm": norms[1]}, {
    "conv_norm_out.weight": Expected(difference(norms[0])), "conv_norm_out.bias": Expected(
        difference(norms[1]))})
cases.merges("differences with a strength", {"unet.safetensors": unet},
             file({flat(OUT) + ".diff": whole}),
             {OUT + ".weight": Expected(difference(whole, 0.25))}, strengths=[0.25])
instead = random.weight("F16", WIDTH, WIDTH)
merges("a weight that is set", unet, adapter | {flat(OUT) + ".set_weight": instead},
       {QUERY + ".weight": Expected(delta), OUT + ".weight": Expected(instead=instead.values)})

# Slices of a fused weight, one pair each.
adapter, total = {flat("double_blocks.0.img_attn.qkv") + ".alpha": Tensor("F16", 2.0)}, None
for i in range(3):
    down, up = random.factor("F16", RANK, WIDTH), random.factor("F16", WIDTH, RANK)
    name = flat("double_blocks.0.img_attn.qkv")
    adapter |= {f"{name}.lora_down.{i}.weight": down, f"{name}.lora_up.{i}.weight": up}
    placed = low_rank(up, down, 0.5).placed((3 * WIDTH, WIDTH), slice(i * WIDTH, (i + 1) * WIDTH))
    total = placed if total is None else total + placed
merges("a pair for each slice of q, k and v",
       {"double_blocks.0.img_attn.qkv.weight": random.weight("BF16", 3 * WIDTH, WIDTH)}, adapter,
       {"double_blocks.0.img_attn.qkv.weight": Expected(total)})

# Other prefixes and spellings of the same.
for title, spelled, ends in (("OneTrainer",
                              flat("transformer_blocks.0.attn.to_q", "lora_transformer_"),
                              (DOWN, UP)), ("SimpleTuner's LyCORIS",
                                            flat("transformer_blocks.0.attn.to_q",
                                                 "lycoris_"), (DOWN, UP)),
                             ("ComfyUI, dots", "diffusion_model.transformer_blocks.0.attn.to_q",
                              (DOWN, UP)), ("ComfyUI, PEFT's ends",
                                            "diffusion_model.transformer_blocks.0.attn.to_q",
                                            (".lora_A.weight", ".lora_B.weight")),
                             ("PEFT's ends without .weight",
                              "diffusion_model.transformer_blocks.0.attn.to_q", (".lora_A",
                                                                                 ".lora_B")),
                             ("diffusers, older", "transformer.transformer_blocks.0.attn.to_q",
                              (".lora.down.weight", ".lora.up.weight"))):
    made = pairs(random, {spelled: (WIDTH, WIDTH)}, RANK, "BF16", ends)
    merges(title, {"transformer_blocks.0.attn.to_q.weight": random.weight("BF16", WIDTH, WIDTH)},
           made | {spelled + ".alpha": Tensor("F32", 2.0)}, {
               "transformer_blocks.0.attn.to_q.weight": Expected(
                   low_rank(made[spelled + ends[1]], made[spelled + ends[0]], 0.5))})

# A pipeline: the U-Net and two text encoders of SDXL, whose modules have the same names.
pipeline = {
    "model_index.json": {
        "unet": ["d", "U"], "text_encoder": ["t", "T"],
        "text_encoder_2": ["t", "T"]}, "unet/diffusion_pytorch_model.safetensors": unet,
    "text_encoder/model.safetensors": {TEXT + ".weight": random.weight("F16", WIDTH, WIDTH)},
    "text_encoder_2/model.safetensors": {TEXT + ".weight": random.weight("F16", WIDTH, WIDTH)}}
adapter, expected = linear(flat(QUERY))[0], {}
expected["unet/diffusion_pytorch_model.safetensors::" + QUERY + ".weight"] = Expected(
    low_rank(adapter[flat(QUERY) + UP], adapter[flat(QUERY) + DOWN], 0.5))
for component, prefix in (("text_encoder", "lora_te1_"), ("text_encoder_2", "lora_te2_")):
    made, delta = linear(flat(TEXT, prefix))
    adapter |= made
    expected[f"{component}/model.safetensors::{TEXT}.weight"] = Expected(delta)
merges("SDXL as a pipeline", pipeline, adapter, expected)
one = {
    "model_index.json": {
        "unet": ["d", "U"], "text_encoder": ["t",
                                             "T"]}, **{
                                                 name: content for name, content in pipeline.items(
                                                 ) if name.startswith(("unet/", "text_encoder/"))}}
adapter, delta = linear(flat(TEXT, "lora_te_"))
merges("a pipeline with one text encoder", one, adapter,
       {f"text_encoder/model.safetensors::{TEXT}.weight": Expected(delta)})

# Underscores are compared, never turned into dots.
tricky = {"a.b_c.weight": random.weight("F16", WIDTH, WIDTH)}
adapter, delta = linear(flat("a.b_c"))
merges("an underscore in a name", tricky, adapter, {"a.b_c.weight": Expected(delta)})
cases.refuses("two names that are one with underscores",
              {"unet.safetensors": tricky | {"a_b.c.weight": random.weight("F16", WIDTH, WIDTH)}},
              file(adapter), ["a.b_c", "a_b.c"], adapter_target="style.safetensors")
adapter, _ = linear(flat("mid_block.nowhere"))
cases.refuses("a module that the model has not", {"unet.safetensors": unet}, file(adapter),
              ["mid_block_nowhere"], adapter_target="style.safetensors")
adapter = linear(flat(QUERY))[0] | linear(flat(TEXT, "lora_te_"))[0]
cases.refuses("a text encoder's part, and only a U-Net", {"unet.safetensors": unet}, file(adapter),
              [("lora_te_", "text_encoder"), "--allow-unused"], adapter_target="style.safetensors")
cases.finish()
