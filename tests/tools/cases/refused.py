"""What cannot be merged is called by its name, before anything is written, and can be described all
the same; and what looks like it but can be merged is not said to be it."""

from common import Cases, Random, decoder, pairs, peft, plain_merge, write

cases, random = Cases(__file__), Random(17)
WIDTH, KEY_WIDTH, RANK = 32, 16, 4
SHAPES, WEIGHTS = decoder(random)
MODEL = {"model.safetensors": WEIGHTS}
NAMES = {module + ".weight": module for module in SHAPES}
FACTORS = pairs(random, SHAPES)
EXPECTED = plain_merge(FACTORS, NAMES)
QUERY = "model.layers.0.self_attn.q_proj"


def refuses(title, adapter, words, *, described=None, **more):
    cases.refuses(title, MODEL, adapter, words, **more)
    if described:
        with cases.case("info of " + title) as folder:
            write(folder, adapter)
            cases.run("info",
                      folder / more.get("adapter_target", "")).expect(0).expect_words(described)


def each_module(ends):
    return {
        module + end: random.factor("F32", *(shape(rows, columns)))
        for module, (rows, columns) in SHAPES.items() for end, shape in ends.items()}


# --- other kinds, by PEFT
refuses(
    "DoRA",
    peft(
        FACTORS
        | {
            module + ".lora_magnitude_vector": random.factor("F32", shape[0])
            for module, shape in SHAPES.items()}, use_dora=True), ["DoRA"], described=["DoRA"])
refuses(
    "LoHa",
    peft(
        each_module({
            ".hada_w1_a": lambda o, i: (o, RANK), ".hada_w1_b": lambda o, i: (RANK, i),
            ".hada_w2_a": lambda o, i: (o, RANK), ".hada_w2_b": lambda o, i: (RANK, i)}),
        peft_type="LOHA"), ["LoHa"], described=["LoHa"])
refuses(
    "LoKr",
    peft(each_module({".lokr_w1": lambda o, i: (4, 4), ".lokr_w2": lambda o, i: (o // 4, i // 4)}),
         peft_type="LOKR"), ["LoKr"], described=["LoKr"])
refuses(
    "VeRA",
    peft(
        each_module({".vera_lambda_b": lambda o, i: (o, ), ".vera_lambda_d": lambda o, i:
                     (RANK, )}), peft_type="VERA"), ["VeRA"], described=["VeRA"])
refuses("(IA)3", peft(each_module({".ia3_l": lambda o, i: (o, 1)}), peft_type="IA3"),
        [("IA3", "(IA)")], described=[("IA3", "(IA)")])
refuses("OFT", peft(each_module({".oft_R.weight": lambda o, i: (4, 28)}), peft_type="OFT"), ["OFT"],
        described=["OFT"])
refuses("AdaLoRA",
        peft(FACTORS | each_module({".lora_E": lambda o, i: (RANK, 1)}), peft_type="ADALORA"),
        ["AdaLoRA"], described=["AdaLoRA"])
refuses("prompts",
        peft({"prompt_embeddings": random.factor("F32", 8, WIDTH)}, peft_type="PROMPT_TUNING"),
        [("prompt", )])
refuses("a kind that nobody has heard of", peft(FACTORS, peft_type="FROBNICATE"), ["FROBNICATE"])

# --- the same in kohya's files
KOHYA = "lora_unet_model_layers_0_self_attn_q_proj"
for title, tensors, word in (("LoHa", {
        ".hada_w1_a": (WIDTH, RANK), ".hada_w1_b": (RANK, WIDTH), ".hada_w2_a": (WIDTH, RANK),
        ".hada_w2_b": (RANK, WIDTH)
}, "LoHa"), ("LoKr", {".lokr_w1": (4, 4), ".lokr_w2": (8, 8)}, "LoKr"), ("DoRA", {
        ".lora_down.weight": (RANK, WIDTH), ".lora_up.weight": (WIDTH, RANK),
        ".dora_scale": (WIDTH, 1)}, "DoRA"), ("GLoRA", {
            ".a1.weight": (RANK, WIDTH), ".a2.weight": (WIDTH, RANK), ".b1.weight": (RANK, WIDTH),
            ".b2.weight": (WIDTH, RANK)
        }, "GLoRA"), ("OFT", {".oft_blocks": (4, 8, 8)}, "OFT"), ("a shape that is padded first", {
            ".lora_down.weight": (RANK, WIDTH), ".lora_up.weight": (WIDTH, RANK),
            ".reshape_weight": (2, )}, "reshape_weight")):
    refuses(
        f"kohya: {title}", {
            "style.safetensors": {
                KOHYA + end: random.factor("F16", *shape) for end, shape in tensors.items()}},
        [word], adapter_target="style.safetensors", described=[word])

# --- configurations
refuses("layer_replication", peft(FACTORS, layer_replication=[[0, 1], [0, 1]]),
        ["layer_replication"], described=["layer_replication"])
for init in ("pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga"):
    refuses(f"init_lora_weights {init}", peft(FACTORS, init_lora_weights=init), [init, "base"],
            described=[init])
for init in (True, False, "gaussian", "Gaussian", "eva", "orthogonal", "mica"):
    cases.merges(f"init_lora_weights {init}", MODEL, peft(FACTORS, init_lora_weights=init),
                 EXPECTED, silence=["changed the base"])
for name, value in (("use_qalora", True), ("use_bdlora", {"x": 1}), ("alora_invocation_tokens",
                                                                     [1, 2]),
                    ("arrow_config", {"top_k": 2}), ("kasa_config", {"beta": 1})):
    refuses(name, peft(FACTORS, **{name: value}), [name])
    cases.merges(f"{name} that is off", MODEL, peft(FACTORS, **{name: None}), EXPECTED)

# --- pickles and other folders
config = {"adapter_config.json": peft(FACTORS)["adapter_config.json"]}
refuses("a pickle", config | {"adapter_model.bin": b"PK\3\4" + b"x" * 100},
        ["adapter_model.bin", "pickle"])
refuses("an old pickle", config | {"adapter_model.bin": b"\x80\2" + b"x" * 100},
        ["adapter_model.bin", "pickle"])
refuses("a file of full weights", {"adapter.safetensors": WEIGHTS}, ["adapter"],
        adapter_target="adapter.safetensors")
refuses(
    "an adapter in a folder below full weights", config
    | {"model-00001-of-00001.safetensors": {"x": random.weight("BF16", 2, 2)}}
    | {f"checkpoint-20/{name}": content for name, content in peft(FACTORS).items()},
    ["checkpoint-20"])
refuses("an empty folder", {"README.md": b"# nothing"}, ["adapter"])
with cases.case("a path that is not there") as folder:
    write(folder / "model", MODEL)
    cases.run("merge", folder / "model", folder / "nowhere").expect(1).expect_words(["nowhere"])

# --- trained tensors beside the adapter
KEPT = {
    "non_lora_trainables.bin": b"PK\3\4" + b"x" * 1000, "mm_projector.bin": b"PK\3\4" + b"x" * 100,
    "new_embeddings.safetensors": {"model.embed_tokens.weight": random.weight("BF16", 4, WIDTH)}}
for name, content in KEPT.items():
    adapter = peft(FACTORS) | {name: content}
    refuses(f"{name} beside", adapter, [name, "--allow-unused"])
    cases.merges(f"{name} beside, left out as asked", MODEL, adapter, EXPECTED,
                 options=["--allow-unused"], words=[name])
beside = {
    "optimizer.pt": b"PK\3\4", "scheduler.pt": b"PK\3\4", "rng_state.pth": b"PK\3\4",
    "training_args.bin": b"PK\3\4", "tokenizer.json": {"version": "1.0"}, "README.md": b"# x",
    "trainer_state.json": {"epoch": 1}, "tokenizer.model": b"x"}
cases.merges("what every trainer leaves beside", MODEL, peft(FACTORS) | beside, EXPECTED)

# --- parts without a place or a partner
alone = {name: tensor for name, tensor in FACTORS.items() if name != QUERY + ".lora_B.weight"}
refuses("A without B", peft(alone), [QUERY, "lora_B"])
more = FACTORS | {
    "model.layers.7.mlp.up_proj" + end: random.factor("F32", *shape)
    for end, shape in ((".lora_A.weight", (RANK, WIDTH)), (".lora_B.weight", (WIDTH, RANK)))}
refuses("a module too many", peft(more), ["model.layers.7.mlp.up_proj"])
odd = FACTORS | {QUERY + ".lora_C.weight": random.factor("F32", RANK, RANK)}
refuses("a tensor that nobody knows", peft(odd), ["lora_C"])
inverted = {
    name: (random.factor("F32", RANK + 1, WIDTH) if name == QUERY + ".lora_A.weight" else tensor)
    for name, tensor in FACTORS.items()}
refuses("ranks of A and B that differ", peft(inverted), [QUERY])
cases.finish()
