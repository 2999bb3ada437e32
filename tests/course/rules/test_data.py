"""The programs that lesson 11 shows as its rules, run against torch on arguments that are drawn."""

import ast
import inspect
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import (
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
)

from tests.fixtures.lesson_texts import LESSONS, prose, rule

who_orders = rule("11-data", "who_orders")
collated = rule("11-data", "collated")


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(5))


def of_torch(stream, cut, **given):
    """Who gives the order of a real DataLoader, or "raises"."""
    try:
        loader = DataLoader(Stream() if stream else range(5), **given, **cut)
    except ValueError:
        return "raises"
    if given.get("batch_sampler") is not None:
        assert loader.batch_sampler is given["batch_sampler"]
        return "batch_sampler"
    if given.get("sampler") is not None:
        assert loader.sampler is given["sampler"]
        return "sampler"
    kinds = {RandomSampler: "RandomSampler", SequentialSampler: "SequentialSampler"}
    return kinds.get(type(loader.sampler), "stream")


@given(
    stream=st.booleans(),
    shuffle=st.sampled_from([None, False, True, 0]),
    sampler=st.sampled_from([None, [3, 1], range(4)]),
    batch_sampler=st.sampled_from([None, [[3, 1], [0]]]),
    cut=st.sampled_from([{}, {"batch_size": 2}, {"batch_size": None}, {"drop_last": True}]),
)
@settings(max_examples=200, deadline=None)
def test_who_gives_the_order_is_who_torch_asks(stream, shuffle, sampler, batch_sampler, cut):
    given = {"shuffle": shuffle, "sampler": sampler, "batch_sampler": batch_sampler}
    assert who_orders(stream, **given, cut=bool(cut)) == of_torch(stream, cut, **given)


def test_a_loader_reads_what_the_one_that_gives_the_order_says():
    assert [b.tolist() for b in DataLoader(range(5), sampler=[3, 1])] == [[3], [1]]
    assert [b.tolist() for b in DataLoader(range(5), batch_sampler=[[3, 1], [0]])] == [[3, 1], [0]]
    assert [b.tolist() for b in DataLoader(Stream(), 3)] == [[0, 1, 2], [3, 4]]


COUNT = 3
leaves = st.sampled_from(["tensor", "float", "int", "bool", "text", "bytes"])
plans = st.recursive(
    leaves,
    lambda inside: st.one_of(
        st.tuples(st.just("tuple"), st.lists(inside, max_size=3)),
        st.tuples(st.just("list"), st.lists(inside, max_size=3)),
        st.tuples(st.just("dict"), st.lists(inside, max_size=3)),
    ),
    max_leaves=6,
)


def sample(plan, draw):
    """A sample that is built as a plan says."""
    if isinstance(plan, tuple):
        kind, inside = plan
        parts = [sample(one, draw) for one in inside]
        if kind == "dict":
            return {f"part {i}": part for i, part in enumerate(parts)}
        return tuple(parts) if kind == "tuple" else parts
    number = draw(st.integers(-100, 100))
    return {
        "tensor": torch.full((2, 3), float(number)),
        "float": number / 7,
        "int": number,
        "bool": number > 0,
        "text": f"text {number}",
        "bytes": b"%d" % number,
    }[plan]


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list) and one and not isinstance(one[0], str | bytes):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other


@given(plan=plans, data=st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_collated_is_what_torch_makes_of_it(plan, data):
    samples = [sample(plan, data.draw) for _ in range(COUNT)]
    assert_same(collated(samples), default_collate(samples))


def test_what_torch_does_not_collate_the_rule_does_not_either():
    for function in (collated, default_collate):
        with pytest.raises(TypeError):
            function([None, None])


def test_the_table_of_a_loaders_arguments_says_their_defaults():
    (lesson,) = (text for text in LESSONS if text.stem == "11-data")
    rows = re.findall(r"^\| (`.+`) \| (.+?) \|", prose(lesson), re.MULTILINE)
    told = {}
    for names, defaults in rows:
        names = re.findall(r"`(\w+)`", names)
        values = [ast.literal_eval(value) for value in defaults.split(", ")]
        values *= len(names) if len(values) == 1 else 1
        told |= dict(zip(names, values, strict=True))
    asked = inspect.signature(DataLoader).parameters
    assert told == {name: asked[name].default for name in told}
    assert set(asked) - set(told) == {"dataset", "pin_memory_device"}
