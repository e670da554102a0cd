"""What the documentation has a volunteer type: the lines of its ```console blocks, in order."""

import re


class Docs:
    """The lines, each of which has to be typed or named, in the order in which they stand."""

    def __init__(self, path):
        self.text = path.read_text()
        blocks = re.findall(r"^```console\n(.*?)^```$", self.text, re.M | re.S)
        self.lines = [line for block in blocks for line in block.splitlines() if line.strip()]
        self.at = 0

    def next(self, line):
        """The next line, which has to be this one."""
        there = self.lines[self.at] if self.at < len(self.lines) else "(nothing more)"
        if there != line:
            raise AssertionError(f"the documentation and this script have parted. It says:\n    {there}\nand this script types:\n    {line}")
        self.at += 1

    def all_done(self):
        if left := self.lines[self.at :]:
            raise AssertionError("nobody typed these lines of the documentation, nor said why not:\n    " + "\n    ".join(left))

    def block(self, language, word):
        """The one block in another language that holds a word."""
        [block] = [b for b in re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.M | re.S) if word in b]
        return block
