"""What counts as equal, and what a difference says: the numbers, the place, the tolerance."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grader.diagnosis.comparison import TOLERANCE, Rules, agree, compare, expected_dtype, tolerance
from grader.engine.observation import Observation, Raised, Unrecordable

F32, F64 = torch.float32, torch.float64
WIDE = Rules(F64)
seeds = st.integers(0, 2**32 - 1)


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def differences(expected, received, rules=WIDE):
    return compare({"g": expected}, {"g": received}, rules)


def kinds(expected, received, rules=WIDE):
    return [d.kind for d in differences(expected, received, rules)]


@given(seeds, st.sampled_from([F32, F64]), st.sampled_from([1e-3, 1.0, 1e3]), st.integers(0, 6))
def test_a_value_agrees_up_to_the_tolerance_and_no_further(seed, dtype, scale, at):
    rules = Rules(dtype, scale)
    expected = draw(seed, 7)
    allowed = TOLERANCE[dtype] * (scale + float(expected.abs().max()))
    for share, agrees in ((0.5, True), (-0.5, True), (2.0, False), (-2.0, False)):
        received = expected.clone()
        received[at] += share * allowed
        # In float32 rounding moves a value by less than a twentieth of what is allowed.
        assert (kinds(expected, received.to(dtype), rules) == []) is agrees


@given(seeds, st.sampled_from([F32, F64]))
def test_a_difference_carries_the_greatest_distances_where_they_are_and_what_was_allowed(
    seed, dtype
):
    expected, received = draw(seed, 3, 5), draw(seed + 1, 3, 5)
    (found,) = differences(expected, received.to(dtype), Rules(dtype))
    distance = (received.to(dtype).double() - expected).abs()
    numbers = found.numbers
    assert numbers.worst_abs == float(distance.max())
    assert float(distance[numbers.at]) == numbers.worst_abs
    assert numbers.allowed == pytest.approx(TOLERANCE[dtype] * (1 + float(expected.abs().max())))
    assert numbers.wrong == int((distance > numbers.allowed).sum())
    assert numbers.total == 15
    outside = distance > numbers.allowed
    assert numbers.worst_rel == pytest.approx(float((distance / expected.abs())[outside].max()))


def test_the_relative_difference_from_zero_is_infinite():
    (found,) = differences(torch.zeros(3, dtype=F64), torch.ones(3, dtype=F64))
    assert found.numbers.worst_rel == math.inf


def test_a_dtype_is_compared_at_the_lower_precision_and_then_named():
    expected = draw(0, 7)
    assert kinds(expected, expected.float()) == ["dtype"]
    assert kinds(expected, expected.half()) == ["dtype"]
    assert kinds(expected, expected.bfloat16()) == ["dtype"]
    assert kinds(expected, expected.to(torch.complex128)) == ["dtype"]
    assert kinds(expected, expected, Rules(F32)) == ["dtype"]
    assert kinds(expected, 2 * expected.float()) == ["value"]
    (found,) = differences(expected, expected.float())
    assert found.expected.dtype == F64


def test_references_are_float64_and_answers_have_the_dtype_of_the_case():
    for dtype in (F32, F64, torch.bfloat16):
        assert expected_dtype(draw(0, 2), Rules(dtype)) == dtype
    complexes = torch.ones(2, dtype=torch.complex128)
    assert expected_dtype(complexes, Rules(F32)) == torch.complex64
    assert expected_dtype(torch.ones(2, dtype=torch.int64), Rules(F32)) == torch.int64


def test_integers_and_truth_values_have_no_tolerance():
    assert tolerance(torch.int64, torch.bool) == 0.0
    assert kinds(torch.tensor([1, 2]), torch.tensor([1, 3])) == ["value"]
    assert kinds(torch.tensor([1, 2]), torch.tensor([1, 2])) == []
    assert kinds(torch.tensor([True]), torch.tensor([False])) == ["value"]
    assert kinds(torch.tensor([True]), torch.tensor([1])) == ["dtype"]


def test_equal_infinities_agree_and_so_do_two_nans():
    odd = torch.tensor([math.nan, math.inf, -math.inf, 1.0], dtype=F64)
    assert kinds(odd, odd.clone()) == []
    for at in range(4):
        other = odd.clone()
        other[at] = 5.0
        (found,) = differences(odd, other)
        assert found.numbers.wrong == 1
        assert found.numbers.at == (at,)
    (found,) = differences(odd, torch.tensor([math.nan, -math.inf, -math.inf, math.nan]).double())
    assert found.numbers.wrong == 2
    assert found.numbers.worst_abs == math.inf


def test_an_empty_tensor_agrees_with_an_empty_tensor_of_its_shape():
    assert kinds(torch.zeros(0, 3), torch.zeros(0, 3), Rules(F32)) == []
    assert kinds(torch.zeros(0, 3), torch.zeros(3, 0), Rules(F32)) == ["shape"]


def test_a_tensor_without_values_is_never_right():
    expected = draw(0, 3)
    assert kinds(expected, expected.to("meta")) == ["type"]
    assert kinds(expected.to("meta"), expected) == ["type"]
    assert kinds(expected.to("meta"), expected.to("meta")) == []
    assert kinds(expected.to("meta"), expected.to("meta").reshape(3, 1)) == ["shape"]


def test_complex_numbers_are_not_taken_for_real_ones():
    expected = draw(0, 3)
    assert kinds(expected, expected * 1j) == ["type"]
    assert kinds(expected * 1j, expected * 1j) == []
    assert kinds(expected * 1j, expected * -1j) == ["value"]
    assert kinds(expected * 1j, expected) == ["value"]
    assert kinds(1.5, 1.5 + 0j) == []
    assert kinds(1.5, 1.5 + 1j) == ["value"]


@pytest.mark.parametrize(
    ("expected", "received", "kind"),
    [
        (True, True, None),
        (True, 1, "type"),
        (1, True, "type"),
        (True, False, "text"),
        (None, None, None),
        (None, 0, "type"),
        (0, None, "none"),
        ("a", "a", None),
        ("a", "b", "text"),
        ("a", None, "none"),
        (3, 3, None),
        (3, 4, "value"),
        (3, 3.5, "type"),
        (3, 3.0, "type"),
        (3.0, 3, None),
        (3.0, 3.0 + 1e-12, None),
        (3.0, 3.001, "value"),
        (3.0, 10**400, "value"),
        (3.0, -(10**400), "value"),
        (3, 10**400, "value"),
        (math.nan, math.nan, None),
        (math.inf, math.inf, None),
        (math.inf, -math.inf, "value"),
        (3.0, "3.0", "type"),
        (3.0, torch.tensor(3.0), "type"),
        (torch.tensor(3.0), 3.0, "type"),
        (torch.tensor(3.0), None, "none"),
        (torch.tensor(3.0), Unrecordable("Linear"), "type"),
        (Unrecordable("Linear"), Unrecordable("Linear"), None),
        (Unrecordable("Linear"), torch.ones(2), "type"),
        ((1, 2), [1, 2], None),
        ([1, 2], (1, 2), None),
        ([1, 2], [1, 2, 3], "structure"),
        ([1, 2], None, "none"),
        ([1, 2], {1, 2}, "type"),
        (frozenset({1, 2}), frozenset({2, 1}), None),
        (frozenset({1, 2}), frozenset({1, 3}), "text"),
        (frozenset({1, 2}), [1, 2], "type"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
        ({"a": 1}, {"a": 1, "b": 2}, "structure"),
        ({"a": 1}, [1], "type"),
        ({"a": 1}, None, "none"),
    ],
)
def test_plain_data_is_compared_by_type_and_value(expected, received, kind):
    assert kinds(expected, received, Rules(F32)) == ([] if kind is None else [kind])


def test_a_difference_inside_a_container_says_where():
    found = differences({"a": [1.0, 2.0]}, {"a": [1.0, 3.0]})
    assert [d.path for d in found] == ["g['a'][1]"]


def test_numbers_for_tensors_of_one_entry_count_where_the_task_says_so():
    lenient = Rules(F32, accepts_numbers=True)
    assert kinds(torch.tensor(3.0), 3.0, lenient) == []
    assert kinds(torch.tensor(3.0), 3, lenient) == []
    assert kinds(3.0, torch.tensor(3.0), lenient) == []
    assert kinds(torch.tensor(3.0), 10**400, lenient) == ["value"]
    assert kinds(torch.tensor(3.0), True, lenient) == ["type"]
    assert kinds(torch.ones(3), 1.0, lenient) == ["type"]
    assert kinds(3.0, torch.ones(3), lenient) == ["type"]


@pytest.mark.parametrize(
    "received", [True, None, "MulBackward0", 1, torch.ones(2), [True], Unrecordable("x")]
)
def test_a_flag_agrees_with_its_very_value_alone(received):
    found = compare({"w.is_leaf": True}, {"w.is_leaf": received}, WIDE)
    assert [d.kind for d in found] == ([] if received is True else ["flag"])


def test_a_missing_and_a_surplus_name_are_differences():
    rules = Rules(F32)
    assert [d.kind for d in compare({"a": 1, "b": 2}, {"a": 1}, rules)] == ["structure"]
    assert [d.kind for d in compare({"a": 1}, {"a": 1, "b": 2}, rules)] == ["structure"]
    found = compare({"a": 1, "b": 2}, {"a": 5}, rules)
    assert [(d.path, d.kind) for d in found] == [("a", "value"), ("", "structure")]


@pytest.mark.parametrize("received_dtype", [*TOLERANCE, torch.bool, torch.uint8, torch.int16])
@pytest.mark.parametrize("expected_is", [F64, torch.complex128, torch.int64, torch.bool])
def test_every_pair_of_dtypes_can_be_compared(expected_is, received_dtype):
    expected = torch.tensor([0, 1, 1]).to(expected_is)
    received = torch.tensor([0, 1, 0]).to(received_dtype)
    assert kinds(expected, received) in (["value"], ["type"])
    assert kinds(expected, torch.tensor([0, 1, 1]).to(received_dtype)) in ([], ["dtype"])


def test_two_observations_agree_in_values_effects_and_errors():
    base = Observation({"g": 1.0})
    assert agree(base, Observation({"g": 1.0}), WIDE)
    assert not agree(base, Observation({"g": 2.0}), WIDE)
    assert not agree(base, Observation({"g": 1.0}, {"input": "x was written to"}), WIDE)
    assert agree(Observation({}, {"input": "x"}), Observation({}, {"input": "another text"}), WIDE)
    error = Raised("ValueError", "text")
    assert not agree(base, Observation(error=error), WIDE)
    assert agree(Observation(error=error), Observation(error=Raised("ValueError", "text")), WIDE)
    assert not agree(Observation(error=error), Observation(error=Raised("ValueError", "")), WIDE)


_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.0, 1.0, 1 + 1e-12, 1 + 1e-4, math.inf, math.nan, "a", "b"]),
    st.builds(
        lambda shape, value, dtype: torch.full(shape, value).to(dtype),
        st.sampled_from([(), (2,), (0,), (1, 2)]),
        st.sampled_from([0.0, 1.0, 1 + 1e-4, math.inf, math.nan]),
        st.sampled_from([F32, F64, torch.int64, torch.bool, torch.complex64]),
    ),
)
_nested = st.recursive(
    _leaves,
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.lists(inside, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from("abc"), inside, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(_nested, min_size=2, max_size=2), st.booleans(), st.booleans())
def test_two_observations_agree_where_no_difference_is_found(both, same, accepts_numbers):
    one, other = both if not same else both[:1] * 2
    rules = Rules(F64, accepts_numbers=accepts_numbers)
    found = differences(one, other, rules)
    assert agree(Observation({"g": one}), Observation({"g": other}), rules) is (found == [])


_values = st.lists(
    st.sampled_from([0.0, 1.0, 1 + 1e-12, 1 + 1e-4, -2.0, math.inf, -math.inf, math.nan]),
    min_size=2,
    max_size=3,
)
_dtypes = st.sampled_from([F32, F64, torch.float16, torch.int64, torch.bool, torch.complex64])


@given(_values, _values, _dtypes, _dtypes, st.sampled_from([F32, F64]))
def test_observations_agree_exactly_where_no_difference_is_found(one, other, first, second, rules):
    def seen(numbers, dtype):
        exact = not (dtype.is_floating_point or dtype.is_complex)
        return torch.tensor([0.0 if exact else n for n in numbers]).to(dtype)

    expected, received = seen(one, first), seen(other, second)
    found = compare({"g": expected}, {"g": received}, Rules(rules))
    same = agree(Observation({"g": expected}), Observation({"g": received}), Rules(rules))
    assert same is (found == [])
