"""llama.cpp's gguf adapters on gguf models."""

from common import Cases, Expected, Random, Tensor, gguf, low_rank, pairs, peft, write

cases, random = Cases(__file__), Random(16)
WIDTH, INNER, VOCABULARY, RANK = 32, 64, 50, 4
SHAPES = {
    "blk.0.attn_q": (WIDTH, WIDTH), "blk.0.attn_k": (16, WIDTH), "blk.0.ffn_down": (WIDTH, INNER)}


def model(dtype, architecture="llama", more=None):
    tensors = {
        "token_embd.weight": random.weight(dtype, VOCABULARY, WIDTH),
        "output_norm.weight": random.weight("F32", WIDTH)}
    tensors |= {name + ".weight": random.weight(dtype, *shape) for name, shape in SHAPES.items()}
    return {
        "model.gguf": gguf(tensors | (more or {}),
                           {"general.architecture": architecture, "general.name": "small"})}


def adapter(tensors, alpha, **changes):
    metadata = {
        "general.type": "adapter", "adapter.type": "lora", "general.architecture": "llama",
        "adapter.lora.alpha": alpha}
    return {"adapter.gguf": gguf(tensors, metadata | changes)}


def made(dtype, alpha):
    tensors = pairs(random, {name + ".weight": shape for name, shape in SHAPES.items()}, RANK,
                    dtype, (".lora_a", ".lora_b"))
    scale = alpha / RANK if alpha else 1.0
    return tensors, {
        name + ".weight": Expected(
            low_rank(tensors[name + ".weight.lora_b"], tensors[name + ".weight.lora_a"], scale))
        for name in SHAPES}


def merges(title, files, tensors, alpha, expected):
    cases.merges(title, files, adapter(tensors, alpha), expected, target="model.gguf",
                 adapter_target="adapter.gguf")


for dtype in ("F32", "F16", "BF16"):
    for factors in ("F32", "F16", "BF16"):
        tensors, expected = made(factors, 8.0)
        merges(f"{factors} factors of {dtype} weights", model(dtype), tensors, 8.0, expected)
tensors, expected = made("F32", 0.0)
merges("alpha 0 is no scale", model("F16"), tensors, 0.0, expected)
# The table's A is stored as it is looked up: a row for each token.
a, b = random.factor("F32", VOCABULARY, RANK), random.factor("F32", WIDTH, RANK)
delta = low_rank(b, Tensor("F64", a.values.T), 2.0).transposed()
merges("the table of tokens", model("F16"),
       {"token_embd.weight.lora_a": a, "token_embd.weight.lora_b": b}, 8.0,
       {"token_embd.weight": Expected(delta)})
with cases.case("the folder of the model") as folder:
    tensors, expected = made("F16", 8.0)
    write(folder / "model", model("F16"))
    write(folder / "adapter", adapter(tensors, 8.0))
    before = {"model.gguf": (folder / "model/model.gguf").read_bytes()}
    cases.run("merge", folder / "model", folder / "adapter").expect(0)
    cases.expect_tensors(folder / "model", before, expected)
    cases.run("unmerge", folder / "model").expect(0)
    cases.expect_files(folder / "model", before, "after the unmerge")


def refuses(title, files, adapter_files, words):
    target = next(name for name in files if name.startswith("model"))
    cases.refuses(title, files, adapter_files, words, target=target,
                  adapter_target="adapter.gguf" if "adapter.gguf" in adapter_files else "")


tensors, _ = made("F32", 8.0)
refuses("another architecture", model("F16", "qwen2"), adapter(tensors, 8.0), ["llama", "qwen2"])
refuses("another kind of adapter", model("F16"),
        adapter(tensors, 8.0, **{"adapter.type": "control"}), ["control"])
refuses("PEFT's names on a gguf model", model("F16"),
        peft(pairs(random, {"model.layers.0.self_attn.q_proj": (WIDTH, WIDTH)})),
        ["gguf", "convert_lora_to_gguf"])
refuses("a gguf adapter on a safetensors model", {
    "model.safetensors": {
        "model.layers.0.self_attn.q_proj.weight": random.weight("F16", WIDTH, WIDTH)}},
        adapter(tensors, 8.0), ["blk.0.attn_q"])
refuses("a gguf model as an adapter", model("F16"), {"adapter.gguf": model("F16")["model.gguf"]},
        ["adapter"])
quantised = {
    "model.gguf": gguf({"blk.0.attn_q.weight": Tensor("I8", [[0] * WIDTH] * WIDTH)},
                       {"general.architecture": "llama"})}
pair = {name: tensor for name, tensor in tensors.items() if "attn_q" in name}
refuses("a weight of a type for which nothing is rounded", quantised, adapter(pair, 8.0),
        ["blk.0.attn_q.weight"])
cut = model("F16")["model.gguf"][:-4096]
refuses("a model that is cut off", {"model.gguf": cut}, adapter(tensors, 8.0), ["model.gguf"])
cases.finish()
