"""file_systems.py PROGRAM LIBRARY: file systems on which something is not to be had at all, as on
shared folders of virtual machines, CIFS, vfat or FUSE. Everything goes on, with one word of it."""

import pathlib
import sys
import tempfile

from disturbed import (DONE, Lost, Scenario, demand, finish, is_hidden, own_files, read_tree,
                       reported)

# What is refused: kind of call, by which error, and how often the user hears of it.
REFUSED = [("sync_folder", "EINVAL", 1), ("sync_folder", "EOPNOTSUPP", 1),
           ("sync_folder", "ENOSYS", 1), ("rename_with_flags", "ENOSYS", 0),
           ("rename_with_flags", "EINVAL", 0), ("lock", "ENOLCK", 1), ("lock", "ENOSYS", 1),
           ("lock", "EOPNOTSUPP", 1), ("permit", "EPERM", 1), ("clone", "EOPNOTSUPP", 0),
           ("copy", "EINVAL", 0), ("copy", "ENOSYS", 0), ("link", "EPERM", 0)]


def demand_done(done, kind, notes):
    demand(done.returncode == DONE, f"{done.returncode}: {done.stderr.strip()}")
    said = [line for line in done.stderr.splitlines() if line.strip()]
    demand(len(said) <= notes, f"{len(said)} lines about {kind}: {done.stderr.strip()}")


def go_through(scenario, library, kind, error, notes):
    without = {
        "LD_PRELOAD": library, "REVLORA_FAULT_KIND": kind, "REVLORA_FAULT": error,
        "REVLORA_FAULT_NUMBER": "1", "REVLORA_FAULT_LASTING": "1"}
    scenario.put_back()
    if kind == "permit":  # where it is refused, all files have the same permissions
        for path in [scenario.model, *scenario.model.iterdir()]:
            path.chmod(0o700 if path.is_dir() else 0o600)
    demand_done(scenario.run(*scenario.command(), **without), kind, notes)
    demand(scenario.is_at("goal", read_tree(scenario.model)), "not merged")
    demand_done(scenario.run("unmerge", scenario.model, **without), kind, notes)
    tree = read_tree(scenario.model)
    demand(scenario.is_at("base", tree), "the base is not back")
    demand(not any(map(is_hidden, tree)), f"left behind {sorted(filter(is_hidden, tree))}")
    new = scenario.home / f"new-{kind}-{error}"
    demand_done(scenario.run(*scenario.command(), "--out", new, **without), kind, notes)
    demand(own_files(read_tree(new)) == own_files(scenario.goal), "the new model is another")


def main():
    program, library = sys.argv[1:]
    losses = []
    with tempfile.TemporaryDirectory(prefix="revlora-file-systems-") as folder:
        scenario = Scenario(program, pathlib.Path(folder), "merge")
        for kind, error, notes in REFUSED:
            try:
                go_through(scenario, library, kind, error, notes)
            except Lost as reason:
                losses.append((f"{kind} refused by {error}", reason))
    finish("file systems", len(REFUSED), losses)


reported(main)
