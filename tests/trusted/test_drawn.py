"""What is judged depends on the class's secret, but where the page on forging says otherwise."""

import re

from grader.engine.catalogue import tasks
from grader.engine.wire import pack_observation
from grader.trusted.key import key_of
from grader.trusted.live import LiveAnswers
from tests.conftest import ROOT


def is_the_same_for_every_class(task):
    one, other = (LiveAnswers(task, key_of(task), seed, "cpu") for seed in ("one", "other"))
    return all(
        pack_observation(one.reference(case)) == pack_observation(other.reference(case))
        for case in task.cases()
    )


def test_answers_that_can_be_learned_by_heart_are_those_that_the_page_on_forging_lists():
    text = (ROOT / "docs" / "forging.md").read_text()
    listed = re.search(r"Of these it does not:(.*?)\.", text, re.DOTALL).group(1)
    found = [name for name, task in tasks().items() if is_the_same_for_every_class(task)]
    assert sorted(re.findall(r"`(\w+)`", listed)) == sorted(found)
