"""The program that lesson 12 shows as its rule, run against Python; and the rules that its
exercises go by, against torch and argparse."""

import argparse
import ast
import os
import subprocess
import sys
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.engine.catalogue import tasks
from grader.tasks.scripts.launching import read
from grader.trusted.key import key_of
from tests.fixtures.lesson_texts import rule

whose = rule("12-scripts", "whose")

SHOWS = "import sys\nprint([bool(__spec__), sys.argv[1:], sys.orig_argv[1:]])\n"
OWN = ("-u", "-B", "-q", "-s", "-O")
OTHERS = (*OWN, "-m", "-c", "--lr", "0.1", "show", "show.py", "x y", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that holds show.py, which prints what it was started with."""
    made = tmp_path_factory.mktemp("scripts")
    (made / "show.py").write_text(SHOWS, encoding="utf-8")
    return made


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(OWN), max_size=3),
    st.sampled_from((["-m", "show"], ["show.py"])),
    st.lists(st.sampled_from(OTHERS), max_size=4),
)
def test_python_reads_its_own_options_and_hands_the_others_on_as_the_rule_says(
    folder, own, started, others
):
    words = [*own, *started, *others]
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    is_module, argv, original = ast.literal_eval(done.stdout)
    assert original == words
    assert whose(words) == (own, "module show" if is_module else "file show.py", argv)


numbers = st.lists(st.integers(0, 30).map(str), unique=True, max_size=5)
spaced = st.sampled_from(("", " ", "  "))


@settings(max_examples=150, deadline=None)
@given(numbers, st.lists(st.sampled_from(("-1", "", "none", "-7", "x1")), max_size=2), st.data())
def test_the_exercise_on_visible_gpus_goes_by_what_torch_reads(numbers, bad, data):
    entries = data.draw(st.permutations([*numbers, *bad]))
    text = ",".join(data.draw(spaced) + entry + data.draw(spaced) for entry in entries)
    visible = key_of(tasks()["visible_devices"]).reference
    with mock.patch.dict(os.environ, CUDA_VISIBLE_DEVICES=text):
        assert visible(dict(os.environ)) == torch.cuda._parse_visible_devices()


OPTIONS = {"lr": 0.5, "amp": True, "sizes": [5, 3], "data_dir": "x", "resume": None}
WORDS = (
    *("--lr", "--amp", "--sizes", "--data-dir", "--resume"),
    *("--data_dir", "--lrr", "--lr=0.3", "--lr=", "--sizes=5", "--amp=1", "--data-dir=-x"),
    *("0.3", "-0.3", "-.5", "7", "-7", "-x", "-", "-x y", "x y", "", "a=b", "2.5"),
)


def by_argparse(words):
    """The options with their texts as argparse reads them, or None where it refuses."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.error = lambda message: (_ for _ in ()).throw(ValueError(message))
    for name in ("--lr", "--data-dir"):
        parser.add_argument(name)
    for name in ("--amp", "--resume"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--sizes", nargs="+", type=lambda word: str(int(word)))
    try:
        found = vars(parser.parse_args(words))
    except ValueError:
        return None
    given = {name: value for name, value in found.items() if value not in (None, False)}
    return {n: "given" if v is True else v if n == "sizes" else [v] for n, v in given.items()}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=5))
def test_the_exercise_that_starts_a_module_reads_options_as_argparse_does(words):
    found, expected = read(words, OPTIONS), by_argparse(words)
    assert found.startswith("refused") == (expected is None)
    if expected is not None:
        said = {n: v if v == "given" else " ".join(map(repr, v)) for n, v in expected.items()}
        assert found == (", ".join(f"{n}: {v}" for n, v in sorted(said.items())) or "no options")
