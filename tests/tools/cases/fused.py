"""Pairs of q, k and v on a fused weight, and pairs of a fused weight on q, k and v."""

from common import Cases, Expected, Random, low_rank, pairs, peft

cases, random = Cases(__file__), Random(7)
WIDTH, KEY_WIDTH, INNER, SCALE = 32, 16, 24, 4.0
LAYER = "model.layers.0."


def slices(extents):
    at, found = 0, {}
    for name, rows in extents.items():
        found[name], at = slice(at, at + rows), at + rows
    return found


def both_ways(title, fused, parts):
    """fused: the module's name; parts: the modules' names and rows, as they lie in it."""
    rows = sum(parts.values())
    made = pairs(random, {name: (extent, WIDTH) for name, extent in parts.items()})
    deltas = {
        name: low_rank(made[name + ".lora_B.weight"], made[name + ".lora_A.weight"], SCALE)
        for name in parts}
    whole = random.weight("BF16", rows, WIDTH)
    total = None
    for name, place in slices(parts).items():
        placed = deltas[name].placed((rows, WIDTH), place)
        total = placed if total is None else total + placed
    cases.merges(title + ", split pairs on a fused weight",
                 {"model.safetensors": {fused + ".weight": whole}}, peft(made),
                 {fused + ".weight": Expected(total)}, words=["part"])
    # What most adapters have of attention: no k. Its place is what is left, if v is as large.
    some = [name for name in parts if not name.endswith(("k_proj", "to_k", "up_proj"))]
    total = None
    for name in some:
        placed = deltas[name].placed((rows, WIDTH), slices(parts)[name])
        total = placed if total is None else total + placed
    kept = {end: made[end] for end in made if end.rpartition(".lora_")[0] in some}
    cases.merges(f"{title}, only {len(some)} of {len(parts)} pairs on a fused weight",
                 {"model.safetensors": {fused + ".weight": whole}}, peft(kept),
                 {fused + ".weight": Expected(total)})
    pair = pairs(random, {fused: (rows, WIDTH)})
    delta = low_rank(pair[fused + ".lora_B.weight"], pair[fused + ".lora_A.weight"], SCALE)
    cases.merges(
        title + ", a fused pair on split weights", {
            "model.safetensors": {
                name + ".weight": random.weight("BF16", extent, WIDTH)
                for name, extent in parts.items()}}, peft(pair),
        {name + ".weight": Expected(delta.part(place)) for name, place in slices(parts).items()})


ATTENTION = LAYER + "self_attn."
both_ways(
    "Phi-3's attention", ATTENTION + "qkv_proj",
    {ATTENTION + "q_proj": WIDTH, ATTENTION + "k_proj": KEY_WIDTH, ATTENTION + "v_proj": KEY_WIDTH})
both_ways("all heads alike", ATTENTION + "qkv_proj",
          {ATTENTION + "q_proj": WIDTH, ATTENTION + "k_proj": WIDTH, ATTENTION + "v_proj": WIDTH})
both_ways("Phi-3's gate", LAYER + "mlp.gate_up_proj",
          {LAYER + "mlp.gate_proj": INNER, LAYER + "mlp.up_proj": INNER})
BLOCK = "transformer_blocks.0.attn."
both_ways("a diffusion transformer", BLOCK + "to_qkv",
          {BLOCK + "to_q": WIDTH, BLOCK + "to_k": WIDTH, BLOCK + "to_v": WIDTH})

# GPT-NeoX keeps q, k and v of one head beside each other: no slice of rows is one of them.
made = pairs(
    random,
    {"gpt_neox.layers.0.attention." + name: (WIDTH, WIDTH) for name in ("query", "key", "value")})
cases.refuses(
    "heads that are interleaved", {
        "model.safetensors": {
            "gpt_neox.layers.0.attention.query_key_value.weight": random.weight(
                "BF16", 3 * WIDTH, WIDTH)}, "config.json": {"model_type": "gpt_neox"}}, peft(made),
    ["query"])
# Sizes that do not add up.
made = pairs(
    random, {
        ATTENTION + "q_proj": (WIDTH, WIDTH), ATTENTION + "k_proj": (KEY_WIDTH, WIDTH),
        ATTENTION + "v_proj": (KEY_WIDTH, WIDTH)})
cases.refuses(
    "parts that do not add up",
    {"model.safetensors": {ATTENTION + "qkv_proj.weight": random.weight("BF16", 3 * WIDTH, WIDTH)}},
    peft(made), ["qkv_proj"])
cases.finish()
