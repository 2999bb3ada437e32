"""Generic signatures: each is recognised where it holds in every failing case, and nowhere else."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader.diagnosis.comparison import Rules, compare
from grader.diagnosis.messages import TEMPLATES, say, stable
from grader.diagnosis.misses import Miss
from grader.diagnosis.signatures import recognise
from grader.engine.observation import Unrecordable
from grader.engine.task import Case

F32, F64 = torch.float32, torch.float64
DTYPES = pytest.mark.parametrize("dtype", [F32, F64], ids=["float32", "float64"])
seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([F32, F64])
N = (7, 11)
"""The batch sizes of two cases."""

GRADIENTS = {
    "NONFINITE",
    "ZERO",
    "RATIO.sign",
    "RATIO.twice",
    "RATIO.times_count",
    "RATIO.over_count",
    "RATIO.unbiased",
    "RATIO.constant",
    "RATIO_CHANNEL",
    "NEARLY",
    "TRANSPOSED",
    "PER_SAMPLE.sum",
    "PER_SAMPLE.mean",
    "SHAPE.reshaped",
}


def reference(seed, *shape):
    """Random values, none of them near zero, in float64 as references are."""
    rng = torch.Generator().manual_seed(seed)
    sign = torch.randint(0, 2, shape, generator=rng) * 2 - 1
    return sign * (0.5 + torch.rand(shape, generator=rng, dtype=F64))


def misses(pairs, dtype=F64, symbols=None, path="g"):
    """What was missed in some cases: pairs of expected and received, one for each case."""
    found = []
    for i, (expected, received) in enumerate(pairs):
        case = Case(f"case {i}", dtype=dtype, symbols=(symbols or [{}] * len(pairs))[i])
        rules = Rules(dtype)
        (difference,) = compare({path: expected}, {path: received}, rules)
        found.append(Miss(case, rules, difference))
    return found


def code(pairs, dtype=F64, symbols=None, path="g"):
    found = recognise(misses(pairs, dtype, symbols, path))
    assert say(found.code, path="`g`", **found.values)
    if f"HIDDEN.{found.code}" in TEMPLATES:
        assert say(f"HIDDEN.{found.code}", path="`g`", **found.values)
    return stable(found.code)


def counted(name="N"):
    return [{name: n} for n in N]


def per_channel(seed, expected):
    factors = torch.linspace(0.3, 0.9, expected.shape[1], dtype=F64)
    return expected * factors.reshape(1, -1, *[1] * (expected.ndim - 2))


TRANSFORMS = {
    "RATIO.sign": lambda r, n: -r,
    "RATIO.twice": lambda r, n: 2 * r,
    "RATIO.times_count": lambda r, n: n * r,
    "RATIO.over_count": lambda r, n: r / n,
    "RATIO.unbiased": lambda r, n: r * math.sqrt((n - 1) / n),
    "RATIO.constant": lambda r, n: 0.8 * r,
    "ZERO": lambda r, n: torch.zeros_like(r),
    "NONFINITE": lambda r, n: torch.where(r > r.median(), math.nan, r),
    "TRANSPOSED": lambda r, n: r.T.contiguous(),
    "RATIO_CHANNEL": lambda r, n: per_channel(0, r),
    "PER_SAMPLE.sum": lambda r, n: r * torch.full((n, 1, 1), 1 / n, dtype=F64),
    "PER_SAMPLE.mean": lambda r, n: r * torch.linspace(0.5, 1.5, n, dtype=F64).reshape(n, 1, 1),
    "SHAPE.reshaped": lambda r, n: r.flatten(),
    "SHAPE.other": lambda r, n: r[:1, :2],
}


@pytest.mark.parametrize("signature", TRANSFORMS)
@settings(max_examples=25)  # of each
@given(seed=seeds, dtype=dtypes)
def test_a_transform_of_any_gradient_is_recognised_as_itself(signature, seed, dtype):
    expected = [reference(seed + i, 3, 5) for i in range(2)]
    received = [TRANSFORMS[signature](r, n).to(dtype) for r, n in zip(expected, N, strict=True)]
    pairs = list(zip(expected, received, strict=True))
    assert code(pairs, dtype, counted()) == signature


@pytest.mark.parametrize("signature", sorted(set(TRANSFORMS) - {"SHAPE.other"}))
@settings(max_examples=25)  # of each
@given(seed=seeds, dtype=dtypes)
def test_a_signature_that_holds_in_one_case_alone_is_not_claimed(signature, seed, dtype):
    one, other = reference(seed, 3, 5), reference(seed + 1, 3, 5)
    received = TRANSFORMS[signature](one, N[0]).to(dtype)
    unrelated = reference(seed + 2, 3, 5).to(dtype)
    for pairs in ([(one, received), (other, unrelated)], [(other, unrelated), (one, received)]):
        assert code(pairs, dtype, counted()) not in GRADIENTS


@given(seeds, dtypes, st.sampled_from([(5,), (3, 5), (7, 3, 2), (11,)]))
def test_of_an_unrelated_wrong_answer_no_signature_is_claimed(seed, dtype, shape):
    pairs = [(reference(seed + i, *shape), reference(seed + 9 + i, *shape)) for i in range(2)]
    pairs = [(r, g.to(dtype)) for r, g in pairs]
    found = recognise(misses(pairs, dtype, counted()))
    assert found.code == "WRONG"


@given(seeds, dtypes, st.floats(-50, 50).filter(lambda c: abs(c) > 0.01 and abs(c - 1) > 0.01))
def test_a_constant_factor_is_told_by_its_size(seed, dtype, factor):
    readings = [-1, 2, *N, *(1 / n for n in N), *(math.sqrt((n - 1) / n) for n in N)]
    assume(all(abs(factor - c) > 0.01 * abs(c) for c in readings))
    pairs = [(r, (factor * r).to(dtype)) for r in (reference(seed, 4), reference(seed + 1, 4))]
    found = recognise(misses(pairs, dtype, counted()))
    assert found.code == "RATIO.constant"
    assert float(str(found.values["factor"]).split()[0]) == pytest.approx(factor, rel=1e-3)


@DTYPES
def test_a_count_is_named_with_its_symbol_and_number(dtype):
    pairs = [
        (r, (n * r).to(dtype)) for r, n in zip((reference(1, 4), reference(2, 4)), N, strict=True)
    ]
    found = recognise(misses(pairs, dtype, counted("batch")))
    assert found.values == {"symbol": "batch", "count": 7}


# A single number is a multiple of any other.


@pytest.mark.parametrize("factor", [-1.0, 2.0, 7.0, 1 / 7, 0.3])
def test_a_single_number_has_no_ratio(factor):
    r = reference(3, 1)
    assert code([(r, factor * r)], symbols=[{"N": 7}]) == "WRONG.value"
    assert code([(3.5, factor * 3.5)], symbols=[{"N": 7}]) == "WRONG.value"


def test_one_nonzero_entry_has_no_ratio():
    r = torch.tensor([0.0, 2.0, 0.0], dtype=F64)
    assert code([(r, 3 * r)]) == "WRONG"


def test_single_numbers_of_two_cases_have_one():
    assert code([(3.5, 7.0), (1.25, 2.5)]) == "RATIO.twice"
    assert code([(3.5, 7.0), (1.25, 2.6)]) == "WRONG.value"
    assert code([(reference(1, 1), -reference(1, 1)), (reference(2, 1), -reference(2, 1))]) == (
        "RATIO.sign"
    )


def test_whole_numbers_are_not_read_as_gradients():
    assert code([(3, 6), (5, 10)]) == "WRONG.value"
    assert code([(3, 0), (5, 0)]) == "WRONG.value"
    pairs = [(torch.tensor([1, 2]), torch.tensor([2, 4])), (torch.tensor([3]), torch.tensor([6]))]
    assert code(pairs) == "WRONG.value"


# Two readings of one factor: none is taken.


@DTYPES
def test_where_two_names_fit_a_factor_it_is_called_a_constant(dtype):
    pairs = [(r, (2 * r).to(dtype)) for r in (reference(1, 4), reference(2, 4))]
    assert code(pairs, dtype, [{"N": 2}, {"N": 2}]) == "RATIO.constant"
    pairs = [(r, (7 * r).to(dtype)) for r in (reference(1, 4), reference(2, 4))]
    assert code(pairs, dtype, [{"N": 7, "k": 7}] * 2) == "RATIO.constant"


@DTYPES
def test_two_names_that_part_in_another_case_leave_one(dtype):
    pairs = [
        (r, (n * r).to(dtype)) for r, n in zip((reference(1, 4), reference(2, 4)), N, strict=True)
    ]
    assert code(pairs, dtype, [{"N": 7, "k": 7}, {"N": 11, "k": 7}]) == "RATIO.times_count"


def test_factors_that_differ_between_cases_without_a_name_are_told_as_such():
    pairs = [(reference(1, 4), 3 * reference(1, 4)), (reference(2, 4), 5 * reference(2, 4))]
    assert code(pairs, symbols=counted()) == "RATIO.varies"


def test_a_factor_of_one_is_not_a_ratio():
    r = reference(1, 4)
    assert code([(r, r * (1 + 3e-9))]) == "NEARLY"


def test_a_multiple_that_an_entry_breaks_is_no_ratio():
    r = torch.tensor([1e10, 1.0, -2.0], dtype=F64)
    g = 2 * r + torch.tensor([0.0, 75.0, 0.0], dtype=F64)
    assert code([(r, g)]) == "WRONG"


def test_a_factor_holds_across_a_float32_and_a_float64_case():
    found = []
    for seed, dtype in ((1, F64), (2, F32)):
        r = reference(seed, 5)
        found += misses([(r, (0.8 * r).to(dtype))], dtype)
    assert recognise(found).code == "RATIO.constant"


# Channels


@DTYPES
@pytest.mark.parametrize("shape", [(7, 3), (7, 3, 2, 2)])
def test_a_factor_per_channel_is_recognised(dtype, shape):
    pairs = [(r, per_channel(0, r).to(dtype)) for r in (reference(1, *shape), reference(2, *shape))]
    assert code(pairs, dtype) == "RATIO_CHANNEL"


def test_a_right_channel_beside_wrong_ones_keeps_its_factor_of_one():
    r = reference(1, 7, 3)
    assert code([(r, r * torch.tensor([1.0, 1.0, 0.5], dtype=F64))]) == "RATIO_CHANNEL"


def test_a_diagonal_matrix_has_no_factor_per_channel():
    r = reference(1, 4).diag()
    assert code([(r, reference(2, 4).diag())]) == "WRONG"


def test_an_unbiased_variance_with_eps_is_recognised_per_channel():
    x = torch.randn(7, 3, 2, 2, dtype=F64, generator=torch.Generator().manual_seed(1))
    x = x * torch.tensor([0.1, 1.0, 10.0], dtype=F64).reshape(1, 3, 1, 1)
    mean = x.mean((0, 2, 3), keepdim=True)
    right, wrong = (
        (x - mean) / (x.var((0, 2, 3), keepdim=True, correction=c) + 1e-2).sqrt() for c in (0, 1)
    )
    assert code([(right, wrong)]) == "RATIO_CHANNEL"


# Transposes, batches, shapes


def test_a_symmetric_matrix_in_another_dtype_is_not_transposed():
    r = reference(1, 3, 3)
    symmetric = r + r.T
    assert code([(symmetric, symmetric.float())]) == "DTYPE"


def test_a_square_transpose_is_recognised_by_its_values():
    r = reference(1, 3, 3)
    assert code([(r, r.T)]) == "TRANSPOSED"


def test_a_row_against_a_column_is_a_matter_of_shape():
    r = reference(1, 1, 5)
    assert code([(r, r.T)]) == "SHAPE.reshaped"
    other = reference(2, 3, 5)
    assert code([(r, r.T), (other, other.T)]) == "TRANSPOSED"


def test_a_batch_of_one_is_a_matter_of_shape():
    r = reference(1, 3)
    assert code([(r, r.reshape(1, 3))]) == "SHAPE.reshaped"
    parts = reference(2, 7, 3)
    assert code([(parts.sum(0), parts), (r, r.reshape(1, 3))]) == "PER_SAMPLE.sum"


def test_a_right_answer_of_zeros_does_not_tell_a_sum_from_a_mean():
    parts = reference(1, 7, 3)
    parts = torch.cat([parts, -parts])
    assert code([(torch.zeros(3, dtype=F64), parts)]) == "SHAPE.other"


def test_an_empty_tensor_of_another_shape_has_no_values_to_be_right():
    pairs = [(torch.zeros(0, 3, dtype=F64), torch.zeros(3, 0, dtype=F64))]
    assert code(pairs) == "SHAPE.other"


@DTYPES
def test_shapes_are_told(dtype):
    r = reference(1, 3, 5)
    found = recognise(misses([(r, r[:1, :2].to(dtype))], dtype))
    assert found.values == {"received": (1, 2), "expected": (3, 5)}


# Values that are not numbers, dtypes, precision


def test_what_was_returned_in_the_place_of_several_values_is_called_by_its_kind():
    expected = {"rank": 5, "size": 7, "env is as it was": True}
    received = {"answer": {"rank": 5, "size": 7}, "env is as it was": True}
    rules = Rules(F64)
    (difference,) = compare(expected, received, rules)
    found = recognise([Miss(Case("one", dtype=F64), rules, difference)])
    assert found.code == "TYPE"
    assert found.values == {"received": "a dict of 2", "expected": "the pair (rank, size)"}


def test_nan_and_inf_count_where_the_right_answer_is_finite():
    r = reference(1, 4)
    g = r.clone()
    g[0], g[1] = math.nan, math.inf
    found = recognise(misses([(r, g)]))
    assert (found.code, found.values) == ("NONFINITE", {"count": 2, "total": 4})
    expected = r.clone()
    expected[0] = math.inf
    assert code([(expected, r)]) != "NONFINITE"


@pytest.mark.parametrize(
    ("held", "found"),
    [(math.inf, "NONFINITE.given"), (math.nan, "NONFINITE.given"), (1.0, "NONFINITE")],
)
def test_nan_is_told_to_come_from_an_input_only_where_one_holds_inf_or_nan(held, found):
    (miss,) = misses([(reference(1, 4), reference(1, 4) * math.nan)])
    with_inputs = replace(miss, inputs={"x": torch.tensor([2.0, held]), "k": 3})
    assert recognise([with_inputs]).code == found


@pytest.mark.parametrize("received", [F32, torch.float16, torch.bfloat16])
def test_right_values_in_another_dtype_are_told_apart_from_wrong_values(received):
    r = reference(1, 5)
    found = recognise(misses([(r, r.to(received))]))
    assert stable(found.code) == "DTYPE"
    assert found.values["expected"] == "float64"
    assert code([(r, (3 * r).float())]) == "RATIO.constant"


@pytest.mark.parametrize("received", [torch.int64, F32, F64])
def test_of_an_integer_or_a_mask_it_is_not_said_that_an_inputs_dtype_was_lost(received):
    for right in (torch.tensor([True, False, True]), torch.tensor([1, 0, 1], dtype=torch.int32)):
        found = recognise(misses([(right, right.to(received))]))
        assert found.code == "DTYPE.other"


def test_an_answer_computed_in_float32_is_nearly_right():
    pairs = [(r, r.float().double()) for r in (reference(1, 5), reference(2, 5))]
    found = recognise(misses(pairs))
    assert found.code == "NEARLY"
    assert found.values["digits"] in (7, 8)
    assert code([(r, (r + 1e-3 * r.abs().sqrt()).double()) for r, _ in pairs]) == "WRONG"
    assert code([(r, r.float() * 1.001) for r, _ in pairs], F32) == "RATIO.constant"


def test_zeros_are_told_apart_from_right_zeros():
    r = torch.tensor([0.0, 1.0], dtype=F64)
    assert code([(r, torch.zeros(2, dtype=F64))]) == "ZERO"
    assert code([(r, torch.tensor([0.0, 1e-3], dtype=F64))]) == "WRONG"


# None, types, structure, flags


def test_none_is_told_apart_by_what_was_expected():
    assert code([(reference(1, 3), None), (reference(2, 3), None)]) == "NONE.returned"
    assert code([([1, 2], None)]) == "NONE.returned"
    assert code([(True, None)]) == "NONE.returned"
    assert code([(reference(1, 3), None), (reference(2, 3), 2 * reference(2, 3))]) == "WRONG.value"


@pytest.mark.parametrize(
    ("received", "word"),
    [
        (Unrecordable("Linear"), "a Linear"),
        (Unrecordable("method that was not called"), "a method that was not called"),
        (Unrecordable("torch.return_types.max"), "a torch.return_types.max"),
        ((1, 2), "a tuple of 2"),
        (1.0, "a float"),
        (True, "a bool"),
        ("text", "a str"),
    ],
)
def test_a_value_of_another_type_is_called_by_its_name(received, word):
    found = recognise(misses([(reference(1, 3), received)]))
    assert found.code == "TYPE"
    assert found.values == {"received": word, "expected": "a tensor of shape (3,)"}


@pytest.mark.parametrize(
    ("path", "off", "found"),
    [
        ("J", {F64: 1e-4, F32: 0.3}, "FACT.differences"),
        ("J", {F32: 0.3}, "FACT.differences.float32"),
        ("J", {F32: 1e-3}, "FACT.close"),
        ("J", {F32: 3}, "WRONG"),
        ("J", {F64: 0.3, F32: 0.3}, "WRONG"),
        ("matrix", {F64: 1e-4, F32: 1e-3}, "FACT.close"),
        ("y", {F64: 1e-4, F32: 0.3}, "WRONG"),
    ],
)
def test_a_derivative_that_is_near_in_float64_alone_is_told_as_differences(path, off, found):
    rng = torch.Generator().manual_seed(3)
    missed = []
    for dtype, size in off.items():
        right = 1 + torch.rand(3, 5, generator=rng, dtype=F64)
        noise = torch.rand(3, 5, generator=rng, dtype=F64) - 0.5
        received = (right * (1 + size * noise)).to(dtype)
        missed += misses([(right.to(dtype), received)], dtype, path=path)
    assert recognise(missed).code == found


def test_missing_and_surplus_parts_are_named():
    found = recognise(misses([({"a": 1, "b": 2}, {"b": 2, "c": 3})]))
    assert found.code == "STRUCTURE"
    assert found.values["parts"] == "'a' is missing, 'c' was not asked for"
    found = recognise(misses([([1, 2], [3, 2, 1])]))
    assert found.values["parts"] == "3 entries instead of 2"


@pytest.mark.parametrize(
    "flag",
    ["is_leaf", "requires_grad", "has_graph", "has_grad", "retains_grad", "same_object"],
)
@pytest.mark.parametrize("expected", [True, False])
def test_a_wrong_flag_is_named(flag, expected):
    pairs = [(expected, not expected)] * 2
    assert code(pairs, path=f"w.{flag}") == f"FLAGS.{flag}"


def test_flags_wrong_in_both_directions_have_no_one_sentence():
    assert code([(True, False), (False, True)], path="w.is_leaf") == "WRONG.flag"
    assert code([(True, torch.ones(2))], path="w.is_leaf") == "WRONG.flag"
    assert code([("MulBackward0", "AddBackward0")], path="w.grad_fn") == "FLAGS.grad_fn"
    assert code([("MulBackward0", torch.ones(3))], path="w.grad_fn") == "WRONG.flag"


@pytest.mark.parametrize(
    "received",
    [reference(1, 3) * 1j, reference(1, 3).to("meta"), 10**400, -(10**400), math.nan, [], {}],
)
@pytest.mark.parametrize("expected", [reference(2, 3), 1.5, 3, [1.0], {"a": 1.0}, True, "text"])
def test_anything_received_for_anything_has_a_sentence(expected, received):
    assert code([(expected, received)])
