"""README's section "From Python" in an empty virtual environment.

Commands are the blocks marked `sh`, programs the blocks marked `python`, but for those that need
another package; they run in the order in which they stand there, beside the checkout as `revlora`.
usage: pip_test.py REVLORA FOLDER
"""
import pathlib
import re
import subprocess
import sys
import venv

from readme_section import blocks_of, lay_out

revlora, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
lay_out(revlora, folder)
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
for language, text in blocks_of(revlora, "From Python"):
    if language == "sh":
        answers.append(run(text))
    elif language == "python" and not re.search(r"^import (torch|numpy)|peft", text, re.MULTILINE):
        (folder / "program.py").write_text(text, "utf-8")
        answers.append(run("python program.py"))
if not any("every bit is back: True" in each for each in answers):
    sys.exit("no program brought every bit back")
run("python -c 'import revlora; assert \"environment\" in revlora.__file__'")
