"""The start page has the theme that was chosen in JupyterLab, or else the system's."""

import pytest

from grader.start.page import start_page
from grader.start.theme import chosen, of_settings


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("", ""),
        ("{}", ""),
        ("{", ""),
        ('{"theme": "JupyterLab Dark"}', "dark"),
        ('{"theme": "JupyterLab Dark High Contrast", "adaptive-theme": false}', "dark"),
        ('{\n    // Theme\n    /* "theme": "x" */\n    "theme": "JupyterLab Light"\n}', "light"),
        ('{"theme": "JupyterLab Dark", "adaptive-theme": true}', ""),
        ('{\n    // "theme": "JupyterLab Dark"\n}', ""),
    ],
)
def test_a_theme_that_was_chosen_is_taken_and_an_adaptive_one_is_the_systems(text, scheme):
    assert of_settings(text) == scheme


def test_it_is_read_where_jupyterlab_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path))
    assert chosen() == ""
    place = tmp_path / "@jupyterlab" / "apputils-extension"
    place.mkdir(parents=True)
    (place / "themes.jupyterlab-settings").write_text('{"theme": "JupyterLab Dark"}')
    assert chosen() == "dark"
    assert '<html lang="en" class="dark">' in start_page(tmp_path, "/", chosen())
