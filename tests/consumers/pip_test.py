"""README's section "From Python" in an empty virtual environment.

Commands are the blocks marked `sh`, programs the blocks marked `python` up to the first that needs
another package; both run in the order in which they stand there, beside the checkout as `revlora`.
usage: pip_test.py REVLORA FOLDER
"""
import pathlib
import re
import shutil
import subprocess
import sys
import venv

revlora, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
section = re.search(r"^## From Python$.*?(?=^## |\Z)", (revlora / "README.md").read_text("utf-8"),
                    re.MULTILINE | re.DOTALL)
blocks = re.findall(r"^```(sh|python)\n(.*?)^```$", section[0], re.MULTILINE | re.DOTALL)

shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
(folder / "revlora").symlink_to(revlora)
venv.create(folder / "environment", with_pip=True)
path = f"PATH={folder / 'environment' / 'bin'}:$PATH"


def run(command):
    print(command, flush=True)
    done = subprocess.run(["sh", "-e", "-c", f"{path}; {command}"], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout, flush=True)
    if "No matching distribution found for" in done.stdout:
        sys.exit("skipped: pip finds no package index")
    if done.returncode != 0:
        sys.exit(f"it returned {done.returncode}")
    return done.stdout


answers = []
for language, text in blocks:
    if language == "sh":
        answers.append(run(text))
    elif not re.search(r"^import (torch|numpy)|peft", text, re.MULTILINE):
        (folder / "program.py").write_text(text, "utf-8")
        answers.append(run("python program.py"))
if not any("every bit is back: True" in each for each in answers):
    sys.exit("no program brought every bit back")
run("python -c 'import revlora, pathlib; assert \"environment\" in revlora.__file__'")
