"""Diffusion models whose checkpoints and adapters are spelled by different families of names."""

from common import Cases, Expected, Random, Tensor, low_rank, pairs

cases, random = Cases(__file__), Random(13)
WIDTH, INNER, SCALE = 32, 64, 0.5
PEFT_ENDS, KOHYA_ENDS = ((".lora_A.weight", ".lora_B.weight"), (".lora_down.weight",
                                                                ".lora_up.weight"))


class Pairs:
    """Pairs, each with the tensor that it belongs to, the rows of it, and their order."""

    def __init__(self, ends, alpha=True):
        self.ends, self.alpha = ends, alpha
        self.adapter, self.expected, self.shapes = {}, {}, {}

    def add(self, name, shape, tensor, place=slice(None), full=None):
        made = pairs(random, {name: shape}, 4, "BF16", self.ends)
        self.adapter |= made
        if self.alpha:
            self.adapter[name + ".alpha"] = Tensor("F32", 2.0)
        delta = low_rank(made[name + self.ends[1]], made[name + self.ends[0]],
                         SCALE if self.alpha else 1.0)
        self.put(tensor, delta.placed((full or shape[0], shape[1]), place))

    def put(self, tensor, delta):
        if tensor in self.expected:
            delta = self.expected[tensor].delta + delta
        self.expected[tensor] = Expected(delta)
        self.shapes[tensor] = delta.shape

    def model(self, dtype="BF16"):
        return {name: random.weight(dtype, *shape) for name, shape in self.shapes.items()}

    def merges(self, title, more=None, file="model.safetensors"):
        model = self.model() | {
            name: random.weight("BF16", *shape) for name, shape in (more or {}).items()}
        cases.merges(title, {file: model}, {"lora.safetensors": self.adapter}, self.expected,
                     adapter_target="lora.safetensors")


def spelled(prefix, module):
    """With underscores, if the prefix ends with one."""
    return prefix + (module.replace(".", "_") if prefix.endswith("_") else module)


# Stable Diffusion 1.5 in one file, an adapter by diffusers' names: blocks are counted otherwise.
SD15 = {
    "down_blocks.0.attentions.0": "input_blocks.1.1",
    "down_blocks.0.attentions.1": "input_blocks.2.1",
    "down_blocks.1.attentions.0": "input_blocks.4.1",
    "down_blocks.2.attentions.1": "input_blocks.8.1", "mid_block.attentions.0": "middle_block.1",
    "up_blocks.1.attentions.0": "output_blocks.3.1",
    "up_blocks.1.attentions.2": "output_blocks.5.1",
    "up_blocks.3.attentions.2": "output_blocks.11.1"}
# What tells how many blocks there are, and where they change their size.
SD15_MARKS = {
    f"model.diffusion_model.{name}.weight": (4, 4, 3, 3)
    for name in ("input_blocks.0.0", "input_blocks.3.0.op", "input_blocks.6.0.op",
                 "input_blocks.9.0.op", "input_blocks.10.0.in_layers.2",
                 "input_blocks.11.0.in_layers.2", "output_blocks.2.1.conv",
                 "output_blocks.5.2.conv", "output_blocks.8.2.conv")}
SD15_MARKS |= {
    f"first_stage_model.encoder.down.{i}.block.0.conv1.weight": (4, 4, 3, 3) for i in range(4)}
TEXT = "text_model.encoder.layers.0.self_attn.q_proj"

for title, prefix, text_prefix, ends in (("kohya", "lora_unet_", "lora_te_", KOHYA_ENDS),
                                         ("diffusers", "unet.", "text_encoder.", PEFT_ENDS)):
    found = Pairs(ends, alpha=ends == KOHYA_ENDS)
    for block, place in SD15.items():
        for module in ("transformer_blocks.0.attn1.to_q", "transformer_blocks.0.attn2.to_out.0",
                       "transformer_blocks.0.ff.net.0.proj"):
            name = f"{block}.{module}"
            found.add(spelled(prefix, name), (WIDTH, WIDTH),
                      f"model.diffusion_model.{place}.{module}.weight")
    found.add(spelled(text_prefix, TEXT), (WIDTH, WIDTH),
              f"cond_stage_model.transformer.{TEXT}.weight")
    found.merges(f"SD 1.5 in one file, an adapter as {title} spells it", SD15_MARKS)

found = Pairs(KOHYA_ENDS)
for module, place in (("down_blocks.0.resnets.0.conv1", "input_blocks.1.0.in_layers.2"),
                      ("down_blocks.1.resnets.1.time_emb_proj", "input_blocks.5.0.emb_layers.1"),
                      ("mid_block.resnets.1.conv2", "middle_block.2.out_layers.3"),
                      ("up_blocks.0.resnets.0.conv_shortcut", "output_blocks.0.0.skip_connection"),
                      ("up_blocks.2.resnets.1.conv1", "output_blocks.7.0.in_layers.2")):
    found.add(spelled("lora_unet_", module), (24, 16), f"model.diffusion_model.{place}.weight")
found.merges("SD 1.5 in one file, what is beside attention", SD15_MARKS)

# SDXL by kohya: the names of the one file, its first text encoder, and the second, whose q, k and
# v are one tensor.
found = Pairs(KOHYA_ENDS)
for place in ("input_blocks.4.1", "input_blocks.8.1", "middle_block.1", "output_blocks.5.1"):
    module = f"{place}.transformer_blocks.1.attn1.to_k"
    found.add(spelled("lora_unet_", module), (WIDTH, WIDTH),
              f"model.diffusion_model.{module}.weight")
found.add(spelled("lora_te1_", TEXT), (WIDTH, WIDTH),
          f"conditioner.embedders.0.transformer.{TEXT}.weight")
second = "conditioner.embedders.1.model.transformer.resblocks.0."
for i, part in enumerate("qkv"):
    found.add(spelled("lora_te2_", f"text_model.encoder.layers.0.self_attn.{part}_proj"),
              (WIDTH, WIDTH), second + "attn.in_proj_weight", slice(i * WIDTH,
                                                                    (i + 1) * WIDTH), 3 * WIDTH)
found.add(spelled("lora_te2_", "text_model.encoder.layers.0.self_attn.out_proj"), (WIDTH, WIDTH),
          second + "attn.out_proj.weight")
found.add(spelled("lora_te2_", "text_model.encoder.layers.0.mlp.fc1"), (INNER, WIDTH),
          second + "mlp.c_fc.weight")
found.add(spelled("lora_te2_", "text_model.encoder.layers.0.mlp.fc2"), (WIDTH, INNER),
          second + "mlp.c_proj.weight")
found.merges("SDXL in one file, by kohya")

# FLUX: names of its authors and of diffusers, whose q, k and v are apart.
for prefix, ends in (("transformer.", PEFT_ENDS), ("lora_transformer_", KOHYA_ENDS)):
    found = Pairs(ends, alpha=ends == KOHYA_ENDS)
    double, single = "transformer_blocks.0.", "single_transformer_blocks.0."
    for i, part in enumerate("qkv"):
        rows = slice(i * WIDTH, (i + 1) * WIDTH)
        found.add(spelled(prefix, f"{double}attn.to_{part}"), (WIDTH, WIDTH),
                  "double_blocks.0.img_attn.qkv.weight", rows, 3 * WIDTH)
        found.add(spelled(prefix, f"{double}attn.add_{part}_proj"), (WIDTH, WIDTH),
                  "double_blocks.0.txt_attn.qkv.weight", rows, 3 * WIDTH)
        found.add(spelled(prefix, f"{single}attn.to_{part}"), (WIDTH, WIDTH),
                  "single_blocks.0.linear1.weight", rows, 3 * WIDTH + INNER)
    found.add(spelled(prefix, single + "proj_mlp"), (INNER, WIDTH),
              "single_blocks.0.linear1.weight", slice(3 * WIDTH, None), 3 * WIDTH + INNER)
    found.add(spelled(prefix, single + "proj_out"), (WIDTH, WIDTH + INNER),
              "single_blocks.0.linear2.weight")
    for module, place, shape in (("attn.to_out.0", "img_attn.proj", (WIDTH, WIDTH)),
                                 ("attn.to_add_out", "txt_attn.proj",
                                  (WIDTH, WIDTH)), ("ff.net.0.proj", "img_mlp.0", (INNER, WIDTH)),
                                 ("ff.net.2", "img_mlp.2",
                                  (WIDTH, INNER)), ("ff_context.net.0.proj", "txt_mlp.0",
                                                    (INNER, WIDTH)), ("ff_context.net.2",
                                                                      "txt_mlp.2", (WIDTH, INNER))):
        found.add(spelled(prefix, double + module), shape, f"double_blocks.0.{place}.weight")
    found.merges(f"FLUX, a file of its authors, an adapter by diffusers ({prefix})")

for title, prefix in (("its authors' file", ""), ("ComfyUI's file", "model.diffusion_model.")):
    found = Pairs(KOHYA_ENDS)
    for module, shape in (("double_blocks.0.img_attn.qkv",
                           (3 * WIDTH, WIDTH)), ("double_blocks.0.txt_mlp.2", (WIDTH, INNER)),
                          ("single_blocks.0.linear1", (3 * WIDTH + INNER, WIDTH))):
        found.add(spelled("lora_unet_", module), shape, f"{prefix}{module}.weight")
    found.merges(f"FLUX, kohya's adapter on {title}")

# The reverse: kohya's fused pairs on diffusers' split weights.
found = Pairs(KOHYA_ENDS)
for name, parts in (("double_blocks_0_img_attn_qkv",
                     [f"transformer_blocks.0.attn.to_{p}" for p in "qkv"
                      ]), ("double_blocks_0_txt_attn_qkv",
                           [f"transformer_blocks.0.attn.add_{p}_proj" for p in "qkv"]),
                    ("single_blocks_0_linear1",
                     [f"single_transformer_blocks.0.attn.to_{p}"
                      for p in "qkv"] + ["single_transformer_blocks.0.proj_mlp"])):
    sizes = [INNER if part.endswith("proj_mlp") else WIDTH for part in parts]
    made = pairs(random, {"lora_unet_" + name: (sum(sizes), WIDTH)}, 4, "BF16", KOHYA_ENDS)
    found.adapter |= made | {f"lora_unet_{name}.alpha": Tensor("F32", 2.0)}
    delta, at = low_rank(*(made[f"lora_unet_{name}{end}"] for end in KOHYA_ENDS[::-1]), SCALE), 0
    for part, size in zip(parts, sizes):
        found.put(part + ".weight", delta.part(slice(at, at + size)))
        at += size
found.merges("FLUX, kohya's adapter on diffusers' file", file="diffusion_pytorch_model.safetensors")

# Where both spell alike nothing is to be known of the family.
for title, modules in (("Qwen-Image", [
        "transformer_blocks.0.attn.add_k_proj", "transformer_blocks.0.img_mlp.net.0.proj"
]), ("Wan", ["blocks.0.self_attn.q", "blocks.0.ffn.0"]), ("Z-Image", ["layers.0.attention.to_q"]),
                       ("SD3", ["joint_blocks.0.x_block.attn.qkv"
                                ]), ("HunyuanVideo", ["double_blocks.0.img_attn_qkv"]),
                       ("LTX", ["transformer_blocks.0.attn1.to_q"])):
    for prefix, ends in (("lora_unet_", KOHYA_ENDS), ("diffusion_model.", PEFT_ENDS),
                         ("transformer.", PEFT_ENDS)):
        found = Pairs(ends, alpha=ends == KOHYA_ENDS)
        for module in modules:
            found.add(spelled(prefix, module), (WIDTH, WIDTH), module + ".weight")
        found.merges(f"{title}, alike on both sides but for {prefix}")
cases.finish()
