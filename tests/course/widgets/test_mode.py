"""Chapter 4's picture shows what torch makes, records and saves of every line in every mode."""

import warnings
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from course.widgets import explore_modes
from course.widgets.frame.svg import text_width
from course.widgets.mode.picture import ModePicture
from course.widgets.mode.programs import MODES, PROGRAMS, Program
from course.widgets.mode.reader import run

SVG = "{http://www.w3.org/2000/svg}"

every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.title)
every_mode = pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.title)


def by_hand(program, mode):
    """The tensors of a program's lines, one by one, run without any of the picture's code."""
    names = {"torch": torch, "nn": nn}
    torch.manual_seed(4)
    exec(program.given, names)
    for module in [value for value in names.values() if isinstance(value, nn.Module)]:
        module.train(not mode.evaluates)
    for lines, block in ((program.inside, mode.block()), (program.after, torch.enable_grad())):
        with block:
            for line in lines:
                try:
                    exec(line, names)
                except RuntimeError as error:
                    yield str(error)
                else:
                    yield names[line.split(" ")[0].split(".")[0]]


def made(text, *, mode, after=()):
    """What a line makes of ``x``, a leaf of 3 numbers, in a mode."""
    program = Program("one line", "x = torch.ones(3, requires_grad=True)", (text,), tuple(after))
    return run(program, next(one for one in MODES if one.title == mode)).made


# What it says is what torch does.


@every_mode
@every_program
def test_every_tensor_is_as_torch_has_it(program, mode):
    """Values, flags and errors are those of the same lines run on their own."""
    for one, real in zip(run(program, mode).made, by_hand(program, mode), strict=True):
        if isinstance(real, str):
            assert one.error == f"RuntimeError: {real}"
            continue
        assert (one.requires_grad, one.is_leaf) == (real.requires_grad, real.is_leaf)
        assert one.is_inference == real.is_inference()
        assert one.grad_fn == (real.grad_fn.name() if real.grad_fn else "")
        assert one.value.shape == tuple(real.shape)
        if one.value.numbers is not None:
            assert one.value.numbers == pytest.approx(real.flatten().tolist())


@given(st.integers(1, 40), st.integers(1, 40))
def test_the_bytes_are_those_of_the_activations(rows, width):
    """A product of two computed tensors holds both of them, one with itself holds one."""
    program = Program(
        "products",
        f"x = torch.ones({rows}, {width}, requires_grad=True)",
        ("a = x + 1", "b = x + 2", "c = a * b", "d = a * a", "e = x * x"),
    )
    size = 4 * rows * width
    recording, _, no_grad, inference = (run(program, mode) for mode in MODES)
    assert [one.held for one in recording.made] == [0, 0, 2 * size, 0, 0]
    assert [one.saved for one in recording.made] == [(), (), ("a", "b"), ("a",), ("x",)]
    assert recording.held(5) == 2 * size
    assert no_grad.held(5) == inference.held(5) == 0


def test_what_is_saved_under_another_dtype_takes_its_own_bytes():
    (one,) = made("y = x.double().exp()", mode="recording")
    assert one.held == 3 * 8


def test_the_modes_are_told_apart_in_words():
    picture = ModePicture()
    said = picture.picture(0, 2).sentence
    assert said == (
        "Step 2 of 5: a = model[1](h). recording and eval(): a requires grad, made by "
        "ReluBackward0, autograd saves a, which takes 131,072 bytes more; no_grad: a does not "
        "require grad, nothing is saved; inference_mode: a does not require grad, an inference "
        "tensor, nothing is saved."
    )
    end = picture.picture(0, 5).sentence
    assert "no_grad and inference_mode: autograd holds 0 bytes for a backward pass" in end


def test_what_no_grad_leaves_alone_is_seen():
    (view,) = made("v = x[:2]", mode="no_grad")
    assert (view.requires_grad, view.is_leaf, view.grad_fn) == (True, True, "")
    (parameter,) = made("p = nn.Parameter(torch.ones(3))", mode="no_grad")
    assert parameter.requires_grad


def test_an_inference_tensor_is_refused_where_it_would_be_saved():
    plain, product, copied = made(
        "t = x * 2", mode="inference_mode", after=("s = t * x", "r = t.clone() * x")
    )
    assert plain.is_inference
    assert product.error.startswith("RuntimeError: Inference tensors cannot be saved for backward")
    assert copied.requires_grad
    assert not copied.error


# It runs real code, and leaves no trace of it.


@pytest.mark.parametrize("block", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_looking_changes_neither_the_mode_nor_the_random_numbers(block):
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    with warnings.catch_warnings(), block():
        warnings.simplefilter("error")
        before = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
        picture = ModePicture()
        said = [picture.picture(0, step).sentence for step in range(6)]
        assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == before
    assert torch.rand(3).equal(expected)
    outside = ModePicture()
    assert said == [outside.picture(0, step).sentence for step in range(6)]


def test_the_same_program_shows_the_same_every_time():
    first, second = (
        [ModePicture().picture(choice, 3).live() for choice in range(len(PROGRAMS))]
        for _ in range(2)
    )
    assert first == second


# It can be read.


@every_program
def test_no_text_leaves_its_box(program):
    picture = ModePicture([program])
    drawn = ElementTree.fromstring(picture.picture(0, picture.last_step(0)).live())
    boxes = [g for g in drawn.iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]
    assert len(boxes) == len(MODES) * len(program.lines)
    for box in boxes:
        room = min(float(shape.get("width")) for shape in box.iter(f"{SVG}rect"))
        for text in box.iter(f"{SVG}text"):
            assert text_width(text.text, 12) <= room, text.text


@every_program
def test_every_line_is_a_step_and_the_one_that_runs_is_marked(program):
    picture = ModePicture([program])
    assert picture.last_step(0) == len(program.lines) + 1
    for step, line in enumerate(program.lines, start=1):
        shown = picture.picture(0, step)
        assert shown.sentence.startswith(f"Step {step} of {len(program.lines) + 1}: {line}")
        assert shown.live().count("data-active") == 1
        assert "later" in shown.live() or step == len(program.lines)
    assert "data-active" not in picture.picture(0, 0).live()


def test_a_notebook_chooses_the_first_program_and_hears_of_a_wrong_title(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    player = explore_modes("features for a head")
    assert player.what.label == "features for a head"
    assert {name for name, _ in player.what.options} == {program.title for program in PROGRAMS}
    bundle = player._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert "in the end" in bundle["text/plain"]
    with pytest.raises(ValueError, match="There is no program 'heads'"):
        explore_modes("heads")
