"""Reference and mistakes of the exercise that writes the words which start a module."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grader.trusted.families.changes import each
from grader.trusted.families.pairs import every_two
from grader.trusted.key import Key

Options = dict[str, Any]


@dataclass(frozen=True)
class _Command:
    """How the words are written; every field says which of several ways."""

    program: str = "this"
    unbuffered: bool = True
    order: str = "module first"
    names: str = "dashes"
    values: str = "as they are"
    true: str = "switch"
    false: str = "left out"
    none: str = "left out"
    lists: str = "words"
    joined: str = "where needed"
    quoted: str = "no"
    empty: str = "given"
    number: Callable[[Any], str] = str


_TAKEN_OFF: dict[str, Callable[[str], str]] = {
    "without _ in front": lambda name: name.lstrip("_"),
    "without _ behind": lambda name: name.rstrip("_"),
    "without _ around": lambda name: name.strip("_"),
    "_ once": lambda name: re.sub("_+", "_", name),
    "_ between letters": lambda name: re.sub("_+", "_", name.strip("_")),
}
"""What may become of the _ in a name before they are made dashes."""


def _words(change: _Command, module: str, options: Options) -> list[str]:
    given: list[str] = []
    for name, value in options.items():
        name = _TAKEN_OFF.get(change.names, str)(name)
        dashes = {"as they are": 0, "one dash in each": 1}.get(change.names, -1)
        flag = f"--{name.replace('_', '-', dashes)}"
        flag = flag.removeprefix({"bare": "--", "one dash": "-"}.get(change.names, ""))
        if change.names == "one dash for a letter" and len(name) == 1:
            flag = f"-{name}"
        flag = flag.lower() if change.names == "small" else flag
        given += _option(change, flag, name, value)
    program = sys.executable if change.program == "this" else change.program
    start = [program, "-u", "-m"] if change.unbuffered else [program, "-m"]
    if change.order == "options first":
        return [*start, *given, module]
    if change.order == "no -m":
        return [*start[:-1], module, *given]
    if change.order == "a file":
        return [*start[:-1], f"{module.replace('.', '/')}.py", *given]
    if change.order == "-u after the module":
        return [program, "-m", module, "-u", *given]
    return [*start, module, *given]


def _option(change: _Command, flag: str, name: str, value: Any) -> list[str]:
    if _is(value, True, change.true):
        return {"a value": [flag, "True"], "joined": [f"{flag}=True"]}.get(change.true, [flag])
    if _is(value, False, change.false):
        off = flag.replace("--", "--no-", 1)
        ways = {"a value": [flag, "False"], "joined": [f"{flag}=False"], "no-": [off]}
        return {**ways, "switch": [flag]}.get(change.false, [])
    if value is None or (change.none == "by text" and value == "None"):
        ways = {"a value": [flag, "None"], "joined": [f"{flag}=None"], "switch": [flag]}
        return ways.get(change.none, [])
    if isinstance(value, list):
        return _list(change, flag, [str(one) for one in value])
    if value == "" and change.empty == "left out":
        return []
    quote = {"for a shell": shlex.quote, "double": '"{}"'.format}.get(change.quoted, str)
    written = change.number(value) if isinstance(value, float) else str(value)
    text = repr(value) if change.quoted == "repr" else quote(written)
    text = text.replace("_", "-") if change.values == "dashes" else text
    if change.joined == "one word":
        return [f"{flag} {text}"]
    apart = change.joined == "never" or (change.joined != "always" and not text.startswith("-"))
    return [flag, text] if apart else [f"{flag}={text}"]


def _is(value: Any, truth: bool, how: str) -> bool:
    """Whether a value is taken for a truth value: by `is`, by ==, as a text, or because it is
    empty."""
    if how == "by text":
        return str(value) == str(truth)
    if how == "by ==":
        return bool(value == truth)
    if how == "by truth":
        return value is not None and bool(value) is truth and not isinstance(value, list)
    return value is truth


def _list(change: _Command, flag: str, texts: list[str]) -> list[str]:
    ways = {
        "words": [flag, *texts],
        "one text": [flag, f"[{', '.join(texts)}]"],
        "commas": [flag, ",".join(texts)],
        "repeated": [word for text in texts for word in (flag, text)],
        "first": [flag, *texts[:1]],
        "joined": [f"{flag}={text}" if i == 0 else text for i, text in enumerate(texts)],
        "spaces": [flag, " ".join(texts)],
        "without 0": [flag, *(text for text in texts if text != "0")],
        "each once": [flag, *dict.fromkeys(texts)],
    }
    return ways[change.lists]


_ROUNDED: dict[str, Callable[[Any], str]] = {
    **{f"of_{n}_places": lambda v, n=n: str(round(v, n)) for n in (2, 8)},
    **{f"fixed_at_{n}": lambda v, n=n: f"{v:.{n}f}" for n in (2, 3, 4, 6, 8)},
    **{f"of_{n}_digits": lambda v, n=n: f"{v:.{n}g}" for n in (2, 6)},
    **{f"scientific_{n}": lambda v, n=n: f"{v:.{n}e}" for n in (0, 1, 2, 6)},
}
"""Ways to write a float that lose digits of it."""

_CHANGES: dict[str, tuple[_Command, str]] = {
    "options_before_the_module": (
        _Command(order="options first"),
        "You wrote the options between -m and the module. The word after -m is the module, so "
        'Python looks for one that is called "--lr". What follows the module is the script\'s.',
    ),
    "m_left_out": (
        _Command(order="no -m"),
        "You left out -m. Without it Python takes the word for a file's name.",
    ),
    "started_as_a_file": (
        _Command(order="a file"),
        "You started a file, and a module is asked for: -m and its name with points. Started as a "
        "file, it knows of no package, and `from .sizes import HIDDEN` fails in it.",
    ),
    "u_left_out": (
        _Command(unbuffered=False),
        "You left out -u, which makes Python write each print at once, also into a file.",
    ),
    "u_after_the_module": (
        _Command(order="-u after the module"),
        "You wrote -u after the module. What follows the module is the script's: Python's own "
        "options stand before -m.",
    ),
    "python_by_name": (
        _Command(program="python"),
        'You start "python", which may be another one than this, with other packages, or none. '
        "Start sys.executable.",
    ),
    "python3_by_name": (
        _Command(program="python3"),
        'You start "python3", which may be another one than this, with other packages. Start '
        "sys.executable.",
    ),
    "underscores_kept": (
        _Command(names="as they are"),
        "You kept the _ in a name. The option is called --data-dir, and data_dir is what the "
        "namespace calls it.",
    ),
    "first_underscore_alone": (
        _Command(names="one dash in each"),
        "You made a - of the first _ in a name, and left the others. Each of them becomes one.",
    ),
    **{
        f"names_{way.replace(' ', '_')}": (
            _Command(names=way),
            "You left out some _ of a name, at its ends or where several stand side by side. Each "
            "of them becomes a -.",
        )
        for way in _TAKEN_OFF
    },
    "dashes_in_values": (
        _Command(values="dashes"),
        "You wrote - for every _, in values as well. The name alone changes: a value arrives as it "
        "is.",
    ),
    "no_dashes_before_names": (
        _Command(names="bare"),
        "You wrote the names without --. Without it a word is a positional argument.",
    ),
    "true_as_a_value": (
        _Command(true="a value"),
        "You gave a switch the value True. A switch takes none: its name alone says it.",
    ),
    "true_as_a_joined_value": (
        _Command(true="joined"),
        "You gave a switch the value True. A switch takes none: its name alone says it.",
    ),
    "false_as_a_joined_value": (
        _Command(false="joined"),
        "You gave a switch the value False. A switch that is off is left out.",
    ),
    "none_as_a_joined_value": (
        _Command(none="joined"),
        "You gave an option that is None the word None. Leave it out, so that the script uses its "
        "default.",
    ),
    "one_dash": (
        _Command(names="one dash"),
        "You wrote one dash before a name. A name of several letters has two: --lr.",
    ),
    "false_as_a_value": (
        _Command(false="a value"),
        "You gave a switch the value False. A switch that is off is left out.",
    ),
    "false_as_a_switch": (
        _Command(false="switch"),
        "You wrote the name of an option that is False, which switches it on. Leave it out.",
    ),
    "false_as_no": (
        _Command(false="no-"),
        "You wrote --no- and a name for False. That exists where the script uses "
        "BooleanOptionalAction. The task leaves it out.",
    ),
    "none_as_a_value": (
        _Command(none="a value"),
        "You gave an option that is None the word None. Leave it out, so that the script uses its "
        "default.",
    ),
    "none_as_a_switch": (
        _Command(none="switch"),
        "You wrote the name of an option that is None. Leave it out, so that the script uses its "
        "default.",
    ),
    "one_taken_for_true": (
        _Command(true="by =="),
        "You took 1 for True: 1 == True. Its value is lost. Ask `value is True`, and `value is "
        "False` likewise.",
    ),
    "nonzero_taken_for_true": (
        _Command(true="by truth"),
        "You took every value that is not 0 and not empty for a switch. Ask `value is True`.",
    ),
    "zero_taken_for_false": (
        _Command(false="by =="),
        "You left out an option whose value is 0: 0 == False. Ask `value is False`.",
    ),
    "empty_taken_for_false": (
        _Command(false="by truth"),
        "You left out options whose value is 0 or an empty text: `if value` asks for more than "
        "True. Ask `value is False or value is None`.",
    ),
    "list_as_one_text": (
        _Command(lists="one text"),
        "You gave a list as one word, with its brackets. Each value is a word of its own.",
    ),
    "list_with_commas": (
        _Command(lists="commas"),
        "You gave a list as one word with commas. Each value is a word of its own.",
    ),
    "list_with_spaces": (
        _Command(lists="spaces"),
        "You gave a list as one word that holds spaces. No shell takes it apart: each value is a "
        "word of its own.",
    ),
    "option_repeated": (
        _Command(lists="repeated"),
        "You repeated the option for every value of a list. The last one replaces those before: "
        "write the name once, and the values after it.",
    ),
    "zeros_of_a_list_left_out": (
        _Command(lists="without 0"),
        "You left the 0 of a list out: 0 is false, and a value like any other. Each is a word.",
    ),
    "each_of_a_list_once": (
        _Command(lists="each once"),
        "A number that stands twice in a list is in your words once, as a set or a dict keeps it. "
        "Write each value of the list, as often as it stands there.",
    ),
    "true_by_its_text": (
        _Command(true="by text"),
        'You took the text "True" for True. A text is a value: ask `value is True`.',
    ),
    "false_by_its_text": (
        _Command(false="by text"),
        'You took the text "False" for False. A text is a value: ask `value is False`.',
    ),
    "none_by_its_text": (
        _Command(none="by text"),
        'You took the text "None" for None. A text is a value: ask `value is None`.',
    ),
    "one_dash_for_a_letter": (
        _Command(names="one dash for a letter"),
        "You wrote one dash before a name of one letter. Every name has two here: --k.",
    ),
    "names_in_small_letters": (
        _Command(names="small"),
        "You made the letters of a name small. In a name _ becomes -, and nothing else changes.",
    ),
    **{
        f"numbers_{name}": (
            _Command(number=written),
            "You rounded a number, or wrote it in a format of your own. str() writes all of its "
            'digits, also of one that is very small: str(value), or f"{value}".',
        )
        for name, written in _ROUNDED.items()
    },
    "first_of_a_list": (
        _Command(lists="first"),
        "You gave the first value of a list alone. Each is a word of its own.",
    ),
    "first_of_a_list_joined": (
        _Command(lists="joined"),
        "You joined the first value of a list to its name by =. Then the option takes that one "
        "value, and the others belong to nothing: --sizes alone, and each value behind it.",
    ),
    "dash_taken_for_an_option": (
        _Command(joined="never"),
        "A text that begins with - stands by itself, and the script takes it for an option. Join "
        "it to its name: --tag=-fast.",
    ),
    "name_and_value_in_one_word": (
        _Command(joined="one word"),
        "You wrote name and value into one word with a space between. No shell takes it apart: "
        "they are two words, or one with =.",
    ),
    "quoted_for_a_shell": (
        _Command(quoted="for a shell"),
        "You put quotes around a text. subprocess.run hands words over as they are, without a "
        "shell, and the quotes become part of the value.",
    ),
    "quoted_always": (
        _Command(quoted="double"),
        "You put quotes around every value. subprocess.run hands words over as they are, without a "
        "shell, and the quotes become part of the value.",
    ),
    "repr_for_str": (
        _Command(quoted="repr"),
        "You wrote repr(value), or !r, which puts quotes around a text: they become part of the "
        "value. Write str(value).",
    ),
    "empty_text_left_out": (
        _Command(empty="left out"),
        "You left out an option whose value is an empty text. It is a value like any other: False "
        "and None alone are left out.",
    ),
}


class LaunchCommandKey(Key, task="launch_command"):
    families = each(_words, _CHANGES)
    pairs = tuple(
        every_two(
            _words,
            {
                n: c
                for n, c in _CHANGES.items()
                if not n.startswith("numbers_") and "joined" not in n
            },
        )
    )

    def reference(module: str, options: Options) -> list[str]:
        return _words(_Command(joined="always"), module, options)

    def as_it_was(module, options):
        """This is the command as it was. The word after -m is the module, so Python looks for one
        that is called like your first option: put the options after it. Then a _ in a name becomes
        -, True is a switch, False and None are left out, a list has a word for each value, and a
        text that begins with - stays in one word with its name."""
        words = [sys.executable, "-u", "-m"]
        for name, value in options.items():
            words += [f"--{name}", str(value)]
        return [*words, module]

    def joined_options_before_the_module(module, options):
        """Your options stand between -m and the module, so Python looks for a module that is called
        like the first of them. Put the module right behind -m, and the options after it."""
        command = LaunchCommandKey.reference(module, options)
        return [*command[:3], *command[4:], module]

    def module_moved_alone(module, options):
        """The module stands in its place. What is left: a _ in a name becomes -, True is a switch,
        False and None are left out, a list has a word for each value, and a text that begins with -
        stays in one word with its name."""
        words = [sys.executable, "-u", "-m", module]
        for name, value in options.items():
            words += [f"--{name}", str(value)]
        return words

    def numbers_not_made_texts(module, options):
        """Some of your words are numbers, and subprocess.run takes texts alone: str(value)."""
        words = [sys.executable, "-u", "-m", module]
        for name, value in options.items():
            flag = f"--{name.replace('_', '-')}"
            if value is True:
                words.append(flag)
            elif isinstance(value, list):
                words += [flag, *value]
            elif value is not False and value is not None:
                dash = str(value).startswith("-") and isinstance(value, str)
                words += [f"{flag}={value}"] if dash else [flag, value]
        return words

    def split_at_spaces(module, options):
        """You put the words into one text and split it at spaces again. A value that holds a space
        comes apart there: keep the list."""
        return " ".join(LaunchCommandKey.reference(module, options)).split()

    def options_changed(module, options):
        """Your words are right, and the dict is another one than before: you took options out, put
        some in, or replaced values. It belongs to the caller: go through options.items()."""
        words = LaunchCommandKey.reference(module, options)
        options.clear()
        return words

    def list_changed(module, options):
        """Your words are right, and a list among the options holds something else than before: you
        took its values out, or made texts of them in place. It belongs to the caller: go through
        it, and put str(one) into words."""
        words = LaunchCommandKey.reference(module, options)
        for value in options.values():
            if isinstance(value, list):
                value.clear()
        return words

    def other_types_left_out(module, options):
        """You left out an option whose value is no number and no text, such as a path. False and
        None alone are left out: str() writes any other value."""
        plain = bool, int, float, str, list
        kept = {name: value for name, value in options.items() if isinstance(value, plain)}
        return LaunchCommandKey.reference(module, kept)

    def dashes_in_the_module(module, options):
        """You wrote - for every _, in the name of the module as well. That is what Python imports:
        it stays as it is."""
        return LaunchCommandKey.reference(module.replace("_", "-"), options)

    def dashes_everywhere(module, options):
        """You wrote - for every _, in values and in the name of the module as well. The names of
        options alone change."""
        words = LaunchCommandKey.reference(module, options)
        return [words[0], *(word.replace("_", "-") for word in words[1:])]

    def one_text(module, options):
        """You returned one text. subprocess.run takes it for the name of a program, spaces
        included: return the list of words."""
        return " ".join(_words(_Command(), module, options))

    def values_known_by_their_texts(module, options):
        """You took the texts "False" and "None" for these values, and left them out. A text is a
        value: ask `value is False`, and `value is None`."""
        return _words(_Command(false="by text", none="by text"), module, options)

    def false_and_none_as_values(module, options):
        """You gave options that are False and None these words as values. Leave both out."""
        return _words(_Command(false="a value", none="a value"), module, options)
