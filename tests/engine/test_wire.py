"""Plain data crosses the wire unchanged; bytes that `pack` did not write are refused, cheaply."""

import contextlib
import io
import json
import math
import pickle
import resource
import struct
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from grader.engine.observation import (
    DTYPES,
    MAX_NUMBERED,
    Observation,
    Raised,
    Unrecordable,
    record,
)
from grader.engine.wire import (
    MAX_BYTES,
    MAX_TREE,
    MalformedMessage,
    pack,
    pack_observation,
    unpack,
    unpack_observation,
)
from tests.conftest import environment

FLOATS = st.floats(width=64)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGERS = st.one_of(st.integers(), st.just(2**4000), st.just(-(2**4000) + 1))
SCALARS = st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, TEXT)


@st.composite
def tensors(draw):
    """Tensors of every dtype and layout: empty, of no dimension, strided, conjugated, on meta."""
    dtype = draw(st.sampled_from(sorted(DTYPES.values(), key=str)))
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    rng = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    values = torch.randint(-3, 4, shape, generator=rng).to(dtype)
    if dtype.is_floating_point or dtype.is_complex:
        values = values * draw(st.sampled_from([1.0, math.inf, math.nan, -0.0, 1e-3]))
    turned = draw(st.sampled_from(["plain", "transposed", "expanded", "conjugated", "meta"]))
    if turned == "transposed":
        return values.movedim(0, -1) if values.ndim else values
    if turned == "expanded":
        return values.expand(2, *shape)
    if turned == "conjugated":
        return values.conj()
    return values.to("meta") if turned == "meta" else values


PLAIN = st.recursive(
    st.one_of(SCALARS, st.complex_numbers(), tensors(), TEXT.map(Unrecordable)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(SCALARS, inner, max_size=4),
        st.frozensets(SCALARS, max_size=4),
    ),
    max_leaves=12,
)


def same(one, other):
    """Equality to the bit, which no tolerance and no __eq__ of nan decides."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        if (one.dtype, one.shape, one.device) != (other.dtype, other.shape, other.device):
            return False
        return one.is_meta or bits(one) == bits(other)
    if isinstance(one, float):
        return one.hex() == other.hex()
    if isinstance(one, complex):
        return same([one.real, one.imag], [other.real, other.imag])
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    if isinstance(one, frozenset):
        return same(sorted(one, key=repr), sorted(other, key=repr))
    return one == other


def bits(tensor):
    solid = tensor.resolve_conj().resolve_neg().contiguous().reshape(-1)
    return solid.view(torch.uint8).tolist() if solid.numel() else []


@given(PLAIN)
@example([math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324])
@example({True: 1, "a": {"b": ((), [], {}, frozenset())}, None: None, 1.5: "x"})
@example(torch.zeros(0, 3, dtype=torch.complex128))
@example(torch.tensor(True))
def test_plain_data_comes_back_unchanged(value):
    assert same(unpack(pack(value)), value)


@given(PLAIN)
def test_what_is_recorded_can_be_sent(value):
    kept = record(value)
    assert same(unpack(pack(kept)), kept)


@given(
    st.dictionaries(TEXT, PLAIN, max_size=3),
    st.dictionaries(TEXT, TEXT, max_size=3),
    st.one_of(
        st.none(),
        st.builds(Raised, TEXT, TEXT, st.booleans(), st.booleans(), TEXT, st.booleans()),
    ),
)
def test_an_observation_comes_back_unchanged(values, effects, error):
    observation = Observation(values, effects, error)
    received = unpack_observation(pack_observation(observation))
    assert same(dict(received.values), values)
    assert received.effects == effects
    assert received.error == error


def test_a_received_tensor_is_exact_bare_and_the_receivers_own():
    sent = torch.nn.Parameter(torch.ones(3)) * 2
    received = unpack(pack([sent, sent]))
    for tensor in received:
        assert type(tensor) is torch.Tensor
        assert tensor.is_leaf
        assert not tensor.requires_grad
    received[0].add_(1)
    assert received[1].tolist() == [2, 2, 2]
    assert sent.tolist() == [2, 2, 2]


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_what_is_no_plain_data_is_not_sent():
    class Odd:
        pass

    for value in (Odd(), {(1, 2): 1}, {Odd: 1}, frozenset({(1, 2)}), b"bytes"):
        with pytest.raises(TypeError):
            pack(value)
    for dtype in (torch.float8_e4m3fn, torch.complex32):
        with pytest.raises(TypeError):
            pack(torch.zeros(2).to(dtype))
    with pytest.raises(ValueError, match="surrogates"):
        pack("\ud800")


def test_a_message_too_large_to_be_read_is_not_written():
    with pytest.raises(ValueError, match="bytes"):
        pack(["x" * 1000] * 5000)
    with pytest.raises(ValueError, match="bytes"):
        pack(torch.zeros(MAX_BYTES // 8 + 1, dtype=torch.float64))


# Hostile bytes


def refused(message):
    """Whether a message is refused, or is one that `pack` could have written."""
    try:
        value = unpack(message)
    except MalformedMessage:
        return True
    return pack(value) == message


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(message):
    with pytest.raises(MalformedMessage):
        unpack(message)


RICH = pack(
    {
        "values": {"g": torch.arange(6.0).reshape(2, 3), "n": [1, 2.5, (None, True), 1j]},
        "effects": {"input": "x"},
        "error": None,
        "set": frozenset({1, "a"}),
        "odd": [Unrecordable("Linear"), torch.ones(2, device="meta"), torch.ones(2) * 1j],
    }
)


@settings(max_examples=1000)
@given(st.data())
def test_a_changed_message_is_refused_or_is_another_message(data):
    message = bytearray(RICH)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(message) - 1))
        action = data.draw(st.sampled_from(["set", "delete", "insert", "repeat", "swap"]))
        if action == "set":
            message[at] = data.draw(st.integers(0, 255))
        elif action == "delete":
            del message[at : at + data.draw(st.integers(1, 8))]
        elif action == "insert":
            message[at:at] = data.draw(st.binary(min_size=1, max_size=8))
        elif action == "repeat":
            message[at:at] = message[at : at + 16]
        else:
            other = data.draw(st.integers(0, len(message) - 1))
            message[at], message[other] = message[other], message[at]
    assert refused(bytes(message))
    with_lengths = framed(*split(bytes(message)))
    assert refused(with_lengths)
    with contextlib.suppress(MalformedMessage):
        unpack_observation(with_lengths)


def framed(tree, blob=b""):
    return struct.pack(">II", len(tree), len(blob)) + tree + blob


def split(message):
    """Tree and blob of a message whose lengths may be wrong."""
    tree_size = struct.unpack(">I", RICH[:4])[0]
    return message[8 : 8 + tree_size], message[8 + tree_size :]


@settings(max_examples=500)
@given(
    st.recursive(
        st.one_of(
            SCALARS,
            st.sampled_from(["i", "f", "c", "t", "z", "m", "u", "p", "l", "s", "d", "0", "nan"]),
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["i", "f", "c", "t", "z", "m", "u", "p", "l", "s", "d", "q"]),
                inner,
                max_size=2,
            ),
        ),
        max_leaves=10,
    )
)
def test_any_json_is_refused_or_is_what_pack_writes(tree):
    text = json.dumps(tree).encode()
    assert refused(framed(text))
    assert refused(framed(text, save({"0": torch.ones(2, 2)})))


TREES = {
    "not JSON": b"{",
    "nothing": b"",
    "nan": b"NaN",
    "a bare number": b"3",
    "a bare list": b"[]",
    "a number with an underscore": b'{"i": "1_0"}',
    "a number in other digits": '{"i": "\u0663"}'.encode(),
    "a number with a blank": b'{"i": " 1"}',
    "a number without end": b'{"i": "' + b"9" * 10_000 + b'"}',
    "a float as text": b'{"f": "1.5"}',
    "a float too large": b'{"f": "0x1p+99999"}',
    "an unknown tag": b'{"x": 1}',
    "two tags": b'{"i": "1", "f": "inf"}',
    "the same tag twice": b'{"i": "1", "i": "2"}',
    "no tag": b"{}",
    "a tensor that is not there": b'{"t": "0"}',
    "a tensor by number": b'{"t": 0}',
    "a dtype that is a module": b'{"m": [[1], "_dynamo"]}',
    "a dtype that is a function": b'{"m": [[1], "load"]}',
    "a negative size": b'{"m": [[-1], "float32"]}',
    "a size beyond all": b'{"m": [[9223372036854775807, 9223372036854775807], "float32"]}',
    "a list as a key": b'{"d": [[{"l": []}, true]]}',
    "a key twice": b'{"d": [["a", true], ["a", false]]}',
    "a dict as an entry of a set": b'{"s": [{"d": []}]}',
    "a set out of order": b'{"s": ["b", "a"]}',
    "a pair of three": b'{"d": [["a", true, true]]}',
    "a lone surrogate": b'"\\ud800"',
    "blanks": b' {"l": []}',
    "nested beyond the limit": b'{"l": [' * 40 + b"]}" * 40,
    "nested beyond the stack": b'{"l": [' * 100_000,
    "lists beyond the stack": b"[" * 1_000_000,
    "a name of 201 letters": b'{"u": "' + b"x" * 201 + b'"}',
}


@pytest.mark.parametrize("case", TREES)
def test_a_forged_tree_is_refused(case):
    with pytest.raises(MalformedMessage):
        unpack(framed(TREES[case]))


def header(entries, data=b""):
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


BLOBS = {
    "too short": b"\x01",
    "a header that is longer than the blob": struct.pack("<Q", 2**20) + b"{}",
    "a header that is longer than memory": struct.pack("<Q", 2**63) + b"{}",
    "no JSON": struct.pack("<Q", 2) + b"{{",
    "an unknown dtype": header(
        {"0": {"dtype": "F9", "shape": [1], "data_offsets": [0, 4]}}, b"1234"
    ),
    "a size beyond the data": header(
        {"0": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}}
    ),
    "sizes that overflow": header(
        {"0": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}}, b"1234"
    ),
    "offsets that go back": header(
        {"0": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, b"1234"
    ),
    "two tensors on one place": header(
        {
            "0": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            "1": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        },
        b"1234",
    ),
    "a dtype that is not sent": header(
        {"0": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}, b"1234"
    ),
    "a tensor that nobody names": save({"0": torch.ones(1), "1": torch.ones(1)}),
    "another name": save({"zero": torch.ones(1)}),
    "metadata": save({"0": torch.ones(1)}, {"a": "b"}),
    "a pickle": pickle.dumps({"0": 1}),
}


@pytest.mark.parametrize("case", BLOBS)
def test_a_forged_blob_is_refused(case):
    with pytest.raises(MalformedMessage):
        unpack(framed(b'{"t": "0"}', BLOBS[case]))


def test_a_tensor_named_twice_is_refused():
    blob = save({"0": torch.ones(1)})
    assert unpack(framed(b'{"l": [{"t": "0"}]}', blob))
    with pytest.raises(MalformedMessage):
        unpack(framed(b'{"l": [{"t": "0"}, {"t": "0"}]}', blob))


def test_lengths_that_do_not_add_up_are_refused():
    message = pack([1])
    for wrong in (b"", message[:7], message + b" ", message[:-1], b"\xff" * 8 + message[8:]):
        with pytest.raises(MalformedMessage):
            unpack(wrong)


def test_a_message_beyond_the_limit_is_refused_unread():
    with pytest.raises(MalformedMessage):
        unpack(bytes(MAX_BYTES + 1))
    with pytest.raises(MalformedMessage):
        unpack(framed(b'"' + b"x" * MAX_TREE + b'"'))


class Loud:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return print, ("unpickled",)


def test_nothing_is_run_and_nothing_imported_by_reading(capsys):
    buffer = io.BytesIO()
    torch.save(Loud(), buffer)
    before = set(sys.modules)
    for blob in (pickle.dumps(Loud()), buffer.getvalue()):
        for message in (blob, framed(blob), framed(b'{"t": "0"}', blob)):
            with pytest.raises(MalformedMessage):
                unpack(message)
    for name in ("_dynamo", "compiler", "onnx", "testing", "__class__", "os"):
        with pytest.raises(MalformedMessage):
            unpack(framed(b'{"m": [[1], "' + name.encode() + b'"]}'))
    assert set(sys.modules) == before
    assert capsys.readouterr().out == ""


WORST = {
    "empty dicts": "b'[' + b'{},' * (4 * 1024 * 1024 // 3 - 2) + b'{}]'",
    "empty lists": "b'{\"l\": [' + b'[],' * (4 * 1024 * 1024 // 3 - 9) + b'[]]}'",
    "numbers": "b'{\"l\": [' + b'0,' * (4 * 1024 * 1024 // 2 - 9) + b'0]}'",
    "truths": "b'{\"l\": [' + b'true, ' * (4 * 1024 * 1024 // 6 - 9) + b'true]}'",
    "texts": "b'{\"l\": [' + b'\"\", ' * (4 * 1024 * 1024 // 4 - 9) + b'\"\"]}'",
    "escapes": "b'\"' + b'\\\\u0041' * (4 * 1024 * 1024 // 6 - 9) + b'\"'",
}


@pytest.mark.parametrize("case", WORST)
def test_the_worst_json_within_the_limit_takes_bounded_memory(case):
    program = f"""
import resource, struct
from grader.engine.wire import MalformedMessage, unpack
tree = {WORST[case]}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    unpack(struct.pack(">II", len(tree), 0) + tree)
except MalformedMessage:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert int(done.stdout) < 256


def test_many_empty_tensors_take_bounded_memory():
    entries = {
        str(i): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(55_000)
    }
    message = framed(b'{"t": "0"}', header(entries))
    assert MAX_TREE * 0.8 < len(message) < MAX_TREE
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MalformedMessage):
        unpack(message)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


# What an observation must be


@pytest.mark.parametrize(
    "tree",
    [
        None,
        [],
        {},
        {"values": {}, "effects": {}},
        {"values": {}, "effects": {}, "error": None, "more": 1},
        {"values": [], "effects": {}, "error": None},
        {"values": {1: 2}, "effects": {}, "error": None},
        {"values": {}, "effects": {"input": 1}, "error": None},
        {"values": {}, "effects": {None: "x"}, "error": None},
        {"values": {}, "effects": [], "error": None},
        {"values": {}, "effects": {}, "error": "text"},
        {"values": {}, "effects": {}, "error": ("E", "m", True, True, "")},
        {"values": {}, "effects": {}, "error": ("E", "m", 1, True, "", False)},
        {"values": {}, "effects": {}, "error": ["E", "m", True, True, "", False]},
        {"values": {}, "effects": {}, "error": (Unrecordable("E"), "m", True, True, "", False)},
    ],
)
def test_other_data_is_no_observation(tree):
    with pytest.raises(MalformedMessage):
        unpack_observation(pack(tree))


@pytest.mark.parametrize("tag", ["s", "d"])
@pytest.mark.parametrize("number", ["i", "f"])
def test_numbers_that_all_meet_in_one_place_of_a_hash_table_cost_next_to_nothing(tag, number):
    meet = [i * (2**61 - 1) for i in range(1, 60_000)]  # Python hashes each of them to 0
    if number == "i":
        keys = [{"i": str(value)} for value in meet]
    else:
        keys = [{"f": float(2.0 ** (61 * (i % 16)) * (i + 1)).hex()} for i in range(60_000)]
    tree = {tag: keys if tag == "s" else [[key, None] for key in keys]}
    before = time.process_time()
    with pytest.raises(MalformedMessage, match="too many numbers"):
        unpack(framed(json.dumps(tree).encode()))
    assert time.process_time() - before < 10  # a fifth of one; in such a table, more than twenty


def test_many_numbers_in_a_set_are_not_recorded_and_many_texts_are():
    assert record({str(number) for number in range(5000)}) == {str(n) for n in range(5000)}
    assert record(dict.fromkeys(map(str, range(5000)))) == dict.fromkeys(map(str, range(5000)))
    for value in (set(range(MAX_NUMBERED + 1)), dict.fromkeys(range(MAX_NUMBERED + 1))):
        assert isinstance(record(value), Unrecordable)
    assert unpack(pack(record(set(range(MAX_NUMBERED))))) == set(range(MAX_NUMBERED))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 1), (2, 3)])
@pytest.mark.parametrize("dtype", [d for d in DTYPES.values() if not d.is_complex])
def test_tensors_are_the_bytes_that_safetensors_writes(dtype, shape):
    tensors = {"0": torch.ones(shape).to(dtype), "1": torch.arange(5).to(dtype)}
    assert pack(list(tensors.values())).endswith(save(tensors))
