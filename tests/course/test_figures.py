"""Figures of lessons: each is drawn, and says in words what it shows."""

import pytest
import torch
from bs4 import BeautifulSoup

from course import figures

WORDS = 'A line: "up" & down, x < 1.'
X = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
Y = torch.tensor([0, 0, 1, 1])


@pytest.mark.parametrize(
    "figure",
    [
        lambda: figures.border(X, Y, lambda x: torch.stack([x[:, 1], 1 - x[:, 1]], 1), WORDS),
        lambda: figures.race(lambda p: p.square().sum(-1), {"SGD": X, "Adam": X}, "start", WORDS),
        lambda: figures.curves({"one": [1.0, 0.5, 0.1], "two": [2.0, 1.0]}, "loss", WORDS),
        lambda: figures.trainings({"a": [[0.7] * 30, [0.6] * 30], "b": [[0.1] * 30]}, 0.69, WORDS),
    ],
    ids=["border", "race", "curves", "trainings"],
)
def test_a_figure_is_an_image_whose_alternative_text_are_its_words(figure):
    shown = figure()
    image = BeautifulSoup(shown._repr_html_(), "html.parser").img
    assert image["alt"] == WORDS == repr(shown)
    assert image["src"].startswith("data:image/png;base64,iVBOR")
    assert shown.png.startswith(b"\x89PNG")
