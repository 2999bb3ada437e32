"""The exercise that writes the words which start a module as a script."""

import copy
import pathlib
import re
import sys
from typing import Any

from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.tasks.scripts.numbers import numbers

EXECUTABLE = sys.executable
"""Read before any answer runs."""


class LaunchCommand(Task):
    """Return the list of words for subprocess.run that starts module as a script: sys.executable,
    -u, -m, the module, and its options. options is a dict: lr=0.1 becomes --lr with the value 0.1;
    a _ in a name becomes -. True is a switch without a value; False and None are left out. A list
    is given as one option with a word for each of its values, which are ints. Any other value, 0, 1
    and a path too, is given as Python's str() writes it, and a text may begin with -. Leave options
    as it is."""

    id = "launch_command"
    signatures = ("launch_command(module, options) -> words",)
    title, points, difficulty, minutes = "Spot the bug: No module named --lr", 6, 3, 12
    prerequisites = ("build_parser",)
    hints = (
        "Read the section on python -m. Python's own options stand before the script's, and "
        "between the two stands one word.",
        "Print ' '.join(words) and read it aloud. Then put `is` where you compare with True and "
        "False: 1 == True, and 0 == False.",
        "Collect the words of the options in a list of their own, and put it at the end. A value "
        "that begins with - stays with its option in one word: --tag=-fast.",
    )
    CASES = (
        case("two numbers", kind="numbers", visible=True),
        case("a name with _", kind="underscores", visible=True),
        case("a name that begins with _", kind="_ in front"),
        case("a name that ends with _", kind="_ behind"),
        case("two _ side by side", kind="__"),
        case("a path", kind="path"),
        case("switches", kind="switches", visible=True),
        case("None", kind="None", visible=True),
        case("a list", kind="list", visible=True),
        case("no options", kind="none"),
        case("0 and 1", kind="0 and 1"),
        case("a text with spaces", kind="spaces", visible=True),
        case("a text with spaces around it", kind="padded"),
        case("an empty text", kind="empty"),
        case("a text that begins with -", kind="dash"),
        case("below zero", kind="negative"),
        case("a number that is very small", kind="small"),
        case("names of one letter, and with capitals", kind="letters"),
        case("a list that holds 0, a number twice, and one below 0", kind="few"),
        case("texts that are called like values", kind="words"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n = numbers(rng)
        lr = float(str(n["f"]))
        options: dict[str, dict[str, Any]] = {
            "numbers": {"lr": lr, "epochs": n["i"]},
            "underscores": {"data_dir": f"run_{n['i']}", "num_workers_max": n["j"]},
            "_ in front": {"_steps": n["i"]},
            "_ behind": {"lambda_": lr},
            "__": {"lr__max": lr, "epochs": n["j"]},
            "path": {"resume": f"runs/{n['i']}.pt", "epochs": n["j"]},
            "switches": {"amp": True, "epochs": n["i"], "shuffle": False},
            "None": {"resume": None, "epochs": n["j"]},
            "list": {"sizes": [n["d"], n["e"], n["i"]], "lr": lr},  # in no order but its own
            "none": {},
            "0 and 1": {"workers": 0, "epochs": 1, "decay": 0.0, "lr": 1.0},
            "spaces": {"note": f"it's run {n['i']}", "lr": lr},
            "padded": {"note": f"  run {n['i']} ", "epochs": n["j"]},
            "empty": {"note": "", "epochs": n["i"]},
            "dash": {"tag": f"-fast{n['i']}", "epochs": n["j"]},
            "negative": {"shift": -lr, "seed": -int(str(n["i"]))},
            "small": {"eps": lr * 1e-8, "epochs": n["j"]},
            "letters": {"k": n["i"], "D_model": n["j"]},
            "few": {"sizes": [1, 0, 1, -int(str(n["i"]))]},
            "words": {"amp": "True", "shuffle": "False", "resume": "None", "epochs": n["i"]},
        }
        return {"module": f"lab_{n['d']}.train", "options": options[case["kind"]]}

    def observe(self, launch_command, module, options, kind):
        if kind == "path":
            options["resume"] = pathlib.PurePosixPath(options["resume"])
        given = copy.deepcopy(options)
        words = launch_command(module, options)
        kept = {"options are as they were": options == given}
        if not isinstance(words, list | tuple):
            return {"words": "one text" if isinstance(words, str) else words, **kept}
        texts = {"all words are texts": all(isinstance(word, str) for word in words)}
        return {**texts, **as_python_reads([str(word) for word in words], given), **kept}


def as_python_reads(words: list[str], options: dict[str, Any]) -> dict[str, Any]:
    """What the words start: the program, Python's own options, the module, and what a script that
    knows the options reads."""
    program, rest = words[:1], words[1:]
    own: list[str] = []
    while rest and rest[0].startswith("-") and rest[0] != "--" and not _WITH_M.fullmatch(rest[0]):
        own.append(rest.pop(0))
    if rest and (joined := _WITH_M.fullmatch(rest[0])):  # -m, and also -um, -mlab.train
        rest.pop(0)
        letters, module = joined.groups()
        own += [f"-{letters}"] if letters else []
        rest = [module, *rest] if module else rest
        started = f"module {rest.pop(0)}" if rest else "-m, and no module"
    else:
        started = f"file {rest.pop(0)}" if rest else "nothing"
    return {
        "program": ["sys.executable" if word == EXECUTABLE else word for word in program],
        "Python's own options": own,
        "what is started": started,
        "what the script reads": read(rest, options),
    }


def read(words: list[str], options: dict[str, Any]) -> str:
    """The options as a script reads them that has one of each, or why it refuses them.

    The rules are argparse's, written out: an answer runs in this process, and could change it.
    """
    flags = {f"--{name.replace('_', '-')}": name for name in options}
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        flag, joined, text = word.partition("=")
        if flag not in flags:
            return f"refused: unrecognized argument {flag!r}"
        name = flags[flag]
        values = [text] if joined else _values(rest, options[name], flags)
        if not _is_fitting(values, options[name]):
            return f"refused: {flag} with {values or 'no value'}"
        found[name] = " ".join(map(repr, values)) or "given"
    return ", ".join(f"{name}: {said}" for name, said in sorted(found.items())) or "no options"


def _values(rest: list[str], value: Any, flags: dict[str, str]) -> list[str]:
    """Take the values of one option off the words that follow it."""
    most = 0 if value is None or isinstance(value, bool) else len(rest)
    most = most if isinstance(value, list) else min(most, 1)
    taken: list[str] = []
    while rest and len(taken) < most and not _is_option(rest[0], flags):
        taken.append(rest.pop(0))
    return taken


def _is_fitting(values: list[str], value: Any) -> bool:
    if isinstance(value, list):
        return bool(values) and all(_WHOLE.fullmatch(one) for one in values)
    return len(values) == (0 if value is None or isinstance(value, bool) else 1)


_WITH_M = re.compile(r"-([A-Za-ln-z]*)m(.*)")
_WHOLE = re.compile(r"-?\d+")
_BELOW_ZERO = re.compile(r"-\d+|-\d*\.\d+")


def _is_option(word: str, flags: dict[str, str]) -> bool:
    """Whether a word is taken for an option: it begins with -, and is neither a number below zero
    nor a text with a space in it."""
    if word.partition("=")[0] in flags:
        return True
    plain = len(word) < 2 or " " in word or _BELOW_ZERO.fullmatch(word)
    return word.startswith("-") and not plain
