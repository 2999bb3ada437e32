"""Every place leads on: lessons to exercises, exercises back and on, an exercise to its section."""

import re
from pathlib import PurePosixPath

import pytest

from grader.engine.outline import outline
from grader.notebook.texts import notebooks, places, way
from tests.conftest import FRONT, ROOT
from tests.fixtures.lesson_texts import LESSONS

SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.md"))
every_solution = pytest.mark.parametrize("text", SOLUTIONS, ids=lambda text: text.stem)


def in_order(lessons):
    return sorted(lessons.glob("*.md"), key=lambda text: text.stem)


def links(source):
    return re.findall(r"\]\(([^)#]*)(#[^)]*)?\)", source)


@pytest.mark.parametrize("text", LESSONS, ids=lambda text: text.stem)
def test_a_lesson_ends_with_its_exercises_and_the_next_lesson(text):
    names = [lesson.stem for lesson in LESSONS]
    last = notebooks.read(text).cells[-1]
    chapter = re.sub(r"-\d+$", "", text.stem)
    wanted = [places.lesson(name).name for name in names if name > text.stem][:1]
    if any(entry.chapter == chapter for entry in outline()):
        wanted.append(f"../exercises/{chapter}/{chapter}.ipynb")
    assert {target for target, _ in links(last.source)} >= set(wanted)
    assert wanted


@every_solution
def test_an_exercise_notebook_begins_with_the_way_back_and_ends_with_the_way_on(text):
    cells = notebooks.read(text).cells
    chapter = text.stem
    own = [one.stem for one in LESSONS if re.sub(r"-\d+$", "", one.stem) == chapter]
    later = [one.stem for one in LESSONS if one.stem > chapter and one.stem not in own]
    back, on = cells[1], cells[-1]
    assert [place for place, _ in links(back.source)] == [
        f"../../{places.lesson(name)}" for name in own
    ]
    if later:
        assert on.id == "way_on"
        assert links(on.source)[0][0] == f"../../{places.lesson(later[0])}"
    for cell in (back, *([on] if later else [])):
        mark = cell.metadata.nbgrader
        assert (mark.locked, mark.grade, mark.solution) == (True, False, False)


def test_the_section_of_every_exercise_is_one_of_its_chapters_lessons():
    found = way.of_course()
    for entry in outline():
        lesson, heading = found.section(entry.id, entry.chapter)
        text = (ROOT / "course" / "lessons" / f"{lesson.name}.md").read_text()
        assert f"## {heading}\n" in text, entry.id
        assert lesson.chapter == entry.chapter


def test_a_chapter_of_two_lessons_leads_from_the_first_to_the_second_and_on(tmp_path):
    lessons = tmp_path / "course" / "lessons"
    lessons.mkdir(parents=True)
    first = outline()[0]
    for name, title in (
        (first.chapter, "One"),
        (f"{first.chapter}-2", "One, part two"),
        ("02-leaves", "Two"),
    ):
        (lessons / f"{name}.md").write_text(
            f"{FRONT}# {title}\n\n## {title}.1 A section\n\n> Now: [x](exercise:{first.id})\n"
        )
    read = [notebooks.read(text).cells[-1].source for text in in_order(lessons)]
    assert "[One, part two](lesson-01b-graphs.ipynb)" in read[0]
    assert all("[Two](lesson-02-leaves.ipynb)" in source for source in read[:2])
    assert "part two" not in read[1]
    lesson, heading = way.of_course(lessons).section(first.id, first.chapter)
    assert (lesson.name, heading) == (first.chapter, "One.1 A section")


def test_a_link_in_a_box_says_the_section_and_one_in_a_fence_says_nothing(tmp_path):
    (tmp_path / "01-graphs.md").write_text(
        f"{FRONT}# One\n\n## A\n\n[x](exercise:walk_graph)\n\n```\n## B\n"
        "> [x](exercise:vjp_vector)\n```\n\n## C\n\n> [x](exercise:walk_graph)\n"
    )
    [lesson] = way.of_course(tmp_path).lessons
    assert lesson.sections == {"walk_graph": "C"}


def test_a_link_to_a_heading_leads_to_the_cell_that_begins_with_it(tmp_path):
    lessons = tmp_path / "lessons"
    lessons.mkdir()
    text = lessons / "01-graphs.md"
    text.write_text(
        f"{FRONT}# One\n\nBefore.\n\n## 1.2 Über α, `code` & more\n\n"
        "[here](lesson:01-graphs#1.2-Über-α,-`code`-&-more)\n"
    )
    cells = notebooks.read(text).cells
    [(place, anchor)] = links(cells[1].source)
    assert place == ""
    target = next(cell for cell in cells if cell.id == anchor.removeprefix("#cell-id="))
    assert target.source.startswith("## 1.2 Über")


def test_lessons_link_to_where_the_settings_of_a_class_have_an_assignment_fetched():
    text = ROOT / "course" / "lessons" / "01-graphs.md"
    lesson = "\n".join(cell.source for cell in notebooks.read(text).cells)
    linked = {link for link in re.findall(r"\]\((\.\./[^)#]*)", lesson) if "graphs" in link}
    assert linked == {"../exercises/01-graphs/01-graphs.ipynb"}
    for settings in ("hub/settings/student/nbgrader_config.py", "hub/tljh.md"):
        fetched = re.findall(r"assignment_dir = (.*)", (ROOT / settings).read_text())
        assert fetched == ['str(Path.home() / "exercises")']


def test_files_of_lessons_are_listed_in_the_order_of_the_course():
    """As JupyterLab sorts, which takes `-` before `.`; and as a shell does."""
    names = [lesson.name for lesson in way.of_course().lessons]
    files = [places.lesson(name).name for name in names]
    assert [places.lesson_at(file) for file in files] == names
    assert sorted(files) == files
    assert sorted(files, key=lambda file: re.sub(r"[.]", "~", file)) == files
    assert "lesson-01b-graphs.ipynb" in files
    for other in ("lesson-01-graphs-2.ipynb", "errors.ipynb", "lesson-.ipynb"):
        assert places.lesson_at(other) is None


def test_a_place_is_linked_from_any_folder_of_the_workspace_and_named_elsewhere(
    tmp_path, monkeypatch
):
    place = PurePosixPath("lessons/lesson-01-graphs.ipynb")
    (tmp_path / "lessons").mkdir()
    (tmp_path / place).write_text("{}")
    inside = tmp_path / "exercises" / "01-graphs"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert places.from_here(place) == "../../lessons/lesson-01-graphs.ipynb"
    monkeypatch.chdir(tmp_path)
    assert places.from_here(place) == "lessons/lesson-01-graphs.ipynb"
    assert places.from_here(PurePosixPath("lessons/other.ipynb")) is None
