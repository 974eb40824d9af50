"""at_every_call.py PROGRAM LIBRARY SCENARIO: merge, unmerge, swap or grow. Each call of the command
that writes is disturbed once in each way, and nothing may be lost."""

import pathlib
import sys
import tempfile

from disturbed import DONE, Lost, Scenario, demand, finish, is_killed, read_tree, reported

KILLS = ["killed_before", "killed_after"]
# Of each kind of call what may happen to it.
FAULTS = {
    "write": ["ENOSPC", "EIO", "EINTR", "short",
              *KILLS], "copy": ["ENOSPC", "EIO", "EINVAL", "EINTR", "short",
                                *KILLS], "clone": ["EOPNOTSUPP", "EINVAL", "EIO", *KILLS],
    "rename": ["EIO", "ENOSPC", *KILLS], "link": ["EIO", "ENOSPC", *KILLS],
    "sync": ["EIO", "ENOSPC", *KILLS], "sync_folder": ["EIO", "EINVAL",
                                                       *KILLS], "create": ["ENOSPC", "EIO", *KILLS],
    "mkdir": ["ENOSPC", "EIO", *KILLS], "truncate": ["ENOSPC", "EIO",
                                                     *KILLS], "remove": ["EIO", *KILLS]}
# What is no error: the call is repeated, or done otherwise.
HARMLESS = {("write", "EINTR"), ("write", "short"), ("copy", "EINTR"), ("copy", "short"),
            ("copy", "EINVAL"), ("clone", "EOPNOTSUPP"), ("clone", "EINVAL"),
            ("sync_folder", "EINVAL"), ("rename_with_flags", "EINVAL")}
# A disk that is full stays so, and may be in the way of the way back.
LASTING = [("write", "ENOSPC"), ("copy", "ENOSPC"), ("create", "ENOSPC"), ("sync", "EIO")]


class EveryCall:

    def __init__(self, program, library, home, verb, grows):
        self.scenario = Scenario(program, home, verb, grows=grows)
        self.library, self.told = library, home / "told"
        self.count, self.losses, self.known = 0, [], set()

    def disturbed(self, kind, fault, number, lasting):
        self.scenario.put_back()
        self.told.unlink(missing_ok=True)
        wanted = {
            "LD_PRELOAD": self.library, "REVLORA_FAULT_KIND": kind, "REVLORA_FAULT": fault,
            "REVLORA_FAULT_NUMBER": str(number), "REVLORA_FAULT_TOLD": str(self.told)}
        if lasting:
            wanted["REVLORA_FAULT_LASTING"] = "1"
        return self.scenario.run(*self.scenario.command(), **wanted)

    def disturb(self, *fault):
        """Whether there was such a call."""
        done = self.disturbed(*fault)
        if not self.told.exists():
            demand(done.returncode == DONE, f"undisturbed: {done.returncode}: {done.stderr}")
            return False
        self.count += 1
        try:
            self.check(done, *fault)
        except Lost as reason:
            kind, name, number, lasting = fault
            title = f"{kind} {number} {name}{' and all after it' if lasting else ''}"
            self.losses.append((title, f"{reason}\n    it said: {done.stderr.strip()}"))
        return True

    def check(self, done, kind, fault, number, lasting):
        scenario = self.scenario
        tree = read_tree(scenario.model)
        if fault.startswith("killed"):
            demand(is_killed(done), f"not killed but {done.returncode}")
            scenario.stages_of(tree)
        else:
            scenario.demand_true_status(done, tree, may_be_partial=lasting)
            if (kind, fault) in HARMLESS:
                demand(done.returncode == DONE, f"must go on, and ended with {done.returncode}")
            elif kind == "sync":
                demand(done.returncode != DONE, "as if the sync had not failed")
        key = hash(tuple(tree.items()))
        if key in self.known:
            return
        self.known.add(key)
        scenario.demand_true_verdict(tree)
        scenario.demand_way_on(tree)
        # Not from a copy: undo files know the files that they are of.
        self.disturbed(kind, fault, number, lasting)
        scenario.demand_way_back(read_tree(scenario.model))

    def run(self):
        for kind, faults in FAULTS.items():
            for fault in faults:
                number = 1
                while self.disturb(kind, fault, number, False):
                    number += 1
        for kind, fault in LASTING:
            number = 1
            while self.disturb(kind, fault, number, True):
                number += 1


def main():
    program, library, name = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="revlora-faults-") as folder:
        verb = "merge" if name == "grow" else name
        every = EveryCall(program, library, pathlib.Path(folder), verb, name == "grow")
        every.run()
    finish(name, every.count, every.losses)


reported(main)
