"""README's section "Use it" works as it is written, in an empty folder.

Files are the blocks whose first line is a comment with their name, commands are the blocks marked
`sh`, in the order in which they stand there. usage: readme_test.py REVLORA FOLDER
"""
import pathlib
import re
import subprocess
import sys

from readme_section import blocks_of, lay_out

revlora, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
lay_out(revlora, folder)
answers = 0
for language, text in blocks_of(revlora, "Use it"):
    name = re.match(r"(?://|#) (\S+\.\w+)\n", text)
    if name:
        (folder / name[1]).write_text(text, "utf-8")
    elif language == "sh":
        print(text, flush=True)
        output = subprocess.run(["sh", "-e", "-c", text], cwd=folder, check=True, text=True,
                                stdout=subprocess.PIPE).stdout
        print(output, flush=True)
        answers += output.count("merged: yes") * output.count("every bit is back: yes")

if answers != 2:
    sys.exit(f"{answers} of 2 programs merged and brought every bit back")
if not (folder / "installed/include/revlora/revlora.hpp").exists():
    sys.exit("nothing was installed")
