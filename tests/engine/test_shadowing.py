"""A file that lies in the place of an installed module is named, and no other file is."""

import subprocess
import sys

import pytest

from tests.conftest import environment


def said(folder):
    """The last line of `from grader import check` in a folder."""
    command = [sys.executable, "-c", "from grader import check"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    return (done.stderr.strip().splitlines() or [""])[-1]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("torch.py", "x = 1"),
        ("torch.py", "import torch\nx = torch.ones(3)"),
        ("torch/__init__.py", ""),
        ("random.py", "def helper(): ..."),
    ],
)
def test_a_file_that_shadows_an_installed_module_is_named_with_the_cure(tmp_path, path, source):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(source)
    name = path.partition("/")[0]
    assert said(tmp_path) == (
        f"ImportError: {name} lies beside your notebook and is imported in the place of the "
        f"installed module {name.removesuffix('.py')}: give it another name, and restart the "
        "kernel."
    )


def test_a_name_that_is_missing_is_told_as_python_does(tmp_path):
    (tmp_path / "code.py").write_text("x = 1")  # named like a module that nothing imports here
    with pytest.raises(ImportError, match="cannot import name 'chek'"):
        from grader import chek  # noqa: F401
    assert said(tmp_path) == ""
