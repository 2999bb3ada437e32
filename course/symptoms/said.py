"""What torch says, word for word, by the code of the explanation: what a reader searches for.

The texts are those of torch 2.13, in `said.toml`, each shortened to its first sentences. Other
versions differ in a word here and there.
"""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path

FILE = Path(__file__).with_name("said.toml")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")
_WORKER = re.compile(r"^Caught .*\n(\w+: [^\n]+)\n*$", re.DOTALL)
"""The error of a DataLoader's worker is a traceback; what went wrong stands in its last line."""
_PLACE = re.compile(r"\s*\(Triggered internally at [^)]*\)")
_SET = re.compile(r"\{('\w+'(?:, '\w+')+)\}")
"""A set of words, which Python prints in another order in each process."""
_LONGEST = 700
LEFT_OUT = "…"


def shortened(type_name: str, text: str) -> str:
    """An error as a traceback's last line begins: `RuntimeError: ...`, its first sentences."""
    worker = _WORKER.match(text)
    begins = text.partition("\n")[0] if worker else text
    line = f"{type_name}: {begins}" + (f" {LEFT_OUT} {worker[1]}" if worker else "")
    line = _SET.sub(lambda found: f"{{{', '.join(sorted(found[1].split(', ')))}}}", line)
    words = " ".join(_PLACE.sub("", _TERMINAL.sub("", line)).split()).partition(' File "')[0]
    if len(words) <= _LONGEST:
        return words
    cut = words[:_LONGEST].rpartition(". ")[0]
    return f"{cut}." if cut else words[:_LONGEST].rpartition(" ")[0] + f" {LEFT_OUT}"


@functools.cache
def said() -> dict[str, list[str]]:
    """The texts of every error and warning that a learner meets, by code."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
