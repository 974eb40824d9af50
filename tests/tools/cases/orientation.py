"""adapter_config.json has one fan_in_fan_out for modules of several classes, and it is what the
last of them, or a recipe, left. Square weights are where it shows."""

from common import Cases, Expected, Random, low_rank, peft

cases, random = Cases(__file__), Random(2)
SIZE = 32


class Layers:
    """name -> ("Linear" or "Conv1D", out, in); a Conv1D keeps its weight as [in, out]."""

    def __init__(self, classes, *, biases=(), adapted=None):
        self.model, self.adapter, self.expected = {}, {}, {}
        for name, (kind, rows, columns) in classes.items():
            shape = (columns, rows) if kind == "Conv1D" else (rows, columns)
            self.model[name + ".weight"] = random.weight("F32", *shape)
            if name in biases:
                self.model[name + ".bias"] = random.weight("F32", rows)
            if adapted is not None and name not in adapted:
                continue
            a, b = random.factor("F32", 4, columns), random.factor("F32", rows, 4)
            self.adapter |= {name + ".lora_A.weight": a, name + ".lora_B.weight": b}
            delta = low_rank(b, a, 4.0)
            self.expected[name +
                          ".weight"] = Expected(delta.transposed() if kind == "Conv1D" else delta)

    def files(self, config=None):
        return {"model.safetensors": self.model, **({"config.json": config} if config else {})}


def merges(title, layers, flag, *, config=None, options=(), words=()):
    cases.merges(title, layers.files(config), peft(layers.adapter, fan_in_fan_out=flag),
                 layers.expected, options=options, words=words)


neox = "gpt_neox.layers.0."
merges(
    "GPT-NeoX, all linear, by a recipe that says true",
    Layers({
        neox + "attention.query_key_value": ("Linear", 96, SIZE),
        neox + "attention.dense": ("Linear", SIZE, SIZE),
        neox + "mlp.dense_h_to_4h": ("Linear", 128, SIZE)}), True, words=["fan_in_fan_out"])
llama = "model.layers.0.self_attn."
LLAMA = {
    llama + "q_proj": ("Linear", SIZE, SIZE), llama + "k_proj": ("Linear", 8, SIZE),
    llama + "v_proj": ("Linear", 8, SIZE), llama + "o_proj": ("Linear", SIZE, SIZE)}
merges("Llama, square and not, by a recipe that says true", Layers(LLAMA), True,
       words=["fan_in_fan_out"])
merges("Llama, only square weights adapted",
       Layers(LLAMA, adapted=[llama + "q_proj", llama + "o_proj"]), True, words=["fan_in_fan_out"])
gpt2 = "transformer.h.0."
GPT2 = {gpt2 + "attn.c_attn": ("Conv1D", 96, SIZE), gpt2 + "attn.c_proj": ("Conv1D", SIZE, SIZE)}
merges("GPT-2 by QLoRA: the flag stays false", Layers(GPT2), False, words=["fan_in_fan_out"])
merges("GPT-2 as PEFT saves it", Layers(GPT2), True)
merges("GPT-2, only the square one adapted, known by its names",
       Layers(GPT2, adapted=[gpt2 + "attn.c_proj"]), False)
merges(
    "GPT-2, only the square one adapted, known by the model's other weights and biases",
    Layers({"h.0.attn.c_attn": ("Conv1D", 96, SIZE), "h.0.attn.c_proj": ("Conv1D", SIZE, SIZE)},
           biases=["h.0.attn.c_attn", "h.0.attn.c_proj"], adapted=["h.0.attn.c_proj"]), False)
merges("GPT-2, known by config.json", Layers({"h.0.attn.c_proj": ("Conv1D", SIZE, SIZE)}), False,
       config={"model_type": "gpt2"})
# Both classes in one model, which no flag can tell.
both = Layers({
    "encoder.encoder.layer.0.attention.attention.query": ("Linear", SIZE, SIZE),
    "encoder.encoder.layer.0.intermediate.dense": ("Linear", 64, SIZE),
    "decoder.transformer.h.0.attn.c_attn": ("Conv1D", 96, SIZE),
    "decoder.transformer.h.0.attn.c_proj": ("Conv1D", SIZE, SIZE)})
for flag in (True, False):
    merges(f"a ViT with a GPT-2 as decoder, the file says {flag}", both, flag)

unknown = Layers({"blocks.0.mix": ("Linear", SIZE, SIZE)})
cases.refuses("square, true, and nothing else to tell", unknown.files(),
              peft(unknown.adapter, fan_in_fan_out=True),
              ["blocks.0.mix", "--fan-in-fan-out", "yes", "no"])
merges("the same, and the user says no", unknown, True, options=["--fan-in-fan-out", "no"])
merges("square, false, and nothing else to tell", unknown, False)
turned = Layers({"blocks.0.mix": ("Conv1D", SIZE, SIZE)})
merges("the user says yes", turned, True, options=["--fan-in-fan-out", "yes"])
merges("the user says yes, the file says false", turned, False, options=["--fan-in-fan-out", "yes"])
cases.finish()
