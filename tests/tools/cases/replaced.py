"""Tensors that a trainer keeps whole: heads, biases, grown vocabularies, single rows."""

import numpy as np

from common import Cases, Expected, Random, low_rank, pairs, peft, plain_merge, sharded

cases, random = Cases(__file__), Random(5)
WIDTH, VOCABULARY = 32, 50
EMBEDDING, HEAD, QUERY = "model.embed_tokens", "lm_head", "model.layers.0.self_attn.q_proj"


def base(**more):
    return {
        QUERY + ".weight": random.weight("BF16", WIDTH, WIDTH),
        EMBEDDING + ".weight": random.weight("BF16", VOCABULARY, WIDTH),
        HEAD + ".weight": random.weight("BF16", VOCABULARY, WIDTH), **more}


def merges(title, weights, kept, expected, *, words=(), count=1, **fields):
    made = pairs(random, {QUERY: (WIDTH, WIDTH)})
    files = {"model.safetensors": weights} if count == 1 else sharded(weights, count)
    files["config.json"] = {"model_type": "llama", "vocab_size": VOCABULARY}
    cases.merges(title, files, peft(made | kept, **fields),
                 plain_merge(made, {QUERY + ".weight": QUERY}) | expected, words=words)


def whole(tensor, dtype=None):
    return Expected(instead=tensor.values, dtype=dtype)


for rows, count in ((VOCABULARY + 2, 1), (VOCABULARY + 14, 3)):
    embedding, head = (random.weight("BF16", rows, WIDTH) for _ in range(2))
    merges(f"resized embeddings, saved by themselves, in {count} files", base(),
           {EMBEDDING + ".weight": embedding, HEAD + ".weight": head},
           {EMBEDDING + ".weight": whole(embedding), HEAD + ".weight": whole(head)},
           words=[str(rows), "vocab_size"], count=count)
embedding = random.weight("F32", VOCABULARY, WIDTH)
merges("modules_to_save in fp32, of a bf16 model", base(), {EMBEDDING + ".weight": embedding},
       {EMBEDDING + ".weight": whole(embedding)}, modules_to_save=["embed_tokens"])
# A grown embedding with factors of its own.
embedding = random.weight("BF16", VOCABULARY + 2, WIDTH)
a, b = random.factor("F32", 4, VOCABULARY + 2), random.factor("F32", WIDTH, 4)
merges(
    "a grown embedding beside its factors", base(), {
        EMBEDDING + ".base_layer.weight": embedding, EMBEDDING + ".lora_embedding_A": a,
        EMBEDDING + ".lora_embedding_B": b},
    {EMBEDDING + ".weight": Expected(low_rank(b, a, 4.0).transposed(), instead=embedding.values)})

score = random.weight("F32", 3, WIDTH)
merges("a classification head that the base has not", base(), {"score.weight": score},
       {"score.weight": whole(score, "F32")}, modules_to_save=["classifier", "score"],
       task_type="SEQ_CLS", words=["score.weight"])
merges("a classification head that the base has",
       base(**{"score.weight": random.weight("BF16", 3, WIDTH)}), {"score.weight": score},
       {"score.weight": whole(score)}, modules_to_save=["classifier", "score"], task_type="SEQ_CLS")
norm = random.weight("F32", WIDTH)
merges("a norm in modules_to_save", base(**{"model.norm.weight": random.weight("F32", WIDTH)}),
       {"model.norm.weight": norm}, {"model.norm.weight": whole(norm)}, modules_to_save=["norm"])

bias = random.weight("F32", WIDTH)
biased = {
    QUERY + ".bias": random.weight("BF16", WIDTH), "model.norm.bias": random.weight("BF16", WIDTH)}
merges('bias="lora_only"', base(**biased), {QUERY + ".base_layer.bias": bias},
       {QUERY + ".bias": whole(bias)}, bias="lora_only")
other = random.weight("F32", WIDTH)
merges('bias="all"', base(**biased), {QUERY + ".base_layer.bias": bias, "model.norm.bias": other},
       {QUERY + ".bias": whole(bias), "model.norm.bias": whole(other)}, bias="all")

for title, fields in (("a list", {"trainable_token_indices": [7, 2]}),
                      ("by module", {"trainable_token_indices": {"embed_tokens": [7, 2]}})):
    weights = base()
    rows = random.weight("F32", 2, WIDTH)
    table = np.array(weights[EMBEDDING + ".weight"].values)
    table[[7, 2]] = rows.values
    merges("trained tokens, " + title, weights,
           {EMBEDDING + ".token_adapter.trainable_tokens_delta": rows},
           {EMBEDDING + ".weight": Expected(instead=table)}, **fields)

weights = base()
short = random.weight("BF16", VOCABULARY - 2, WIDTH)
made = pairs(random, {QUERY: (WIDTH, WIDTH)})
cases.refuses("fewer rows than the base", {"model.safetensors": weights},
              peft(made | {EMBEDDING + ".weight": short}),
              [EMBEDDING, str(VOCABULARY - 2)])
cases.refuses(
    "two adapters that replace the same tensor", {"model.safetensors": weights},
    [peft(made | {HEAD + ".weight": random.weight("BF16", VOCABULARY, WIDTH)})
     for _ in range(2)], [HEAD])
cases.refuses(
    "a row that the base has not", {"model.safetensors": weights},
    peft(
        made
        | {EMBEDDING + ".token_adapter.trainable_tokens_delta": random.weight("F32", 1, WIDTH)},
        trainable_token_indices=[VOCABULARY]), [EMBEDDING, str(VOCABULARY)])
cases.finish()
