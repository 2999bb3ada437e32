"""The map from topics to the course: none is missing, and each leads to something that exists."""

import re

import grader
from course.questions import by_chapter
from tests.fixtures.lesson_texts import LESSONS, ROOT, headings, slug

TEXT = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([A-Z]\w*-\d+) \| (.+?) \| (.+) \|$", TEXT, flags=re.MULTILINE)

# How many topics each chapter sets out to cover, by the letters of their ids.
CORE = {"G": 49, "L": 35, "D": 19, "M": 24, "H": 31, "O": 38, "N": 14}
SUPPORTING = {"F": 5, "T": 25, "A": 15, "DA": 12, "SC": 5, "P": 11, "W": 36}
TOPICS = CORE | SUPPORTING


def test_no_topic_is_missing_and_none_is_listed_twice():
    listed = [name for name, _, _ in ROWS]
    assert len(set(listed)) == len(listed)
    for letters, count in TOPICS.items():
        wanted = {f"{letters}-{number:02d}" for number in range(1, count + 1)}
        assert {name for name in listed if name.startswith(f"{letters}-")} == wanted


def test_every_topic_is_covered_by_something_that_exists():
    asked = {id for ids in by_chapter().values() for id in ids}
    exercises = {exercise.id for exercise in grader.exercises()}
    titles = {path: {slug(h): h.replace("`", "") for h in headings(path)} for path in LESSONS}
    covered = [by for _, _, by in ROWS if not re.fullmatch(r"left out: .+", by)]
    for target in (target for by in covered for target in by.split(" · ")):
        link = re.fullmatch(r"\[(.+)\]\(\.\./(.+\.md)#(.+)\)", target)
        if link:
            title, path, anchor = link.groups()
            assert (ROOT / path) in LESSONS, target
            assert titles[ROOT / path].get(anchor) == title, target
        else:
            kind, name = re.fullmatch(r"(exercise|question) `(.+)`", target).groups()
            assert name in (exercises if kind == "exercise" else asked), target


def test_every_exercise_and_every_question_serves_a_topic():
    """What no topic leads to would be found by nobody who asks where a topic is taught."""
    chapters = {lesson.stem for lesson in LESSONS if lesson.stem != "00-start-here"}
    wanted = {e.id for e in grader.exercises() if e.chapter in chapters}
    wanted |= {id for name, ids in by_chapter().items() if name != "start" for id in ids}
    assert wanted - set(re.findall(r"(?:exercise|question) `(.+?)`", TEXT)) == set()
