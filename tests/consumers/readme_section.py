"""What README's sections say is to be run, and where."""
import re
import shutil


def blocks_of(revlora, title):
    """The section's code, as pairs of a language and a text, in the order in which they stand there."""
    section = re.search(rf"^## {title}$.*?(?=^## |\Z)", (revlora / "README.md").read_text("utf-8"),
                        re.MULTILINE | re.DOTALL)
    return re.findall(r"^```(\w+)\n(.*?)^```$", section[0], re.MULTILINE | re.DOTALL)


def lay_out(revlora, folder):
    """An empty folder with the checkout as `revlora` in it, as README supposes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "revlora").symlink_to(revlora)
