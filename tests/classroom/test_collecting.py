"""Collecting: what a submission's owner does to it meanwhile gains nothing."""

import os

import pytest

from grader.classroom import collecting


@pytest.fixture
def handed_in(tmp_path):
    folder = tmp_path / "handed-in"
    (folder / "data").mkdir(parents=True)
    (folder / "work.ipynb").write_text("work")
    (folder / "data" / "table.csv").write_text("1,2")
    return folder


def test_files_and_folders_are_copied_and_closed(handed_in, tmp_path):
    collecting.copy(handed_in, tmp_path / "copy", 1000)
    copied = {
        path.relative_to(tmp_path / "copy").as_posix(): path.stat().st_mode & 0o777
        for path in (tmp_path / "copy").rglob("*")
    }
    assert copied == {"work.ipynb": 0o600, "data": 0o700, "data/table.csv": 0o600}
    assert (tmp_path / "copy" / "data" / "table.csv").read_text() == "1,2"


def test_links_stay_links_and_pipes_are_left_out(handed_in, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (handed_in / "file").symlink_to("/etc/passwd")
    (handed_in / "folder").symlink_to(secret)
    os.mkfifo(handed_in / "pipe")
    collecting.copy(handed_in, tmp_path / "copy", 1000)
    assert os.readlink(tmp_path / "copy" / "file") == "/etc/passwd"
    assert os.readlink(tmp_path / "copy" / "folder") == str(secret)
    assert not (tmp_path / "copy" / "pipe").exists()


def test_a_file_that_becomes_a_link_while_it_is_copied_is_not_followed(
    handed_in, tmp_path, monkeypatch
):
    looked = os.stat

    def and_then_swap(path, *args, **kwargs):
        found = looked(path, *args, **kwargs)
        if path == "work.ipynb":
            (handed_in / "work.ipynb").unlink()
            (handed_in / "work.ipynb").symlink_to("/etc/passwd")
        return found

    monkeypatch.setattr(os, "stat", and_then_swap)
    with pytest.raises(OSError, match="symbolic links"):
        collecting.copy(handed_in, tmp_path / "copy", 1000)


def test_a_submission_that_is_too_large_is_refused_as_a_whole(handed_in, tmp_path):
    with pytest.raises(RuntimeError, match="larger"):
        collecting.copy(handed_in, tmp_path / "copy", 6)
    collecting.copy(handed_in, tmp_path / "again", 7)
