"""Model folders as they are downloaded: other index names, indexes that disagree with the folder,
several sets of weights in one, pipelines, tensors at odd places, and what is no model."""

from common import (Cases, Random, Tensor, decoder, pairs, peft, plain_merge, safetensors, sharded,
                    write)

cases, random = Cases(__file__), Random(8)
WIDTH = 32
QUERIES = [f"transformer_blocks.{i}.attn.to_q" for i in range(2)]
STEM = "diffusion_pytorch_model"
adapter = pairs(random, {name: (WIDTH, WIDTH) for name in QUERIES})
expected = plain_merge(adapter, {name + ".weight": name for name in QUERIES})


def weights(dtype="BF16", names=QUERIES):
    return {name + ".weight": random.weight(dtype, WIDTH, WIDTH) for name in names}


def of(file, wanted=expected):
    """The same, where tensors of this name are in several files."""
    return {f"{file}::{name}": each for name, each in wanted.items()}


# --- indexes by other names
for index in (f"{STEM}.safetensors.index.json", "model.safetensors.index.json",
              f"{STEM}.safetensors.index.fp16.json"):
    cases.merges(f"shards with {index}", sharded(weights(), 2, STEM, index), peft(adapter),
                 expected)
    cases.merges(f"{index} named itself", sharded(weights(), 2, STEM, index), peft(adapter),
                 expected, target=index)
for name in (f"{STEM}.safetensors", "model.fp16.safetensors", "adapter-free name.safetensors"):
    cases.merges(f"{name} alone in a folder", {name: weights()}, peft(adapter), expected)
    cases.merges(f"{name} named itself", {name: weights()}, peft(adapter), expected, target=name)
files = sharded(weights(), 2, STEM)
cases.refuses("one shard named itself", files, peft(adapter), ["folder"],
              target=f"{STEM}-00001-of-00002.safetensors", silence=["header of"])
cases.refuses("a JSON named", files | {"config.json": {"model_type": "x"}}, peft(adapter),
              ["folder"], target="config.json", silence=["header of"])

# --- several sets side by side
several = {f"{STEM}.safetensors": weights("F32"), f"{STEM}.fp16.safetensors": weights("F16")}
cases.refuses("variants side by side", several, peft(adapter),
              [f"{STEM}.safetensors", f"{STEM}.fp16.safetensors", "--weights"])
cases.merges("variants side by side, one named", several, peft(adapter),
             of(f"{STEM}.fp16.safetensors"), target=f"{STEM}.fp16.safetensors")
both = sharded(weights(), 2) | {"model.safetensors": weights()}
cases.refuses("shards and model.safetensors side by side", both, peft(adapter),
              ["model.safetensors", "model.safetensors.index.json", "--weights"])
with cases.case("shards and model.safetensors side by side, one chosen") as folder:
    write(folder / "model", both)
    write(folder / "adapter", peft(adapter))
    before = {p.name: p.read_bytes() for p in (folder / "model").iterdir()}
    cases.run("merge", folder / "model", folder / "adapter", "--weights",
              "model.safetensors").expect(0)
    cases.expect_tensors(folder / "model", before, of("model.safetensors"))
    cases.run("unmerge", folder / "model", "--weights", "model.safetensors").expect(0)
    cases.expect_files(folder / "model", before, "after the unmerge")
cases.merges(
    "Mistral's consolidated.safetensors beside shards",
    sharded(weights(), 2)
    | {
        "consolidated.safetensors": {
            "layers.0.attention.wq.weight": random.weight("BF16", WIDTH, WIDTH)}}, peft(adapter),
    expected)


# --- the index and the folder disagree
def with_index(change, more=None, drop=()):
    files = sharded(weights(), 2)
    places = files["model.safetensors.index.json"]["weight_map"]
    places.update(change)
    for name in drop:
        del places[name]
    return files | (more or {})


SECOND = "model-00002-of-00002.safetensors"
cases.merges("a tensor that its shard lacks", with_index({"mtp.fc.weight": SECOND}), peft(adapter),
             expected, words=["mtp.fc.weight"])
cases.merges("a shard that is not there", with_index({"mtp.fc.weight": "model-mtp.safetensors"}),
             peft(adapter), expected, words=["model-mtp.safetensors"])
cases.refuses(
    "a shard that is not there and is needed",
    with_index({QUERIES[1] + ".weight": "model-mtp.safetensors"},
               {SECOND: {"other": random.weight("BF16", 2, 2)}}), peft(adapter),
    [QUERIES[1], "model-mtp.safetensors"])
cases.merges(
    "a shard beside, not in the index",
    with_index({},
               {"model-mtp.safetensors": {"mtp.fc.weight": random.weight("BF16", WIDTH, WIDTH)}}),
    peft(adapter), expected)
stale = {
    f"model-0000{i + 1}-of-00003.safetensors": {
        QUERIES[i] + ".weight": random.weight("BF16", 8, 8)} for i in range(2)}
cases.merges(
    "a stale set of shards beside, not in the index", with_index({}, stale), peft(adapter),
    of("model-00001-of-00002.safetensors",
       {QUERIES[0] + ".weight": expected[QUERIES[0] + ".weight"]})
    | of(SECOND, {QUERIES[1] + ".weight": expected[QUERIES[1] + ".weight"]}))
cases.merges("a tensor that the index omits", with_index({}, drop=[QUERIES[1] + ".weight"]),
             peft(adapter), expected)
cases.refuses("an index that leads out of the folder",
              with_index({QUERIES[1] + ".weight": "../elsewhere.safetensors"}), peft(adapter),
              ["elsewhere"])

# --- pipelines
unet_names = ["down_blocks.0.attentions.0.to_q", "mid_block.attentions.0.to_q"]
text_names = ["text_model.encoder.layers.0.self_attn.q_proj"]
pipeline = {
    "model_index.json": {
        "_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "U"],
        "text_encoder": ["transformers", "T"], "vae": ["diffusers", "V"],
        "scheduler": ["diffusers", "S"]}, "scheduler/scheduler_config.json": {"beta_start": 0.1},
    f"unet/{STEM}.safetensors": weights("F16", unet_names), "unet/config.json": {"sample_size": 8},
    "text_encoder/model.safetensors": weights("F16", text_names),
    f"vae/{STEM}.safetensors": {"encoder.conv_in.weight": random.weight("F16", 4, 3, 3, 3)}}
made = pairs(random, {"unet." + name: (WIDTH, WIDTH) for name in unet_names}
             | {"text_encoder." + name: (WIDTH, WIDTH) for name in text_names}, dtype="BF16",
             ends=(".lora_A.weight", ".lora_B.weight"))
cases.merges(
    "a pipeline folder, a file for two of its components", pipeline,
    {"pytorch_lora_weights.safetensors": made},
    plain_merge(made, {name + ".weight": "unet." + name for name in unet_names}
                | {name + ".weight": "text_encoder." + name for name in text_names}, 1.0))
sharded_pipeline = {
    "model_index.json": {"transformer": ["diffusers", "X"]}, "transformer/config.json": {}}
sharded_pipeline |= {
    f"transformer/{name}": content for name, content in sharded(weights(), 2, STEM).items()}
cases.merges("a pipeline folder with shards, a PEFT adapter of its one component", sharded_pipeline,
             peft(adapter), expected)
cases.merges("the component's folder named", sharded_pipeline, peft(adapter), expected,
             target="transformer")

# --- bytes
cases.merges("tensors at odd places",
             {"model.safetensors": safetensors({"first": Tensor("U8", [1])} | weights(), align=1)},
             peft(adapter), expected)
for count in (7, 2):
    shapes, llama = decoder(random, layers=4)
    llama = {"scalar": random.weight("F32"), "empty": random.weight("F32", 0, 4)} | llama
    made = pairs(random, shapes)
    cases.merges(f"{count} shards of a decoder", sharded(llama, count), peft(made),
                 plain_merge(made, {module + ".weight": module for module in shapes}))

# --- no model, or one that is not for merging
cases.refuses("a pickle only", {"pytorch_model.bin": b"PK\3\4" + b"x" * 100}, peft(adapter),
              ["pytorch_model.bin", "pickle"])
cases.refuses("an empty folder", {"config.json": {}}, peft(adapter), ["safetensors"])
cases.refuses("a file of zero bytes", {"model.safetensors": b""}, peft(adapter),
              ["model.safetensors"])
cases.refuses("a file that is cut off", {"model.safetensors": safetensors(weights())[:-10]},
              peft(adapter), ["model.safetensors"])
cases.refuses("a Git LFS pointer", {
    "model.safetensors": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4096\n"},
              peft(adapter), ["model.safetensors", "LFS"], silence=["header of"])
for title, stored, words in (("bitsandbytes, 4 bits", {
        ".weight": Tensor("U8", [[0]] * 512), ".weight.absmax": Tensor("U8", [0] * 16),
        ".weight.quant_state.bitsandbytes__nf4": Tensor("U8", [0] * 80)
}, [("quant", "bitsandbytes")
    ]), ("GPTQ",
         {".qweight": Tensor("I32", [[0] * WIDTH] * 4),
          ".scales": Tensor("F16", [[1.0] * WIDTH])}, [("quant", "GPTQ")]), ("fp8 with scales", {
              ".weight": Tensor("F8_E4M3", [[0] * WIDTH] * WIDTH),
              ".weight_scale_inv": Tensor("F32", [[1.0]])}, [
                  ("quant", "fp8", "F8")
              ]), ("weights in F64", {".weight": Tensor("F64", [[0.1] * WIDTH] * WIDTH)}, ["F64"])):
    cases.refuses(title, {
        "model.safetensors": {
            name + end: tensor for name in QUERIES for end, tensor in stored.items()}},
                  peft(adapter), [QUERIES[0], *words])
cases.finish()
