"""A table of vectors that was frozen when it was made: its line, and the word that thaws it."""

import pytest
import torch

from course.companion.finding import Report

_PROGRAM = """import torch
from torch import nn
from course import watch, why_no_grad
def run():
    vectors, ids = torch.ones(5, 3), torch.tensor([1, 2])
    table = nn.Embedding.from_pretrained({given})
    head = nn.Linear(3, 1)
    with watch():
        loss = head(table(ids)).sum()
        loss.backward()
    return why_no_grad(table.weight, loss), table
{beside}
"""


def _run(tmp_path, given, beside=""):
    file, space = tmp_path / "table.py", {}
    file.write_text(_PROGRAM.format(given=given, beside=beside))
    exec(compile(file.read_text(), str(file), "exec"), space)
    return space["run"]()


@pytest.mark.parametrize("given", ["vectors", "vectors, padding_idx=0", "vectors, freeze=True"])
def test_from_pretrained_is_named_with_its_line_and_its_word(tmp_path, given):
    report, _ = _run(tmp_path, given)
    assert isinstance(report, Report)
    first = report.findings[0]
    assert first.code == "frozen"
    assert first.cure.endswith("unless it is called with freeze=False.")
    assert first.place is not None
    assert first.place.text == f"table = nn.Embedding.from_pretrained({given})"


@pytest.mark.parametrize("given", ["vectors, freeze=False", "vectors, False"])
def test_freeze_false_thaws_it(tmp_path, given):
    report, table = _run(tmp_path, given)
    assert "frozen" not in report.codes
    assert torch.equal(table.weight.grad.abs().sum(1) > 0, torch.tensor([0, 1, 1, 0, 0]).bool())


def test_beside_another_statement_that_freezes_there_is_no_line(tmp_path):
    report, _ = _run(tmp_path, "vectors", "def unused(net):\n    net.requires_grad_(False)")
    assert report.findings[0].code == "frozen"
    assert report.findings[0].place is None
    assert "freeze=False" in report.findings[0].cure
