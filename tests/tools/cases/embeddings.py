"""Factors of embeddings and heads: alone, beside the copies that PEFT saves of them, and tied."""

from common import Cases, Expected, Random, Tensor, low_rank, pairs, peft, plain_merge

cases, random = Cases(__file__), Random(3)
WIDTH, VOCABULARY = 32, 50
EMBEDDING, HEAD, QUERY = "model.embed_tokens", "lm_head", "model.layers.0.self_attn.q_proj"


def base(*, tied=False):
    weights = {
        QUERY + ".weight": random.weight("BF16", WIDTH, WIDTH),
        EMBEDDING + ".weight": random.weight("BF16", VOCABULARY, WIDTH)}
    if not tied:
        weights[HEAD + ".weight"] = random.weight("BF16", VOCABULARY, WIDTH)
    return weights


def factors(targets):
    made = pairs(random, {QUERY: (WIDTH, WIDTH)})
    expected = plain_merge(made, {QUERY + ".weight": QUERY})
    for target in targets:
        if target == HEAD:
            pair = pairs(random, {HEAD: (VOCABULARY, WIDTH)})
            expected |= plain_merge(pair, {HEAD + ".weight": HEAD})
        else:
            a, b = random.factor("F32", 4, VOCABULARY), random.factor("F32", WIDTH, 4)
            pair = {target + ".lora_embedding_A": a, target + ".lora_embedding_B": b}
            expected[target + ".weight"] = Expected(low_rank(b, a, 4.0).transposed())
        made |= pair
    return made, expected


for targets in ([EMBEDDING], [HEAD], [EMBEDDING, HEAD]):
    weights = base()
    made, expected = factors(targets)
    files, named = {"model.safetensors": weights}, " and ".join(targets)
    cases.merges(f"{named}, not saved beside", files, peft(made), expected)
    copies = {target + ".base_layer.weight": weights[target + ".weight"] for target in targets}
    cases.merges(f"{named}, saved beside as PEFT does it by default", files, peft(made | copies),
                 expected, silence=["replace"])
    wider = {name: Tensor("F32", copy.values) for name, copy in copies.items()}
    cases.merges(f"{named}, saved beside in fp32, of the same values", files, peft(made | wider),
                 expected)

# What lies beside the factors is not the base: it was trained, or of another model.
weights = base()
made, expected = factors([EMBEDDING])
other = random.weight("BF16", VOCABULARY, WIDTH)
expected[EMBEDDING + ".weight"].instead = other.values
cases.merges("another matrix beside the factors", {"model.safetensors": weights},
             peft(made | {EMBEDDING + ".base_layer.weight": other}), expected,
             words=[EMBEDDING, "replace"])

TIED = {"model_type": "llama", "tie_word_embeddings": True}
weights = base(tied=True)
made, expected = factors([EMBEDDING])
cases.merges("the embedding of a tied model", {"model.safetensors": weights, "config.json": TIED},
             peft(made), expected, words=[("tied", "output layer")])
# As PEFT merges it: into the one matrix that is both, which is more than was trained.
made, expected = factors([HEAD])
expected[EMBEDDING + ".weight"] = expected.pop(HEAD + ".weight")
cases.merges("the head alone of a tied model, which is not stored",
             {"model.safetensors": weights, "config.json": TIED}, peft(made), expected,
             words=[EMBEDDING, ("tied", "output layer")])
untied = {"model_type": "llama", "tie_word_embeddings": False}
cases.refuses("a head that is not tied and not there",
              {"model.safetensors": weights, "config.json": untied}, peft(made), ["lm_head"])
cases.finish()
