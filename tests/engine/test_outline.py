"""What the course consists of is the same, read from texts or from the tasks themselves."""

from grader.engine import outline as outlines
from grader.engine.catalogue import tasks
from grader.engine.outline import outline


def test_the_outline_says_of_every_exercise_what_its_task_says():
    read = [(one.id, one.chapter, one.title, one.points) for one in outline()]
    assert read == [(task.id, task.chapter, task.title, task.points) for task in tasks().values()]


def test_an_exercise_that_is_listed_and_not_written_yet_is_left_out(monkeypatch):
    read = outlines._said
    monkeypatch.setattr(
        outlines, "_said", lambda folder: (one for one in read(folder) if one[0] != "two_path_grad")
    )
    assert {task.id for task in outline()} == set(tasks()) - {"two_path_grad"}
