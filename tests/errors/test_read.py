"""What a number, a tuple, a target or an index is, is read in the frames; and the cure cures."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A sum that was given no term


def _total(out, targets):
    loss = 0
    for y in targets:
        known = ~torch.isnan(y)
        if known.any():
            loss += F.mse_loss(out[known], y[known])
    return loss


def _masked(skips=False, hangs=False):
    net = nn.Linear(2, 1)
    out = net(torch.ones(3, 2)).squeeze(1)
    loss = _total(out, [torch.full((3,), torch.nan)])
    if hangs:
        loss += (out * 0).sum()
    if not skips or torch.is_tensor(loss):
        loss.backward()
    if hangs:
        assert torch.equal(net.weight.grad, torch.zeros(1, 2))


@told(
    "number_used",
    r"^loss is still the 0 .*no term was added",
    "    loss = 0\n",
    "if torch.is_tensor(loss)",
    lambda: _masked(skips=True),
)
def a_function_whose_sum_got_no_term():
    _masked()


@told(
    "number_used",
    r"^total is still the 0",
    "total, count = 0, 0",
    "(out * 0).sum() in the place of 0",
    lambda: _masked(hangs=True),
)
def a_sum_that_began_at_0_in_this_frame():
    total, count = 0, 0
    for loss in []:
        total += loss
        count += 1
    total = total / max(count, 1)
    total.backward()


@told(
    "number_used",
    r"^loss is still the 0",
    "loss = sum(losses)",
    "Leave out the step",
    lambda: _masked(skips=True),
)
def the_sum_of_an_empty_list():
    losses = []
    loss = sum(losses)
    loss.backward()


@told("number_used", r"^sum\(losses\) is still the 0", "sum(losses).ba", "Leave", lambda: None)
def the_sum_of_an_empty_list_on_the_spot():
    losses = []
    sum(losses).backward()


def _hinge(read):
    loss = torch.relu(-torch.ones(1, requires_grad=True)).sum()
    return loss.item() if read else loss


@told(
    "number_used",
    r"made by the line that is named here: item\(\)",
    "return loss.item()",
    "Leave item()",
    lambda: _hinge(False).backward(),
)
def a_zero_that_item_made_is_no_empty_sum():
    loss = _hinge(True)
    loss.backward()


def test_a_sum_of_numbers_is_no_empty_sum():
    losses = [float(torch.ones(())) for _ in range(2)]
    with pytest.raises(AttributeError) as raised:
        sum(losses).backward()
    assert "still the 0" not in explain_error(raised.value).meaning


# Texts, and other tuples


_NAMES = ["cat", "dog", "bird", "cat"]


def _animals(numbered, move=False):
    number = {name: i for i, name in enumerate(sorted(set(_NAMES)))}
    net, crit = nn.Linear(3, 3), nn.CrossEntropyLoss()
    samples = [(torch.ones(3), number[name] if numbered else name) for name in _NAMES]
    for feats, labels in DataLoader(samples, batch_size=4):
        if move:
            labels = labels.to("cpu")
        loss = crit(net(feats), labels)
        loss.backward()


_HOLD = r"^labels holds text: 'cat', 'dog', 'bird' and so on\."


@told(
    "tuple_used",
    _HOLD,
    "loss = crit(net(feats), labels)",
    "class numbers",
    lambda: _animals(True),
)
def labels_that_are_texts():
    _animals(False)


@told(
    "tuple_used",
    _HOLD,
    'labels = labels.to("cpu")',
    "return number[label]",
    lambda: _animals(True, True),
)
def labels_that_are_texts_and_are_moved():
    _animals(False, True)


@told(
    "list_for_tensor",
    r"^labels holds text: 'cat'\. A DataLoader .* in a list",
    "crit(torch.ones(1, 3), labels)",
    "class numbers",
    lambda: _animals(True),
)
def a_list_of_texts():
    crit, labels = nn.CrossEntropyLoss(), ["cat"]
    crit(torch.ones(1, 3), labels)


@told(
    "tuple_used",
    r"^pair is a tuple of 2 entries \(Tensor\), and a tensor",
    "F.relu(pair)",
    "pair[0]",
    lambda: F.relu((torch.ones(2), torch.ones(2))[0]),
)
def a_tuple_of_tensors():
    pair = torch.ones(2), torch.ones(2)
    F.relu(pair)


@told(
    "tuple_used", r"An LSTM returns", None, "output, state", lambda: nn.LSTM(3, 4)(torch.ones(2, 3))
)
def a_tuple_of_an_lstm():
    lstm = nn.LSTM(3, 4)
    out = lstm(torch.ones(2, 3))
    F.relu(out)


# A value of the target beyond the classes


def _segmented(ignored=-100, mark=255, outputs=3):
    loss_fn = nn.CrossEntropyLoss(ignore_index=ignored)
    pred = torch.zeros(2, outputs, 2, 2, requires_grad=True)
    mask = torch.tensor([[[0, 1], [2, mark]]] * 2)
    loss = loss_fn(pred, mask)
    loss.backward()


@pytest.mark.parametrize("mark", [255, -1, 99])
def test_one_value_beyond_the_classes_may_mark_no_label(mark):
    with pytest.raises(IndexError) as raised:
        _segmented(mark=mark)
    found = explain_error(raised.value)
    assert f"mask holds one value that is none of them: {mark}." in found.meaning
    assert f"ignore_index={mark})" in found.cure
    _segmented(ignored=mark, mark=mark)


@told(
    "target_range",
    r"3 classes, 0 to 2, and mask holds numbers from 0 to 3",
    "loss = loss_fn(pred, mask)",
    "as many outputs",
    lambda: _segmented(mark=3, outputs=4),
)
def a_class_more_than_the_net_has():
    _segmented(mark=3)


@told(
    "target_range",
    r"y holds numbers from 1 to 3",
    "F.cross_entropy(torch.zeros(3, 3), y)",
    "y - 1",
    lambda: F.cross_entropy(torch.zeros(3, 3), torch.tensor([1, 2, 3]) - 1),
)
def classes_that_begin_at_1():
    y = torch.tensor([1, 2, 3])
    F.cross_entropy(torch.zeros(3, 3), y)


@told(
    "target_range",
    r"y holds numbers from -1 to 255",
    "F.cross_entropy(torch.zeros(3, 3), y)",
    "from 0",
    lambda: None,
)
def several_values_beyond_the_classes():
    y = torch.tensor([1, 255, -1])
    F.cross_entropy(torch.zeros(3, 3), y)


# An index beyond what it indexes


_GRAPHS = """import torch
def run():
    sizes = torch.tensor([2, 4])
    offset = {offset}
    edges = [torch.tensor([0, 1]), torch.tensor([0, 3])]
    src = torch.cat([e + o for e, o in zip(edges, offset)])
    return torch.ones(6, 3)[src]
"""


def _run(tmp_path, offset):
    file, space = tmp_path / "graphs.py", {}
    file.write_text(_GRAPHS.format(offset=offset))
    exec(compile(file.read_text(), str(file), "exec"), space)
    return space["run"]()


@pytest.mark.parametrize("ends", ["torch.cumsum(sizes, 0)", "sizes.cumsum(0)"])
def test_an_offset_that_holds_ends_is_named(tmp_path, ends):
    with pytest.raises(IndexError) as raised:
        _run(tmp_path, ends)
    found = explain_error(raised.value)
    assert (found.code, found.place, found.sure) == ("index_range", "graphs.py, line 4", False)
    assert "src goes from 2 to 9, and dimension 0" in found.meaning
    assert "size 6: 0 to 5" in found.meaning
    assert f"offset = {ends} - sizes." in found.cure
    _run(tmp_path, f"{ends} - sizes")


@told(
    "index_range",
    r"rows goes from 1 to 3, and dimension 0, which it indexes, has the size 3: 0 to 2",
    "rows = torch.tensor([1, 2, 3])",
    "rows - 1",
    lambda: torch.ones(3)[torch.tensor([1, 2, 3]) - 1],
)
def an_index_that_begins_at_1():
    rows = torch.tensor([1, 2, 3])
    torch.ones(3)[rows]


def test_an_index_that_does_not_begin_at_1_is_not_to_be_made_smaller():
    rows = torch.tensor([0, 2, 3])
    with pytest.raises(IndexError) as raised:
        torch.ones(3)[rows]
    found = explain_error(raised.value)
    assert "rows goes from 0 to 3" in found.meaning
    assert "subtract" not in found.cure
    assert "- 1" not in found.cure


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_frames_say_what_it_is_and_the_cure_cures(program):
    program.is_explained()
