"""Cells in a box behave as in a notebook: outputs, plots, magics, await, errors, limits."""

import atexit
import base64
import functools
import re
import textwrap
from dataclasses import replace

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from grader.box.both.ended import BoxEnded, Cause
from grader.box.both.limits import LEAST_OUTPUT, PER_OUTPUT, Limits
from grader.box.inside.shell import Syntax
from grader.box.outside.boxes import Boxes
from grader.box.outside.outputs import MalformedOutputs, OutputBudget
from tests.box.common import LEVELS, need_bubblewrap

SHORT = replace(Limits(), cell=8.0, call=5.0)


@functools.cache
def pool(level="full"):
    boxes = Boxes(SHORT, level)
    atexit.register(boxes.close)
    return boxes


@pytest.fixture
def box():
    need_bubblewrap()
    with pool().open() as box:
        yield box


@pytest.mark.parametrize("level", LEVELS)
def test_a_notebook_runs_at_every_level(level):
    need_bubblewrap()
    files = {"numbers.csv": b"1,2,3", "helper.py": b"two = 2\n", "random.py": b"1 / 0\n"}
    with pool(level).open(files) as box:
        source = """
            import torch, matplotlib.pyplot as plt, random, helper
            assert random.random and helper.two == 2
            x = torch.tensor([float(n) for n in open("numbers.csv").read().split(",")])
            x.requires_grad_().square().sum().backward()
            plt.plot(x.grad)
            open("written.txt", "w").write("kept")
            x.grad
        """
        assert show(box, source) == [
            ("execute_result", "tensor([2., 4., 6.])"),
            ("display_data", "<Figure size 640x480 with 1 Axes>"),
        ]
        assert show(box, "open('written.txt').read()") == [("execute_result", "'kept'")]
        assert show(box, "import colorsys, wave; 1 / 0") == [("error", "ZeroDivisionError")]


def show(box, source):
    """Run a cell; its outputs as pairs of a type and what stands in it."""
    result = box.run_cell(textwrap.dedent(source))
    seen = []
    for output in result.outputs:
        match output.output_type:
            case "stream":
                seen.append((output.name, output.text))
            case "error":
                seen.append(("error", output.ename))
            case kind:
                seen.append((kind, output.data.get("text/plain")))
    return seen


def test_outputs_come_in_the_order_they_were_made(box):
    source = """
        import sys
        print("one")
        print("two", file=sys.stderr)
        display(3)
        print("four")
        5
    """
    assert show(box, source) == [
        ("stdout", "one\n"),
        ("stderr", "two\n"),
        ("display_data", "3"),
        ("stdout", "four\n"),
        ("execute_result", "5"),
    ]


def test_outputs_are_nbformat_and_make_a_valid_notebook(box):
    sources = ["1 + 1", "print(1)", "1 / 0", "import matplotlib.pyplot as plt; plt.plot([1, 2])"]
    cells = []
    for source in sources:
        result = box.run_cell(source)
        cell = nbformat.v4.new_code_cell(source, outputs=list(result.outputs))
        cell.execution_count = result.execution_count
        cells.append(cell)
    nbformat.validate(nbformat.v4.new_notebook(cells=cells))
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4]


def test_names_last_from_cell_to_cell_and_not_from_box_to_box(box):
    box.run_cell("kept = 41")
    assert show(box, "kept + 1") == [("execute_result", "42")]
    with pool().open() as other:
        assert show(other, "kept") == [("error", "NameError")]


def test_an_error_has_a_traceback_and_the_box_goes_on(box):
    result = box.run_cell("def f():\n    raise ValueError('no')\nf()")
    (output,) = result.outputs
    assert (output.ename, output.evalue) == ("ValueError", "no")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
    assert "----> 3 f()" in plain
    assert (result.ok, result.error) == (False, "ValueError")
    assert show(box, "f(") == [("error", "SyntaxError")]
    assert box.run_cell("1").ok


def test_a_plot_is_a_picture(box):
    result = box.run_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    (output,) = result.outputs
    assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")


def test_await_stands_at_the_top_level(box):
    source = "import asyncio\nawait asyncio.sleep(0.01)\n'waited'"
    assert show(box, source) == [("execute_result", "'waited'")]
    source = "async def two():\n    yield 2\n[number async for number in two()]"
    assert show(box, source) == [("execute_result", "[2]")]


def test_magics_and_commands_work(box):
    assert show(box, "%timeit -n1 -r1 1")[0][0] == "stdout"
    assert show(box, "!echo $((40 + 2))") == [("stdout", "42\n")]
    assert show(box, "names = !ls /work\nnames") == [("execute_result", "[]")]
    assert ("stdout", "hello\n") in show(box, "%%bash\necho hello")
    assert show(box, "%cd /tmp") == [("stdout", "/tmp\n")]
    assert show(box, "%%writefile x.txt\nabc") == [("stdout", "Writing x.txt\n")]
    assert show(box, "%history")[0][1].startswith("%timeit")


OWN_SYNTAX = [
    "%time 1",
    "x = %pwd",
    "files = !ls",
    "!ls {x}",
    "for i in range(3):\n    %time i",
    "x?",
    "x.y??",
    "%%time\n1 + 1",
    "/print 1",
    ",print a b",
    ">>> 1 + 1",
    "In [1]: 1 + 1",
    "x = (\n%time\n)",
    "def f(:",
    "\0",
    '"""\n%time\n"""\n!ls',
]
PYTHONS_OWN = [
    "x = 7 % 3\ny = (\n    7\n    % 3\n)",
    '"""\n%time\n?\n"""',
    "x = 1 \\\n/ 2; y = x != 3",
    "# what?\nx = 'really?'  # !ls",
    "async def f():\n    await g()\nawait f()",
    "if x:\n\n    pass\n# end\n",
    "",
]


@pytest.mark.parametrize("source", OWN_SYNTAX + PYTHONS_OWN)
def test_a_cell_is_translated_as_ipython_translates_it(source):
    def translated(syntax):
        try:
            return syntax.transform_cell(source)
        except SyntaxError as error:
            return str(error)

    assert translated(Syntax()) == translated(TransformerManager())


def test_a_translation_that_a_cell_adds_sees_every_cell_after_it(box):
    source = """
        class Twice:
            priority = start_line = start_col = 0
            find = classmethod(lambda cls, lines: cls() if lines[0][0].string == "x" else None)
            transform = lambda self, lines: ["2 * 4\\n"]
            sortby = lambda self: 0

        get_ipython().input_transformer_manager.token_transformers.append(Twice)
    """
    assert show(box, source) == []
    assert show(box, "x") == [("execute_result", "8")]


def test_help_and_exit_do_what_a_notebook_expects(box):
    assert "sum" in show(box, "help(sum)")[0][1]
    show(box, "exit()")
    show(box, "quit")
    assert show(box, "import sys; sys.exit(3)")[0][0] == "error"
    assert show(box, "1") == [("execute_result", "1")]


def test_there_is_nobody_to_ask(box):
    for source in ("input('name? ')", "import getpass; getpass.getpass()"):
        assert show(box, source)[-1] == ("error", "EOFError")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("input('?')", "input()"),
        ("breakpoint()", "breakpoint()"),
        ("import pdb; pdb.set_trace()", "breakpoint()"),
        ("from IPython.core.debugger import set_trace; set_trace()", "breakpoint()"),
    ],
)
def test_a_call_that_was_left_in_is_named(box, call, name):
    ran = box.run_cell(f"def answer(x):\n    {call}\n    return x\nanswer(1)")
    assert ran.error == "EOFError"
    assert ran.outputs[-1]["evalue"].startswith(f"{name} was called")


def test_what_a_subprocess_prints_is_shown(box):
    source = "import subprocess, sys\nsubprocess.run(['echo', 'sub'])\nprint('own')"
    assert sorted(show(box, source)) == [("stdout", "own\n"), ("stdout", "sub\n")]


def test_displays_can_be_updated_and_cleared(box):
    source = """
        from IPython.display import clear_output, display
        handle = display("old", display_id=True)
        handle.update("new")
    """
    assert show(box, source) == [("display_data", "'new'")]
    source = """
        from IPython.display import clear_output
        print("gone")
        clear_output(wait=True)
        print("stays")
    """
    assert show(box, source) == [("stdout", "stays\n")]


def test_torch_works_with_backward_optimizers_and_loader_processes(box):
    source = """
        import torch
        from torch.utils.data import DataLoader, TensorDataset
        net = torch.nn.Linear(3, 1)
        opt = torch.optim.Adam(net.parameters(), lr=0.1)
        loader = DataLoader(TensorDataset(torch.randn(12, 3)), batch_size=4, num_workers=2)
        for (x,) in loader:
            opt.zero_grad()
            net(x).square().mean().backward()
            opt.step()
        len(loader)
    """
    assert show(box, source) == [("execute_result", "3")]


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_torch_compile_works_with_a_backend_that_builds_no_code(box, backend):
    source = f"""
        import torch
        f = torch.compile(lambda x: (x * x).sum(), backend={backend!r})
        x = torch.ones(3, requires_grad=True)
        f(x).backward()
        x.grad.tolist()
    """
    assert show(box, source) == [("execute_result", "[2.0, 2.0, 2.0]")]


def test_the_same_submission_draws_the_same_numbers_again():
    need_bubblewrap()
    source = """
        import random, numpy, torch
        [random.random(), float(numpy.random.rand()), float(torch.rand(())), hash("text")]
    """
    drawn = []
    for _ in range(2):
        with pool().open() as box:
            drawn.append(show(box, source))
    assert drawn[0] == drawn[1]


def test_output_is_kept_up_to_the_limit_and_the_rest_counted(box):
    result = box.run_cell("for _ in range(300): print('x' * 9999)")
    kept = SHORT.output - PER_OUTPUT
    assert len(result.outputs[0].text) == kept
    assert result.dropped == 300 * 10_000 - kept
    assert result.truncated
    later = box.run_cell("print('x' * 9999)")  # the limit is for all cells together, and
    assert later.dropped == 10_000 - (LEAST_OUTPUT - PER_OUTPUT)  # each has room for a score


def test_a_flood_past_python_is_capped_too(box):
    source = "import os\nfor _ in range(100):\n    os.write(1, b'x' * 65536)"
    result = box.run_cell(source)
    text = "".join(output.text for output in result.outputs if output.output_type == "stream")
    assert len(text) == SHORT.output
    assert result.dropped >= 99 * 65536 - SHORT.output


def test_a_cell_that_does_not_end_is_interrupted_and_the_next_one_runs(box):
    quick = replace(SHORT, cell=1.0)
    with Boxes(quick, "full") as boxes, boxes.open() as one:
        one.run_cell("kept = 1")
        result = one.run_cell("print('begun')\nwhile True: sum(())")
        assert result.interrupted
        assert not result.ok
        assert result.error == "KeyboardInterrupt"
        assert result.outputs[0].text == "begun\n"
        assert show(one, "kept") == [("execute_result", "1")]


def test_thousands_of_cells_run_in_one_box(box):
    for number in range(2_000):
        assert box.run_cell(f"x = {number}").ok
    assert show(box, "x") == [("execute_result", "1999")]


def test_a_cell_can_end_its_box(box):
    with pytest.raises(BoxEnded) as death:
        box.run_cell("import os; os._exit(7)")
    assert death.value.ended.cause is Cause.EXITED


def test_text_that_utf8_cannot_carry_is_replaced(box):
    result = box.run_cell("print('\\ud800')\n'\\udfff'")
    for output in result.outputs:
        str(output).encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[1]", b'[{"output_type": "widget"}]', b"[" * 10_000, b'[{"output_type": []}]'],
)
def test_outputs_of_another_shape_are_refused(body):
    with pytest.raises(MalformedOutputs):
        OutputBudget(1000).read(body, 1)


def test_outputs_keep_text_alone():
    import json

    raw = [
        {"output_type": "display_data", "data": {"text/html": "<b>", "application/x": {"a": 1}}},
        {"output_type": "stream", "name": "elsewhere", "text": ["a"]},
        {"output_type": "error", "ename": None, "evalue": 3, "traceback": ["\ud800", 4]},
        {"output_type": "execute_result", "data": {"text/plain": "\ud800"}, "execution_count": "x"},
    ]
    kept, dropped = OutputBudget(1000).read(json.dumps(raw).encode(), 5)
    assert kept == [
        {"output_type": "display_data", "data": {"text/html": "<b>"}, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": ""},
        {"output_type": "error", "ename": "", "evalue": "", "traceback": ["?", ""]},
        {
            "output_type": "execute_result",
            "data": {"text/plain": "?"},
            "metadata": {},
            "execution_count": 5,
        },
    ]
    assert dropped == 0
    json.dumps(kept, allow_nan=False).encode()
