"""interrupted.py PROGRAM [SEED]: Ctrl-C, and the signal that ends services, at moments that a seed
chooses. Each leaves the model as it was, or as it is to become, and nothing else."""

import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from disturbed import (DONE, Lost, Scenario, demand, finish, is_hidden, own_files, read_tree,
                       reported)

RUNS = 60
SHARDS, WIDTH = 4, 768


def interrupted(scenario, seconds, by, more):
    """Its exit status, or minus the signal that ended it."""
    command = [scenario.program, *map(str, scenario.command()), *map(str, more)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        process.send_signal(by)
        process.communicate()
    return process.returncode


def check(scenario, status, by, new):
    tree = read_tree(scenario.model)
    demand(status in (DONE, -by), f"ended with {status}")
    demand(not any(map(is_hidden, tree)), f"left behind {sorted(filter(is_hidden, tree))}")
    if new is None:
        stage = "goal" if status == DONE else "start"
        demand(scenario.is_at(stage, tree), f"ended with {status}, and is not at the {stage}")
        return
    demand(scenario.is_at("start", tree), "the model was changed, though another was asked for")
    beside = sorted(path.name for path in scenario.home.iterdir())
    wanted = ["a", "b", "model"] + [new.name] * (status == DONE)
    demand(beside == sorted(wanted), f"left {beside} beside the model")
    if status == DONE:
        demand(own_files(read_tree(new)) == own_files(scenario.goal), "the new model is another")


def main():
    program = sys.argv[1]
    source = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    losses = []
    for i in range(RUNS):
        verb = ("merge", "unmerge", "swap", "merge")[i % 4]
        with tempfile.TemporaryDirectory(prefix="revlora-interrupted-") as folder:
            home = pathlib.Path(folder)
            scenario = Scenario(program, home, verb, shards=SHARDS, size=WIDTH)
            new = home / "new" if i % 4 == 3 else None
            scenario.put_back()
            begin = time.monotonic()
            scenario.demand_done(*scenario.command())
            whole = time.monotonic() - begin
            scenario.put_back()
            by = source.choice([signal.SIGINT, signal.SIGTERM])
            moment = source.random() * whole
            status = interrupted(scenario, moment, by, ["--out", new] if new else [])
            try:
                check(scenario, status, by, new)
            except Lost as reason:
                losses.append((f"{verb} after {moment:.4f} of {whole:.4f} s", reason))
    finish("interrupted", RUNS, losses)


reported(main)
