"""Reference and mistakes of the exercise that builds a parser."""

from __future__ import annotations

import argparse
import functools
import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grader.trusted.families.changes import each
from grader.trusted.families.pairs import every_two
from grader.trusted.key import Key, raises

Settings = dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Options:
    """The settings of each option; None stands for the right ones."""

    data_dir: Settings | None = None
    lr: Settings | None = None
    epochs: Settings | None = None
    sizes: Settings | None = None
    optimizer: Settings | None = None
    amp: Settings | None = None
    shuffle: Settings | None = None


_RIGHT: dict[str, Settings] = {
    "data_dir": {"required": True},
    "lr": {"type": float, "default": 0.13},
    "epochs": {"type": int, "default": 3},
    "sizes": {"type": int, "nargs": "+", "default": [5, 3]},
    "optimizer": {"choices": ["sgd", "adam"], "default": "sgd"},
    "amp": {"action": "store_true"},
    "shuffle": {"action": argparse.BooleanOptionalAction, "default": True},
}


@functools.cache
def _parser(change: _Options | None = None) -> argparse.ArgumentParser:
    """The parser with a change. To make one takes longer than to use it, which changes nothing."""
    parser = argparse.ArgumentParser()
    for name, right in _RIGHT.items():
        settings = getattr(change, name, None)
        settings = dict(right if settings is None else settings)
        also = settings.pop("also", None)
        flag = settings.pop("flag", f"--{name.replace('_', '-')}")
        if flag:
            parser.add_argument(*([flag, also] if also else [flag]), **settings)
    return parser


class _Lenient(argparse.ArgumentParser):
    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        return self.parse_known_args(args, namespace)[0]


class _EachOnce(argparse.Action):
    def __call__(self, parser: Any, found: Any, values: Any, option: Any = None) -> None:
        setattr(found, self.dest, list(dict.fromkeys(values)))


class _Sorted(argparse.Action):
    def __call__(self, parser: Any, found: Any, values: Any, option: Any = None) -> None:
        setattr(found, self.dest, sorted(values))


def _above_0(kind: Callable[[str], float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = kind(text)
        if number <= 0:
            raise argparse.ArgumentTypeError("a number above 0 is expected")
        return number

    return read


def _is_true(text: str) -> bool:
    return text.lower() == "true"


def _any_word_for_truth(text: str) -> bool:
    """What goes round in forums under the name str2bool."""
    if text.lower() not in ("yes", "true", "t", "y", "1", "no", "false", "f", "n", "0"):
        raise argparse.ArgumentTypeError("a truth value is expected")
    return text.lower() in ("yes", "true", "t", "y", "1")


def _at_commas(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def _read_if_it_follows(*, default: bool) -> Settings:
    return {"type": _any_word_for_truth, "nargs": "?", "const": True, "default": default}


_TYPE_BOOL = "takes a value, and bool of any text that is not empty is True, bool('False') too"

_OPTION_CHANGES: dict[str, tuple[_Options, str]] = {
    "amp_type_bool": (
        _Options(amp={"type": bool, "default": False}),
        f"Your --amp {_TYPE_BOOL}: `--amp False` switches it on, and `--amp` alone is refused. "
        'action="store_true" makes a switch.',
    ),
    "shuffle_type_bool": (
        _Options(shuffle={"type": bool, "default": True}),
        f"Your --shuffle {_TYPE_BOOL}: `--shuffle False` still shuffles, and there is no "
        "--no-shuffle. action=argparse.BooleanOptionalAction makes the pair.",
    ),
    "amp_reads_its_value": (
        _Options(amp={"type": _is_true, "default": False}),
        "Your --amp takes a value and reads it, so that `--amp` alone is refused. A switch takes "
        'none: action="store_true".',
    ),
    "shuffle_reads_its_value": (
        _Options(shuffle={"type": _is_true, "default": True}),
        "Your --shuffle takes a value and reads it: `--shuffle` alone is refused, and there is no "
        "--no-shuffle. action=argparse.BooleanOptionalAction makes the pair.",
    ),
    "amp_value_if_one_follows": (
        _Options(amp={"nargs": "?", "const": True, "default": False}),
        'Your --amp takes a value where one follows, and the text "False" is one. A switch takes '
        'none: action="store_true".',
    ),
    "amp_reads_what_follows": (
        _Options(amp=_read_if_it_follows(default=False)),
        "Your --amp takes a value where one follows, and reads it. A switch takes none: "
        'action="store_true".',
    ),
    "shuffle_reads_what_follows": (
        _Options(shuffle=_read_if_it_follows(default=True)),
        "Your --shuffle takes a value where one follows, and reads it; and there is no "
        "--no-shuffle. action=argparse.BooleanOptionalAction makes the pair.",
    ),
    "amp_store_false": (
        _Options(amp={"action": "store_false"}),
        "Your amp is True unless --amp is given: store_false writes False where the switch "
        "stands. Use store_true.",
    ),
    "amp_default_none": (
        _Options(amp={"action": "store_true", "default": None}),
        "Where --amp is not given, your amp is None. False is asked for, which "
        'action="store_true" gives by itself, without a `default`.',
    ),
    "amp_always_on": (
        _Options(amp={"action": "store_true", "default": True}),
        "Your amp is True whether --amp is given or not. store_true gives False by itself: leave "
        "`default` out.",
    ),
    "amp_both_ways": (
        _Options(amp={"action": argparse.BooleanOptionalAction, "default": False}),
        "Your parser takes --no-amp, which is not asked for. BooleanOptionalAction makes a pair; "
        "store_true makes one switch.",
    ),
    "shuffle_store_true": (
        _Options(shuffle={"action": "store_true"}),
        "Your shuffle is False unless --shuffle is given, and there is no --no-shuffle. "
        "argparse.BooleanOptionalAction makes both, and takes a default.",
    ),
    "shuffle_always_on": (
        _Options(shuffle={"action": "store_true", "default": True}),
        "Your shuffle is True whatever is given, and there is no --no-shuffle. "
        "argparse.BooleanOptionalAction makes both.",
    ),
    "no_shuffle_alone": (
        _Options(shuffle={"flag": "--no-shuffle", "action": "store_false", "dest": "shuffle"}),
        "Your parser knows --no-shuffle and refuses --shuffle. argparse.BooleanOptionalAction "
        "makes both.",
    ),
    "no_shuffle_apart": (
        _Options(shuffle={"flag": "--no-shuffle", "action": "store_true"}),
        "Your namespace has no_shuffle and no shuffle. One setting is asked for, which two "
        "switches write to: argparse.BooleanOptionalAction.",
    ),
    "shuffle_default_none": (
        _Options(shuffle={"action": argparse.BooleanOptionalAction}),
        "Where neither switch is given, your shuffle is None. Give the option default=True.",
    ),
    "shuffle_default_false": (
        _Options(shuffle={"action": argparse.BooleanOptionalAction, "default": False}),
        "Where neither switch is given, your shuffle is False. Its default is True.",
    ),
    "data_dir_not_required": (
        _Options(data_dir={"default": None}),
        "Without --data-dir your parser goes on. An option with two dashes may be left out unless "
        "it has required=True: it must be given, and needs no default.",
    ),
    "data_dir_as_path": (
        _Options(data_dir={"type": pathlib.Path, "required": True}),
        "Your data_dir is a Path. A text is asked for, which argparse gives without `type`.",
    ),
    "data_dir_with_a_dash": (
        _Options(data_dir={"required": True, "dest": "data-dir"}),
        'Your namespace calls it "data-dir", and args.data-dir is a subtraction. Without `dest` '
        "argparse puts _ in place of -.",
    ),
    "data_dir_under_another_name": (
        _Options(data_dir={"flag": "data_dir"}),
        "Your parser refuses --data-dir. Without the two dashes it is a positional argument, which "
        "is given without its name, and --data_dir is another name: the _ is in the namespace "
        "alone.",
    ),
    "data_dir_as_int": (
        _Options(data_dir={"required": True, "type": int}),
        "Your --data-dir refuses a text: its `type` or its `choices` do. Leave both out, and "
        "argparse gives the text as it stands.",
    ),
    **{
        f"data_dir_{name}": (
            _Options(data_dir={"required": True, "type": changed}),
            "Your data_dir is another text than was given: the `type` of --data-dir changes it. "
            "Leave `type` out, and argparse gives the text as it stands.",
        )
        for name, changed in (("stripped", str.strip), ("in_small_letters", str.lower))
    },
    "lr_above_0_alone": (
        _Options(lr={"type": _above_0(float), "default": 0.13}),
        "Your --lr refuses a number below 0. Every float is taken: type=float.",
    ),
    "lr_without_its_sign": (
        _Options(lr={"type": lambda text: abs(float(text)), "default": 0.13}),
        "You took the sign off a rate. Every float is taken as it is: type=float.",
    ),
    "epochs_above_0_alone": (
        _Options(epochs={"type": _above_0(int), "default": 3}),
        "Your --epochs refuses 0. Every int is taken: type=int.",
    ),
    "sizes_above_0_alone": (
        _Options(sizes={"type": _above_0(int), "nargs": "+", "default": [5, 3]}),
        "Your --sizes refuses 0. Every int is taken: type=int.",
    ),
    "sizes_each_once": (
        _Options(sizes={"type": int, "nargs": "+", "default": [5, 3], "action": _EachOnce}),
        "Of a size that is given twice you kept one. All that is given counts, in its order: "
        'nargs="+" alone does it.',
    ),
    "sizes_sorted": (
        _Options(sizes={"type": int, "nargs": "+", "default": [5, 3], "action": _Sorted}),
        'You sorted the sizes. They stay in the order in which they are given: nargs="+" alone '
        "does it.",
    ),
    "data_dir_forgotten": (
        _Options(data_dir={"flag": ""}),
        "Your parser does not know --data-dir.",
    ),
    "lr_as_text": (
        _Options(lr={"default": 0.13}),
        "A learning rate that is given stays a text, which no optimizer can use. Say type=float.",
    ),
    "lr_as_int": (
        _Options(lr={"type": int, "default": 0.13}),
        "Your --lr takes whole numbers alone: int reads no point. Say type=float.",
    ),
    "lr_default_none": (
        _Options(lr={"type": float}),
        "Where --lr is not given, your lr is None. Give the option default=0.13.",
    ),
    "epochs_as_text": (
        _Options(epochs={"default": 3}),
        "A number of epochs that is given stays a text: range refuses it. Say type=int.",
    ),
    "epochs_as_float": (
        _Options(epochs={"type": float, "default": 3}),
        "Your --epochs is read as a float, so half an epoch is taken as well. Say type=int.",
    ),
    "epochs_default_none": (
        _Options(epochs={"type": int}),
        "Where --epochs is not given, your epochs is None. Give the option default=3.",
    ),
    "one_size_alone": (
        _Options(sizes={"type": int, "default": [5, 3]}),
        'Your --sizes takes one number, and gives no list. nargs="+" takes one and more.',
    ),
    "no_size_at_all": (
        _Options(sizes={"type": int, "nargs": "*", "default": [5, 3]}),
        'Your --sizes takes no number, too: nargs="*" is none and more. nargs="+" is one and more.',
    ),
    "lr_alone": (
        _Options(lr={"type": float, "default": 0.13, "nargs": "?"}),
        'Your --lr may stand there without a number: nargs="?" is none or one. Leave nargs out, '
        "and the option takes one value.",
    ),
    "epochs_alone": (
        _Options(epochs={"type": int, "default": 3, "nargs": "?"}),
        'Your --epochs may stand there without a number: nargs="?" is none or one. Leave nargs '
        "out, and the option takes one value.",
    ),
    "optimizer_alone": (
        _Options(optimizer={"choices": ["sgd", "adam"], "default": "sgd", "nargs": "?"}),
        'Your --optimizer may stand there without a word: nargs="?" is none or one. Leave nargs '
        "out, and the option takes one value.",
    ),
    "data_dir_alone": (
        _Options(data_dir={"required": True, "nargs": "?"}),
        'Your --data-dir may stand there without a text: nargs="?" is none or one. Leave nargs '
        "out, and the option takes one value.",
    ),
    "epochs_cut_off": (
        _Options(epochs={"type": lambda text: int(float(text)), "default": 3}),
        "Your --epochs takes a number with a fraction, and cuts it off. An int is asked for: "
        "type=int refuses 2.5.",
    ),
    "two_sizes_exactly": (
        _Options(sizes={"type": int, "nargs": 2, "default": [5, 3]}),
        'Your --sizes takes exactly two numbers. nargs="+" takes one and more.',
    ),
    "sizes_as_texts": (
        _Options(sizes={"nargs": "+", "default": [5, 3]}),
        "The sizes that are given stay texts. `type` is applied to each word: say type=int.",
    ),
    "sizes_type_list": (
        _Options(sizes={"type": list, "default": [5, 3]}),
        "type=list takes a word apart into its letters. `type` is called with one word; how many "
        'there are says nargs="+".',
    ),
    "sizes_type_list_of_each": (
        _Options(sizes={"type": list, "nargs": "+", "default": [5, 3]}),
        "type=list takes every word apart into its letters: `type` is called with one word at a "
        "time. Say type=int.",
    ),
    "sizes_with_commas": (
        _Options(sizes={"type": _at_commas, "default": [5, 3]}),
        "Your --sizes takes one word, and takes it apart at commas. Several words are asked for: "
        'type=int is applied to each, and nargs="+" takes one and more.',
    ),
    "sizes_added": (
        _Options(sizes={"type": int, "nargs": "+", "action": "extend", "default": [5, 3]}),
        'action="extend" adds the sizes that are given to the default. nargs="+" by itself '
        "replaces it.",
    ),
    "sizes_default_none": (
        _Options(sizes={"type": int, "nargs": "+"}),
        "Where --sizes is not given, your sizes is None. Give the option default=[5, 3].",
    ),
    "sizes_appended": (
        _Options(sizes={"type": int, "action": "append", "default": [5, 3]}),
        'action="append" adds one number to the default for each --sizes. nargs="+" takes all of '
        "them at once, and replaces the default.",
    ),
    "any_optimizer": (
        _Options(optimizer={"default": "sgd"}),
        "Your --optimizer takes another word than sgd and adam, and the script fails later. Say "
        'what there is to choose: choices=["sgd", "adam"].',
    ),
    "more_optimizers": (
        _Options(optimizer={"choices": ["sgd", "adam", "adamw"], "default": "sgd"}),
        "Your --optimizer takes adamw, too. There are two to choose from: sgd and adam.",
    ),
    "optimizer_in_capitals": (
        _Options(optimizer={"type": str.lower, "choices": ["sgd", "adam"], "default": "sgd"}),
        "Your --optimizer takes capitals as well, and makes them small. Two words are asked for, "
        "sgd and adam as they stand: leave `type` out.",
    ),
    "optimizer_default_none": (
        _Options(optimizer={"choices": ["sgd", "adam"]}),
        'Where --optimizer is not given, your optimizer is None. Give it default="sgd".',
    ),
    "optimizer_default_adam": (
        _Options(optimizer={"choices": ["sgd", "adam"], "default": "adam"}),
        'Where --optimizer is not given, your optimizer is adam. Its default is "sgd".',
    ),
    "sizes_default_as_text": (
        _Options(sizes={"type": int, "nargs": "+", "default": "5 3"}),
        "The default of your --sizes is a text. argparse calls `type` with it, and int refuses it: "
        "without --sizes your parser ends with status 2. Say default=[5, 3].",
    ),
    "optimizer_required": (
        _Options(optimizer={"choices": ["sgd", "adam"], "required": True}),
        'Your --optimizer must be given. It has a default: default="sgd", and no `required`.',
    ),
}


_COMMON = (
    "amp_type_bool",
    "shuffle_type_bool",
    "shuffle_store_true",
    "shuffle_always_on",
    "no_shuffle_apart",
    "shuffle_default_none",
    "data_dir_not_required",
    "data_dir_with_a_dash",
    "lr_as_text",
    "epochs_as_text",
    "epochs_as_float",
    "one_size_alone",
    "no_size_at_all",
    "sizes_as_texts",
    "sizes_type_list",
    "any_optimizer",
)
"""Two of these are tried at once: all of them would be five hundred pairs."""


_BOTH_TYPE_BOOL = _Options(
    amp={"type": bool, "default": False}, shuffle={"type": bool, "default": True}
)


def _beside_no_shuffle(shuffle: Settings, **others: Settings) -> argparse.ArgumentParser:
    """A parser whose --shuffle has these settings, beside a switch that turns the same one off."""
    parser = _parser.__wrapped__(_Options(shuffle=shuffle, **others))
    parser.add_argument("--no-shuffle", dest="shuffle", action="store_false")
    return parser


class BuildParserKey(Key, task="build_parser"):
    families = each(_parser, _OPTION_CHANGES)
    pairs = tuple(every_two(_parser, {name: _OPTION_CHANGES[name] for name in _COMMON}))

    def reference():
        return _parser()

    def both_type_bool():
        """type=bool calls bool with the word, and any text that is not empty is True: `--amp False`
        and `--shuffle False` both switch on, and a switch without a value is refused. One switch is
        action="store_true", a pair of them is action=argparse.BooleanOptionalAction."""
        return _parser(_BOTH_TYPE_BOOL)

    def both_read_their_values():
        """Your --amp and your --shuffle take a value and read it, so that a switch alone is
        refused. One switch is action="store_true", a pair of them is
        action=argparse.BooleanOptionalAction."""
        amp, shuffle = ({"type": _is_true, "default": default} for default in (False, True))
        return _parser(_Options(amp=amp, shuffle=shuffle))

    def shuffle_type_bool_beside_no_shuffle():
        """Your --no-shuffle is a switch. Your --shuffle takes a value, and bool of any text that is
        not empty is True: `--shuffle False` still shuffles, and `--shuffle` alone is refused.
        action=argparse.BooleanOptionalAction makes the pair."""
        return _beside_no_shuffle({"type": bool, "default": True})

    def shuffle_reads_its_value_beside_no_shuffle():
        """Your --no-shuffle is a switch. Your --shuffle takes a value and reads it, so that
        `--shuffle` alone is refused. action=argparse.BooleanOptionalAction makes the pair."""
        return _beside_no_shuffle({"type": _is_true, "default": True})

    def both_read_what_follows():
        """Your --amp and your --shuffle take a value where one follows, and read it; and there is
        no --no-shuffle. A switch takes none: action="store_true" makes one, and
        action=argparse.BooleanOptionalAction the pair."""
        amp, shuffle = (_read_if_it_follows(default=default) for default in (False, True))
        return _parser.__wrapped__(_Options(amp=amp, shuffle=shuffle))

    def both_read_what_follows_beside_no_shuffle():
        """Your --amp and your --shuffle take a value where one follows, and read it. A switch takes
        none: action="store_true" makes one, and action=argparse.BooleanOptionalAction the pair."""
        amp, shuffle = (_read_if_it_follows(default=default) for default in (False, True))
        return _beside_no_shuffle(shuffle, amp=amp)

    def shuffle_reads_what_follows_beside_no_shuffle():
        """Your --no-shuffle is a switch. Your --shuffle takes a value where one follows, and reads
        it: action=argparse.BooleanOptionalAction makes the pair."""
        return _beside_no_shuffle(_read_if_it_follows(default=True))

    def underscore_in_the_option():
        """Your parser refuses --data-dir, and knows --data_dir: the _ belongs into the namespace
        alone, where argparse writes it by itself."""
        return _parser(_Options(data_dir={"required": True, "flag": "--data_dir"}))

    def other_options_known():
        """Your parser knows an option that is not in the table, or another name for one that is.
        Everything else on the command line is refused: leave it out."""
        return _parser(_Options(epochs={"type": int, "default": 3, "also": "-e"}))

    def unknown_options_passed_over():
        """Your parser passes over what it does not know: a misspelled option is lost without a
        word. parse_args of argparse's own parser refuses it: return that as it is."""
        parser = _Lenient()
        for name, right in _RIGHT.items():
            parser.add_argument(f"--{name.replace('_', '-')}", **right)
        return parser

    def another_word_needed():
        """Your parser asks for something that is not in the table: a positional argument, which
        must be given. Leave it out."""
        parser = _parser.__wrapped__()
        parser.add_argument("config")
        return parser

    def another_option_needed():
        """Your parser asks for an option that is not in the table, and refuses a command line
        without it. Leave it out."""
        parser = _parser.__wrapped__()
        parser.add_argument("--name", required=True)
        return parser

    def words_left_over_taken():
        """Your parser takes words that belong to no option. The table has options alone: leave the
        positional argument out, so that such a word is refused."""
        parser = _parser.__wrapped__()
        parser.add_argument("rest", nargs="*", default=argparse.SUPPRESS)
        return parser

    def no_shuffle_beside_shuffle():
        """Your --no-shuffle writes to a setting of its own, no_shuffle, and shuffle stays what it
        is. The two switch one setting: argparse.BooleanOptionalAction."""
        parser = _parser.__wrapped__(_Options(shuffle={"action": "store_true", "default": True}))
        parser.add_argument("--no-shuffle", action="store_true")
        return parser

    @raises(r"^2$")
    def parsed_at_once():
        """You called parse_args inside the function. It read the words that this notebook's own
        process was started with, printed a usage, and ended the program with status 2. Return the
        parser: who has the words calls parse_args."""
        return _parser().parse_args([])
