"""A command of the program that something is done to: what it finds, what it should lead to, and
what has to hold of whatever it leaves."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cases"))
from common import Random, decoder, pairs, peft, sharded, write  # noqa: E402

DONE, NOT_DONE, PARTLY_DONE, DONE_WITH_TROUBLE = range(4)  # exit statuses
AT_BASE, MERGED, PARTLY_MERGED = 0, 4, 2  # of `verify`


class Lost(Exception):
    pass


def demand(condition, complaint):
    if not condition:
        raise Lost(complaint)


def read_tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
        if path.is_file()}


def write_tree(folder, tree):
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def is_undo_file(name):
    return name.endswith(".undo")


def is_hidden(name):
    return name.startswith(".") or "/." in name


def own_files(tree):
    """Of a model: neither undo files nor what a run has not tidied away yet."""
    return {
        name: content for name, content in tree.items()
        if not is_undo_file(name) and not is_hidden(name)}


class Scenario:
    """A verb, and the folder of a model that it is run on. `size` is the width of the weights."""

    def __init__(self, program, home, verb, *, grows=False, shards=3, size=24):
        self.program, self.home, self.verb = program, home, verb
        self.model = home / "model"
        self.shards = shards
        source = Random(shards)
        shapes, weights = decoder(source, layers=shards, width=size, key_width=size)
        for name, more in (("a", {}), ("b", {})):
            if grows:
                more = {
                    "model.embed_tokens.weight": source.weight("BF16", size + 2, size),
                    "score.weight": source.weight("BF16", 3, size)}
            write(home / name, peft(pairs(source, shapes) | more))
        if grows:
            weights = {"model.embed_tokens.weight": source.weight("BF16", size, size)} | weights
        write(self.model, sharded(weights, shards) | {"config.json": {"vocab_size": size}})
        self.base = read_tree(self.model)
        if verb != "merge":
            self.demand_done("merge", self.model, home / "a")
        self.start = read_tree(self.model)
        self.demand_done(*self.command())
        self.goal = read_tree(self.model)
        demand(own_files(self.goal) != own_files(self.start), "the command changes nothing")

    def command(self):
        return {
            "merge": ("merge", self.model, self.home / "a"), "unmerge": ("unmerge", self.model),
            "swap": ("swap", self.model, "--to", self.home / "b")}[self.verb]

    def run(self, *arguments, **environment):
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, **environment})

    def demand_done(self, *arguments):
        done = self.run(*arguments)
        demand(done.returncode == DONE, f"{arguments[0]}: {done.returncode}: {done.stderr}")

    def put_back(self):
        write_tree(self.model, self.start)

    # --- what is there

    def stages_of(self, tree):
        """For each of the model's own files the stages at which it has these bytes."""
        stages = {"base": self.base, "start": self.start, "goal": self.goal}
        found = {}
        for name, content in own_files(tree).items():
            found[name] = {stage for stage, files in stages.items() if files.get(name) == content}
            demand(found[name], f"'{name}' is neither what it was nor what it should become")
        lacking = own_files(self.base).keys() - found.keys()
        demand(not lacking, f"{sorted(lacking)} are gone")
        return found

    def is_at(self, stage, tree):
        return own_files(tree) == own_files(getattr(self, stage))

    def true_conditions(self, tree):
        """What `verify` may say."""
        if self.is_at("base", tree):
            return {AT_BASE} if any(map(is_undo_file, tree)) else {AT_BASE, NOT_DONE}
        if self.is_at("start", tree) or self.is_at("goal", tree):
            return {MERGED}
        # An index tells where tensors are, and is no tensor.
        weights = [at for name, at in self.stages_of(tree).items() if name.endswith(".safetensors")]
        if all("base" in at for at in weights):
            return {AT_BASE, PARTLY_MERGED}
        for stage in ("start", "goal"):
            if all(stage in at for at in weights):
                return {MERGED, PARTLY_MERGED}
        return {PARTLY_MERGED}

    # --- what has to hold

    def demand_true_status(self, done, tree, *, may_be_partial):
        status = done.returncode
        self.stages_of(tree)
        if status in (DONE, DONE_WITH_TROUBLE):
            demand(self.is_at("goal", tree), f"says {status}, and not all is done")
        elif status == NOT_DONE:
            demand(self.is_at("start", tree), "says that nothing was done, and something was")
        elif status == PARTLY_DONE:
            # What an unmerge has brought to the base may stay there.
            demand(may_be_partial or self.verb == "unmerge" or self.is_at("base", tree),
                   "an error half-way did not lead back")
            for stage in ("start", "goal"):
                demand(not self.is_at(stage, tree), f"says partly done, and is at the {stage}")
        else:
            raise Lost(f"ended with {status}")
        demand(status == DONE or done.stderr.strip(), "no word of what failed")

    def demand_true_verdict(self, tree):
        said = self.run("verify", self.model)
        wanted = self.true_conditions(tree)
        demand(said.returncode in wanted,
               f"verify says {said.returncode} instead of {wanted}: {said.stdout}{said.stderr}")
        demand(own_files(read_tree(self.model)) == own_files(tree), "verify changed the model")

    def demand_way_back(self, tree):
        """By `unmerge` alone, from what is there."""
        done = self.run("unmerge", self.model)
        statuses = (DONE, NOT_DONE) if self.is_at("base", tree) else (DONE, )
        demand(done.returncode in statuses, f"no way back: {done.returncode}: {done.stderr}")
        self.demand_tidy("base", "unmerge", refused=done.returncode == NOT_DONE)

    def demand_way_on(self, tree):
        """By the same command once more, from what is there."""
        done = self.run(*self.command())
        statuses = (DONE, NOT_DONE) if self.is_at("goal", tree) else (DONE, )
        demand(done.returncode in statuses, f"no way on: {done.returncode}: {done.stderr}")
        self.demand_tidy("goal", "once more", refused=done.returncode == NOT_DONE)
        if self.verb != "unmerge":
            self.demand_done("unmerge", self.model)
            self.demand_tidy("base", "unmerge after that")

    def demand_tidy(self, stage, after, *, refused=False):
        """At a stage, and without litter, unless what was asked for had no reason to write."""
        tree = read_tree(self.model)
        found, wanted = own_files(tree), own_files(getattr(self, stage))
        other = sorted(name for name in found.keys() | wanted.keys()
                       if found.get(name) != wanted.get(name))
        demand(not other, f"{after}: not at the {stage}: {other}")
        litter = sorted(filter(is_hidden, tree))
        demand(refused or not litter, f"{after}: left behind {litter}")


def is_killed(done):
    return done.returncode == -signal.SIGKILL


def finish(name, count, losses):
    for title, reason in losses:
        print(f"LOST: {name}, {title}: {reason}")
    print(f"{name}: {count} times disturbed, {len(losses)} times something was lost")
    sys.exit(1 if losses or not count else 0)


def reported(main):
    """Runs it; what is lost before anything is disturbed ends it with a sentence."""
    try:
        main()
    except Lost as reason:
        sys.exit(f"LOST: {reason}")
