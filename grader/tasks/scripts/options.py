"""The exercise that builds the parser of a script's options."""

import argparse
from typing import Any

from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.tasks.scripts.numbers import filled
from grader.tasks.scripts.spelled import spelled

OPTIONS = ("data_dir", "lr", "epochs", "sizes", "optimizer", "amp", "shuffle")
"""What a namespace holds."""

WORDS = {f"--{name.replace('_', '-')}" for name in OPTIONS} | {"--no-shuffle"}
"""The options as they are written on a command line."""

NEEDED = ("--data-dir", "Run {i} ")


class BuildParser(Task):
    """Return the argparse.ArgumentParser of a training script. It knows --data-dir, a text that
    must be given and stays as it is; --lr, a float, 0.13 unless given; --epochs, an int, 3 unless
    given; --sizes, one or more ints, [5, 3] unless given; --optimizer, sgd or adam and nothing
    else, sgd unless given; --amp, a switch that takes no value: True if it is there, else False;
    --shuffle and --no-shuffle, which switch one setting on and off, and take no value: True unless
    given. The namespace holds exactly these seven, under these names with _ in place of -.
    Everything else is refused."""

    id = "build_parser"
    signatures = ("build_parser() -> parser",)
    title, points, difficulty, minutes = "Spot the bug: False is True", 6, 2, 10
    hints = (
        "Read the sections on options and on switches. What does bool give for a text that is not "
        "empty?",
        "Call the parser by hand, with a list of words in place of the command line, and print the "
        "namespace. Try the last two options with and without a value.",
        "argparse has an `action` for a switch, and another one, argparse.BooleanOptionalAction, "
        "for a pair of switches. `type`, `default`, `choices`, `nargs` and `required` do the rest.",
    )
    CASES = (
        case("only what must be given", words=NEEDED, visible=True),
        case(
            "numbers, and adam",
            words=(*NEEDED, "--lr", "{f}", "--epochs", "{i}", "--optimizer", "adam"),
            visible=True,
        ),
        case("--amp", words=("--amp", *NEEDED), visible=True),
        case("--no-shuffle", words=(*NEEDED, "--no-shuffle"), visible=True),
        case("--shuffle False", words=(*NEEDED, "--shuffle", "False"), visible=True),
        case("--amp False", words=(*NEEDED, "--amp", "False")),
        case("--no-amp", words=(*NEEDED, "--no-amp")),
        case("--shuffle, and sgd", words=("--shuffle", "--optimizer", "sgd", *NEEDED)),
        case("one size", words=(*NEEDED, "--sizes", "{j}"), visible=True),
        case(
            "three sizes, and lr as a whole number",
            words=(*NEEDED, "--sizes", "{i}", "{d}", "{e}", "--lr", "{d}"),
        ),
        case("two sizes", words=(*NEEDED, "--sizes", "{d}", "{i}")),
        case("one size twice", words=(*NEEDED, "--sizes", "{i}", "{d}", "{i}")),
        case("a rate below 0", words=(*NEEDED, "--lr", "-{f}")),
        case("no epochs", words=(*NEEDED, "--epochs", "0")),
        case("a size of 0", words=(*NEEDED, "--sizes", "{i}", "0")),
        case("a small rate", words=(*NEEDED, "--lr", "{d}.{j}e-05")),
        case("--sizes without a number", words=(*NEEDED, "--sizes")),
        case("--lr without a number", words=(*NEEDED, "--lr")),
        case("--data-dir without a text", words=("--data-dir",)),
        case("--optimizer without a word", words=(*NEEDED, "--optimizer")),
        case("--epochs without a number", words=(*NEEDED, "--epochs")),
        case("half an epoch", words=(*NEEDED, "--epochs", "{i}.5")),
        case("no --data-dir", words=("--epochs", "{i}"), ending=True, visible=True),
        case("an optimizer that is not known", words=(*NEEDED, "--optimizer", "rprop")),
        case("another one of torch's", words=(*NEEDED, "--optimizer", "adamw")),
        case("an optimizer in capitals", words=(*NEEDED, "--optimizer", "ADAM")),
        case("an option that nobody knows", words=(*NEEDED, "--unknown", "{i}")),
        case("a word too many", words=(*NEEDED, "more{i}")),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"argv": filled(case["words"], rng)}

    def observe(self, build_parser, argv, ending=False):
        parser = build_parser()
        if parser is None:
            raise TypeError("None is no argparse.ArgumentParser: is a return missing?")
        if not isinstance(parser, argparse.ArgumentParser):
            raise TypeError(f"a {type(parser).__name__} is no argparse.ArgumentParser")
        found = read_by(parser, argv)
        return {"the parser": found["the parser"]} if ending else found


def read_by(parser: argparse.ArgumentParser, argv: list[str]) -> dict[str, Any]:
    """The namespace that a parser makes of some words, or how it ends without one."""
    parser.allow_abbrev = False  # so that an option that is called --shuffles is not taken for it
    found: dict[str, Any] = {}
    ends = "it gives a namespace"
    try:
        found = vars(parser.parse_args(argv))
    except SystemExit as ended:
        ends = f"it exits with status {ended.code}"
    options = {name: spelled(found[name]) if name in found else "nothing" for name in OPTIONS}
    others = ", ".join(sorted(str(name) for name in found if name not in OPTIONS))
    found_out = {"the parser": ends, "the parser knows": _known(parser)}
    return {**found_out, **options, "other names": others or "none"}


def _known(parser: argparse.ArgumentParser) -> str:
    """Which options a parser has, but for those that argparse adds: the case's words cannot ask
    for all others that there may be."""
    words = {word for action in parser._actions for word in action.option_strings}
    lacking, beyond = sorted(WORDS - words), bool(words - WORDS - {"-h", "--help"})
    some = f"all but {', '.join(lacking)}" if lacking else "all of its options"
    return f"{some}, and others" if beyond else some
