"""Chapter 3's picture says who shares memory, and how an edit ends, as torch has it."""

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course.widgets import explore_edits, show_memory
from course.widgets.frame.notice import Notice
from course.widgets.frame.svg import Picture, text_width
from course.widgets.frame.values import number
from course.widgets.memory.explorer import SteppedStories
from course.widgets.memory.reader import MOST_CELLS, MemoryReader
from course.widgets.memory.story import statements, tell

SVG = "{http://www.w3.org/2000/svg}"
X = "x = torch.tensor([-1.0, 2.0], requires_grad=True)"

# What each of these saves for its backward pass.
COMPUTED = {"x.exp()": "y", "x.relu()": "y", "x ** 3": "x", "2 * x + 1": ""}
# How an edit reaches its tensor, and whether autograd can count it.
EDITED = {
    "{}.detach().add_(1)": True,
    "with torch.no_grad(): {}.add_(1)": True,
    "{}.data.add_(1)": False,
    "{}.detach().data.add_(1)": False,
}


def same_storage(one, other):
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def read(**named):
    return MemoryReader().look(named)


def by_name(frame):
    return {name: handle for handle in frame.handles for name in handle.names}


# How an edit ends.


@pytest.mark.parametrize("edited", ["x", "y"])
@pytest.mark.parametrize("edit", EDITED)
@pytest.mark.parametrize("computed", COMPUTED)
def test_an_edit_ends_as_the_two_questions_of_the_lesson_say(computed, edit, edited):
    """Was the tensor saved? Was the edit counted?"""
    story = tell(f"{X}\ny = {computed}", edit.format(edited), "y.sum().backward()")
    if COMPUTED[computed] != edited:
        assert story.ending == "right"
    else:
        assert story.ending == ("refused" if EDITED[edit] else "wrong")


def outcome(*lines):
    """What a program gives: x's gradient, or the type of the error."""
    names = {"torch": torch}
    try:
        for line in lines:
            exec(line, names)
    except RuntimeError as error:
        return type(error).__name__
    return names["x"].grad


@pytest.mark.parametrize("edited", ["x", "y"])
@pytest.mark.parametrize("edit", EDITED)
@pytest.mark.parametrize("computed", COMPUTED)
def test_the_gradients_are_those_of_torch(computed, edit, edited):
    lines = [X, f"y = {computed}", edit.format(edited), "y.sum().backward()"]
    story = tell("\n".join(lines[:2]), lines[2], lines[3])
    real, without = outcome(*lines), outcome(*lines[:2], lines[3])
    if isinstance(real, str):
        assert story.error.startswith(real)
    else:
        shown = ", ".join(map(number, real.tolist()))
        assert story.grads == f"x.grad = [{shown}]"
        assert (story.ending == "right") == torch.equal(real, without)
    assert story.grads_without == f"x.grad = [{', '.join(map(number, without.tolist()))}]"


@pytest.mark.parametrize(
    ("edit", "ending"),
    [
        ("", ""),
        ("x.add_(1)", "stopped"),  # a leaf
        ("y.add_(1)", "refused"),
        ("y[0] = 5.0", "refused"),
        ("y = y * 3", "recorded"),
        ("v = y[:1]; v.mul_(10)", "refused"),
        ("c = y.clone(); c.mul_(10)", "right"),
        ("d = y.data.clone(); d.mul_(10)", "right"),
    ],
)
def test_edits_of_other_kinds_end_as_they_do_in_torch(edit, ending):
    assert tell(f"{X}\ny = x.exp()", edit, "y.sum().backward()").ending == ending
    real = outcome(X, "y = x.exp()", *statements(edit), "y.sum().backward()")
    assert isinstance(real, str) == (ending in ("refused", "stopped"))


def test_a_recorded_edit_is_not_called_wrong():
    story = tell(f"{X}\ny = 2 * x", "y.mul_(10)", "y.sum().backward()")
    assert story.ending == "recorded"
    assert (story.grads, story.grads_without) == ("x.grad = [20, 20]", "x.grad = [2, 2]")


# Who shares memory.


@st.composite
def views(draw):
    """A tensor and a few views and copies of it, each made from one of those before."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    made = [torch.arange(float(rows * columns)).view(rows, columns)]
    steps = {
        "transposed": lambda t: t.transpose(0, -1),
        "flat": lambda t: t.reshape(-1),
        "from the second": lambda t: t[1:],
        "every other": lambda t: t[..., ::2],
        "repeated": lambda t: t[..., None].expand(*t.shape, 2),
        "detached": torch.Tensor.detach,
        "data": lambda t: t.data,
        "cloned": torch.clone,
        "itself": lambda t: t,
    }
    for step in draw(st.lists(st.sampled_from(list(steps)), max_size=5)):
        source = draw(st.sampled_from(made))
        if source.dim() and source.numel():
            made.append(steps[step](source))
    return {f"t{i}": tensor for i, tensor in enumerate(made)}


@given(views())
def test_every_entry_lies_in_the_cell_it_is_drawn_under(named):
    frame = read(**named)
    handles = by_name(frame)
    for name, tensor in named.items():
        handle = handles[name]
        values = frame.strip(handle.strip).values
        entries = list(zip(handle.cells, tensor.flatten().tolist(), strict=False))
        assert len(entries) == tensor.numel() or tensor.numel() > MOST_CELLS
        drawn = [(cell, entry) for cell, entry in entries if cell < MOST_CELLS]  # "… 2 more" behind
        assert [values[cell] for cell, _ in drawn] == [number(entry) for _, entry in drawn]
        assert (handle.offset, handle.stride) == (tensor.storage_offset(), tensor.stride())
    for one, other in combinations(named, 2):
        shared = same_storage(named[one], named[other])
        assert (handles[one].strip == handles[other].strip) == shared
        assert (handles[one] is handles[other]) == (named[one] is named[other])


def test_versions_and_kinds_are_those_of_torch():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp()
    named = {"x": x, "y": y, "v": y[:1], "d": y.detach(), "p": y.data, "c": y.clone()}
    reader = MemoryReader()
    before = reader.look(named)
    named["d"].add_(1)
    named["p"].add_(1)
    after = reader.look(named)
    for frame, edits in ((before, 0), (after, 1)):
        (saved,) = frame.saved
        assert (saved.node, saved.name, saved.then) == ("ExpBackward0", "y", 0)
        assert (saved.now, saved.changed) == (edits, edits > 0)
    for name, handle in by_name(after).items():
        assert handle.version == named[name]._version
        assert (handle.kind == "tensor") == (not named[name].is_leaf)
        assert (handle.kind == "constant") == (not named[name].requires_grad)


def test_what_shares_memory_is_said_in_words():
    a = torch.arange(4.0)
    b = a
    v = a[1:]
    c = a.clone()
    shown = show_memory(a, b, v, c)
    assert shown.sentence == "a and b and v share storage 1; c has storage 2 to itself."
    unnamed = show_memory(torch.ones(2))
    assert unnamed.sentence == "tensor 1 has storage 1 to itself."
    assert a._version == 0  # looking is no edit


def test_what_cannot_be_drawn_is_explained():
    meta, sparse = torch.ones(2, device="meta"), torch.eye(2).to_sparse()
    for wrong in ([1.0], meta, sparse, torch.zeros(0)):
        assert isinstance(show_memory(wrong), Notice)
    assert "needs the tensors" in show_memory().message


# The picture.


def test_each_statement_is_a_step_and_says_what_it_did():
    story = tell(f"{X}\ny = x.exp()", "d = y.data\nd.add_(1)", "y.sum().backward()")
    stepped = SteppedStories([story])
    told = [stepped.picture(0, step).sentence for step in range(stepped.last_step(0) + 1)]
    assert told[1:] == [
        "Step 1 of 4: y = x.exp(): y has storage 2 to itself; ExpBackward0 saved y at version 0.",
        "Step 2 of 4: d = y.data: d shares storage 2 with y.",
        "Step 3 of 4: d.add_(1): storage 2 now holds [1.368, 8.389]; the edit counts for d "
        "(version 1); y (version 0) did not notice it; "
        "ExpBackward0 cannot tell that the y it saved has changed.",
        "Step 4 of 4: y.sum().backward() gives x.grad = [1.368, 8.389]. "
        "Without the edit: x.grad = [0.3679, 7.389]. No error: silently wrong.",
    ]
    with_block = "with torch.no_grad():\n    y.add_(1)"
    assert statements(with_block) == ("with torch.no_grad(): y.add_(1)",)


def test_an_error_stops_the_story_at_its_line():
    stepped = SteppedStories([tell(X, "x.add_(1)\nx.mul_(2)", "x.sum().backward()")])
    assert stepped.last_step(0) == 1
    assert "x.add_(1) raises RuntimeError: a leaf Variable" in stepped.picture(0, 1).sentence


def test_rows_and_texts_do_not_meet():
    edits = ["y.data.add_(1)", "v = y[:1]; v.mul_(10)", "long_name = y.clone().double()"]
    stepped = explore_edits(f"{X}\ny = x.exp()", *edits)._stepped
    for choice in range(len(stepped.choices)):
        picture = stepped.picture(choice, stepped.last_step(choice))
        assert isinstance(picture, Picture)
        starts = []
        for text in ElementTree.fromstring(picture.live()).iter(f"{SVG}text"):
            left, wide = float(text.get("x")), text_width(text.text, 12)
            if text.get("text-anchor") == "start":
                assert left + wide <= picture.width
                starts.append((left, float(text.get("y"))))
        assert len(set(starts)) == len(starts)
        layout = stepped._pictures[choice].layout
        heights = sorted(layout.rows.values())
        assert all(low - high >= 30 for high, low in pairwise(heights))


def test_a_page_without_a_kernel_shows_how_the_first_edit_ends(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    x = torch.tensor([1.0])
    player = explore_edits(f"{X}\ny = x.exp()", "y.data.add_(1)", start="y.data.add_(1)")
    assert player.sentence.startswith("Step 0 of 3")
    assert player._repr_mimebundle_()["text/plain"].endswith("silently wrong.")
    assert re.fullmatch(r"tensor\(\[1\.\]\)", repr(x))  # the notebook's own x is untouched
    with pytest.raises(ValueError, match="not in tuple"):
        explore_edits(f"{X}\ny = x", "y.add_(1)", start="y.add_(2)")
    with pytest.raises(NameError):
        explore_edits(X, "unknown.add_(1)")
