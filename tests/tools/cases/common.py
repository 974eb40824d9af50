"""What the cases share: models and adapters on disk, and the strict check of what the program makes
of them. A script is run as `SCRIPT PROGRAM SCRATCH`, names what is wrong, and exits with 1 if
anything is: every case must be merged, agree with the reference in float64, and come back to
the same bytes; or be refused with a true reason, with nothing written.
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np

from reference import Delta, Expected, difference, low_rank
from tensor_files import Tensor, gguf, read_gguf, read_safetensors, safetensors

__all__ = [
    "AT_BASE", "Cases", "Delta", "Expected", "MERGED", "Random", "Tensor", "decoder", "difference",
    "gguf", "low_rank", "pairs", "peft", "peft_config", "plain_merge", "safetensors", "sharded",
    "write"]

DONE, NOT_DONE = 0, 1  # exit statuses
AT_BASE, MERGED = 0, 4  # of `verify`


class Wrong(Exception):
    pass


class Random:
    """Weights and factors of the sizes that people have."""

    def __init__(self, seed):
        self.source = np.random.default_rng(seed)

    def weight(self, dtype, *shape):
        return Tensor(dtype, self.source.standard_normal(shape) * 0.02)

    def factor(self, dtype, *shape):
        return Tensor(dtype, self.source.standard_normal(shape) * 0.05)


def peft_config(**fields):
    return {
        "alpha_pattern": {}, "auto_mapping": None, "base_model_name_or_path": "example/base",
        "bias": "none", "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True,
        "layer_replication": None, "lora_alpha": 16, "lora_bias": False, "lora_dropout": 0.0,
        "modules_to_save": None, "peft_type": "LORA", "r": 4, "rank_pattern": {},
        "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM",
        "trainable_token_indices": None, "use_dora": False, "use_rslora": False, **fields}


def peft(tensors, **fields):
    """The files of an adapter folder. Names of tensors as modules of the model have them."""
    named = {"base_model.model." + name: tensor for name, tensor in tensors.items()}
    return {"adapter_model.safetensors": named, "adapter_config.json": peft_config(**fields)}


def pairs(random, shapes, rank=4, dtype="F32", ends=(".lora_A.weight", ".lora_B.weight")):
    """module -> (out, in) to the tensors of a pair for each."""
    made = {}
    for module, (rows, columns) in shapes.items():
        made[module + ends[0]] = random.factor(dtype, rank, columns)
        made[module + ends[1]] = random.factor(dtype, rows, rank)
    return made


def plain_merge(tensors, names, scale=4.0, ends=(".lora_A.weight", ".lora_B.weight")):
    """What pairs() make of the weights: name in the model -> module in the adapter."""
    return {
        name: Expected(low_rank(tensors[module + ends[1]], tensors[module + ends[0]], scale))
        for name, module in names.items()}


def decoder(random, dtype="BF16", layers=2, width=32, key_width=16, prefix="model.layers."):
    """Two projections of each layer, as in Llama: their shapes, and weights of them."""
    shapes = {}
    for layer in range(layers):
        shapes[f"{prefix}{layer}.self_attn.q_proj"] = (width, width)
        shapes[f"{prefix}{layer}.self_attn.v_proj"] = (key_width, width)
    weights = {module + ".weight": random.weight(dtype, *shape) for module, shape in shapes.items()}
    return shapes, weights


def sharded(tensors, count, stem="model", index=None):
    """The files of a folder with `count` shards and their index."""
    names = [f"{stem}-{i + 1:05}-of-{count:05}.safetensors" for i in range(count)]
    files, places = {name: {} for name in names}, {}
    for i, (name, tensor) in enumerate(tensors.items()):
        shard = names[i * count // len(tensors)]
        files[shard][name], places[name] = tensor, shard
    total = sum(len(tensor.raw) for tensor in tensors.values())
    files[index or f"{stem}.safetensors.index.json"] = {
        "metadata": {"total_size": total}, "weight_map": places}
    return files


def write(folder, files):
    """name -> bytes, tensors, or what becomes JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif name.endswith(".json"):
            path.write_text(json.dumps(content, indent=2), encoding="utf-8")
        else:
            path.write_bytes(safetensors(content))


def contents(folder):
    """Relative name -> bytes, of all files below but undo files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".undo"}


def tensors_in(files):
    """ "file::tensor" -> Tensor."""
    found = {}
    for file, data in files.items():
        if file.endswith(".safetensors"):
            found.update({f"{file}::{name}": t for name, t in read_safetensors(data).items()})
        elif file.endswith(".gguf"):
            found.update({f"{file}::{name}": t for name, t in read_gguf(data).items()})
    return found


def compare_files(expected, found, what):
    if found == expected:
        return
    lacking, more = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    other = sorted(name for name in set(expected) & set(found) if expected[name] != found[name])
    raise Wrong(f"{what}: not there {lacking}, left behind {more}, of other bytes {other}")


def compare_tensors(before, after, expected):
    before, after = tensors_in(before), tensors_in(after)
    full_names = {}
    for short in expected:
        fitting = [name for name in after if name == short or name.endswith("::" + short)]
        if len(fitting) != 1:
            raise Wrong(f"the merged model has {len(fitting)} tensors '{short}'")
        full_names[fitting[0]] = expected[short]
    for name in before.keys() | after.keys():
        if name in full_names:
            complaint = full_names[name].complaint(before.get(name), after[name])
            if complaint:
                raise Wrong(f"'{name}' {complaint}")
        elif name not in before or name not in after or not before[name].same_as(after[name]):
            raise Wrong(f"'{name}' must not be touched")


class Answer:

    def __init__(self, command, status, out, errors):
        self.command, self.status, self.out, self.errors = command, status, out, errors

    @property
    def text(self):
        return self.out + self.errors

    def expect(self, *statuses):
        """One of them."""
        if self.status not in statuses:
            wanted = " or ".join(map(str, statuses))
            raise Wrong(f"exit status {self.status} instead of {wanted}\n{self.quoted()}")
        return self

    def expect_words(self, words):
        """Each of them, whatever the case; of a tuple one."""
        text = self.text.lower()
        for word in words:
            if not any(each.lower() in text
                       for each in (word if isinstance(word, tuple) else [word])):
                raise Wrong(f"does not say {word!r}\n{self.quoted()}")
        return self

    def expect_silence_about(self, words):
        for word in words:
            if word.lower() in self.text.lower():
                raise Wrong(f"says {word!r}, which is not true\n{self.quoted()}")
        return self

    def quoted(self):
        lines = [line.split("\r")[-1] for line in self.text.splitlines()]
        return "\n".join(["    $ revlora " + " ".join(self.command)] +
                         ["      " + line[:400] for line in lines if line.strip()])


class Cases:
    """The cases of one script, each in a folder of its own."""

    def __init__(self, script):
        if len(sys.argv) != 3:
            sys.exit(f"usage: {sys.argv[0]} PROGRAM SCRATCH")
        self.program = str(pathlib.Path(sys.argv[1]).resolve())
        self.home = pathlib.Path(sys.argv[2]).resolve() / pathlib.Path(script).stem
        shutil.rmtree(self.home, ignore_errors=True)
        self.count, self.failures = 0, []

    def finish(self):
        for title, reason in self.failures:
            print(f"FAILED: {title}: {reason}")
        print(f"{self.count - len(self.failures)} of {self.count} cases are right")
        sys.exit(1 if self.failures or not self.count else 0)

    @contextlib.contextmanager
    def case(self, title):
        """A fresh folder for it; what goes wrong in there does not end the others."""
        self.count += 1
        folder = self.home / str(self.count)
        folder.mkdir(parents=True)
        try:
            yield folder
        except Wrong as reason:
            self.failures.append((title, reason))
        else:
            shutil.rmtree(folder)

    def run(self, *arguments, environment=None, within=None):
        command = [str(each) for each in arguments]
        done = subprocess.run([self.program, *command], capture_output=True, text=True, check=False,
                              env=environment, cwd=within, stdin=subprocess.DEVNULL)
        # Words are looked for in what is said: not in the names of these folders.
        told = [text.replace(f"{self.home}/", "") for text in (done.stdout, done.stderr)]
        return Answer(command, done.returncode, *told)

    def demand(self, condition, complaint):
        if not condition:
            raise Wrong(complaint)

    def expect_files(self, folder, expected, what):
        compare_files(expected, contents(folder), what)

    def expect_tensors(self, folder, before, expected):
        compare_tensors(before, contents(folder), expected)

    def expect_condition(self, model, condition, *options):
        self.run("verify", model, *options).expect(condition)

    def merges(self, title, model, adapters, expected, *, options=(), target="", adapter_target="",
               words=(), silence=(), strengths=None):
        """Merged as expected; back by `unmerge MODEL` alone when the adapters are gone, and by an
        undo file without factors when they are there. `words` are what the user has to be told."""
        adapters = adapters if isinstance(adapters, list) else [adapters]
        with self.case(title) as folder:
            for kind in ("embedded", "kept"):
                home = folder / kind
                write(home / "model", model)
                for i, files in enumerate(adapters):
                    write(home / f"trained{i}", files)
                place = home / "model" / target
                before = contents(home / "model")
                named = [str(home / f"trained{i}" / adapter_target) for i in range(len(adapters))]
                asked = [
                    path if strengths is None else f"{path}={strength}"
                    for path, strength in zip(named, strengths or named)]
                if kind == "embedded":
                    self.run("merge", place, *asked, "--dry-run", *options).expect(DONE)
                    self.expect_files(home / "model", before, "a dry run wrote")
                    merged = self.run("merge", place, *asked, *options).expect(DONE)
                    merged.expect_words(words).expect_silence_about(silence)
                    self.expect_condition(place, MERGED)
                    for i in range(len(adapters)):
                        shutil.rmtree(home / f"trained{i}")
                else:
                    self.run("merge", place, *asked, "--no-embed", *options).expect(DONE)
                self.expect_tensors(home / "model", before, expected)
                self.run("unmerge", place).expect(DONE)
                self.expect_files(home / "model", before, "after the unmerge")
                if kind == "embedded":
                    self.expect_condition(place, AT_BASE)

    def refuses(self, title, model, adapters, words, *, options=(), target="", adapter_target="",
                silence=()):
        """Refused before anything is written, for a reason that has these words in it."""
        adapters = adapters if isinstance(adapters, list) else [adapters]
        with self.case(title) as folder:
            write(folder / "model", model)
            for i, files in enumerate(adapters):
                write(folder / f"trained{i}", files)
            before = contents(folder)
            named = [folder / f"trained{i}" / adapter_target for i in range(len(adapters))]
            for wish in ((), ("--dry-run", )):
                answer = self.run("merge", folder / "model" / target, *named, *wish, *options)
                answer.expect(NOT_DONE).expect_words(words).expect_silence_about(silence)
                self.expect_files(folder, before, "a refused merge wrote")
                self.demand(not list(folder.rglob("*.undo")), "a refused merge left an undo file")
