"""at_random_moments.py PROGRAM [KILLS [SEED]]: merges, unmerges and swaps of a model that takes a
tenth of a second are killed at moments that a seed chooses, and nothing may be lost."""

import pathlib
import random
import subprocess
import sys
import tempfile
import time

from disturbed import Lost, Scenario, finish, is_killed, read_tree, reported

SHARDS, WIDTH = 4, 768  # 9 MB of weights


def seconds_of(scenario):
    found = []
    for _ in range(3):
        scenario.put_back()
        begin = time.monotonic()
        scenario.demand_done(*scenario.command())
        found.append(time.monotonic() - begin)
    return sorted(found)[1]


def killed_after(scenario, seconds):
    command = [scenario.program, *map(str, scenario.command())]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        process.kill()
        _, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, "", errors)


def check(scenario, done, goes_on):
    tree = read_tree(scenario.model)
    if is_killed(done):
        scenario.stages_of(tree)
    else:  # it was faster
        scenario.demand_true_status(done, tree, may_be_partial=False)
    scenario.demand_true_verdict(tree)
    if goes_on:
        scenario.demand_way_on(tree)
    else:
        scenario.demand_way_back(tree)


def main():
    program = sys.argv[1]
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    source = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    losses, struck = [], 0
    with tempfile.TemporaryDirectory(prefix="revlora-kills-") as folder:
        scenarios = [
            Scenario(program,
                     pathlib.Path(folder) / verb, verb, shards=SHARDS, size=WIDTH)
            for verb in ("merge", "unmerge", "swap")]
        seconds = [seconds_of(scenario) for scenario in scenarios]
        for i in range(kills):
            scenario, whole = scenarios[i % 3], seconds[i % 3]
            moment = source.random() * whole
            scenario.put_back()
            done = killed_after(scenario, moment)
            struck += is_killed(done)
            try:
                check(scenario, done, goes_on=source.random() < 0.5)
            except Lost as reason:
                losses.append(
                    (f"{scenario.verb} killed after {moment:.4f} of {whole:.4f} s", reason))
    print(f"{struck} of {kills} were killed before their end")
    finish("kills", kills, losses)


reported(main)
