"""Whole or not at all: what is written, what is put in place, and what is opened."""

import errno
import itertools
import multiprocessing
import os
import signal
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.notebook import files

NEW, OLD = b"new" * 1000, b"old"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def killed_before(number, work):
    """Do `work` in a process that is killed at its so-manieth call that changes a disk's names.

    Whether it was killed: with a large number it is done.
    """

    def doomed():
        calls = itertools.count(1)

        def deadly(function):
            def call(*args, **kwargs):
                if next(calls) == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **kwargs)

            return call

        for name in ("chmod", "replace", "rename", "unlink", "rmdir"):
            setattr(os, name, deadly(getattr(os, name)))
        work()

    child = multiprocessing.get_context("fork").Process(target=doomed)
    child.start()
    child.join(300)
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


# write


@settings(max_examples=50)
@given(before=st.none() | st.binary(max_size=50), content=st.binary(max_size=50))
def test_a_file_holds_what_was_written_and_nothing_is_left_beside_it(
    tmp_path_factory, before, content
):
    target = tmp_path_factory.mktemp("write") / "deep" / "file"
    if before is not None:
        files.write(target, before)
    files.write(target, content)
    assert target.read_bytes() == content
    assert names(target.parent) == ["file"]


@pytest.mark.parametrize("wanted", [0o644, 0o600, 0o444])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_permissions_are_those_asked_for_whatever_the_umask(tmp_path, wanted, umask):
    target, before = tmp_path / "file", os.umask(umask)
    try:
        files.write(target, NEW, wanted)
    finally:
        os.umask(before)
    assert mode(target) == wanted


def test_a_file_that_holds_the_content_is_left_alone_unless_it_is_open_to_others(tmp_path):
    target = tmp_path / "file"
    files.write(target, NEW)
    first = target.stat().st_ino
    files.write(target, NEW)
    assert target.stat().st_ino == first
    files.write(target, NEW, 0o600)
    assert mode(target) == 0o600


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    elsewhere, target = tmp_path / "elsewhere", tmp_path / "file"
    for content in (OLD, NEW):
        elsewhere.write_bytes(OLD)
        target.unlink(missing_ok=True)
        target.symlink_to(elsewhere)
        files.write(target, content)
        assert not target.is_symlink()
        assert (target.read_bytes(), elsewhere.read_bytes()) == (content, OLD)


def test_killed_at_any_moment_a_file_is_the_old_one_or_the_new_one(tmp_path):
    seen = set()
    for number in itertools.count(1):
        target = tmp_path / str(number) / "file"
        files.write(target, OLD)
        killed = killed_before(number, lambda target=target: files.write(target, NEW))
        seen.add((killed, target.read_bytes()))
        if not killed:
            break
    assert seen == {(True, OLD), (False, NEW)}


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    target = tmp_path / "file"
    files.write(target, OLD)

    def full(*args):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        files.write(target, NEW)
    assert (target.read_bytes(), names(tmp_path)) == (OLD, ["file"])


# put_in_place


def folder_of(path, content):
    path.mkdir(parents=True)
    (path / "inside").mkdir()
    (path / "inside" / "file").write_bytes(content)
    return path


def held(path):
    """What a folder of these tests holds, if it is there whole."""
    file = path / "inside" / "file"
    return file.read_bytes() if file.is_file() else None


@pytest.mark.parametrize("before", [None, "folder", "empty folder", "link"])
def test_a_folder_takes_the_place_of_whatever_was_there(tmp_path, before):
    made, place = folder_of(tmp_path / "made", NEW), tmp_path / "class" / "place"
    elsewhere = folder_of(tmp_path / "elsewhere", OLD)
    if before == "folder":
        folder_of(place, OLD)
    elif before == "empty folder":
        place.mkdir(parents=True)
    elif before == "link":
        place.parent.mkdir()
        place.symlink_to(elsewhere)
    files.put_in_place(made, place)
    assert held(place) == NEW
    assert not place.is_symlink()
    assert names(place.parent) == ["place"]
    assert held(elsewhere) == OLD


def test_killed_at_any_moment_the_old_folder_or_the_new_one_is_whole_and_the_next_call_tidies_up(
    tmp_path,
):
    seen = set()
    for number in itertools.count(1):
        home = tmp_path / str(number)
        made, place = folder_of(home / "made", NEW), folder_of(home / "place", OLD)
        killed = killed_before(number, lambda m=made, p=place: files.put_in_place(m, p))
        seen.add((held(place), held(files.aside(place)), held(made)))
        assert NEW in (held(made), held(place))
        assert OLD in (held(place), held(files.aside(place))) or held(place) == NEW
        if not killed:
            break
        files.put_in_place(folder_of(home / "again", b"again"), place)
        assert held(place) == b"again"
        assert not files.aside(place).exists()
    assert seen >= {(OLD, None, NEW), (None, OLD, NEW), (NEW, OLD, None), (NEW, None, None)}


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one_there(tmp_path):
    place = folder_of(tmp_path / "place", OLD)
    with pytest.raises(FileNotFoundError):
        files.put_in_place(tmp_path / "never made", place)
    assert held(place) == OLD
    assert names(tmp_path) == ["place"]


# opened and read_plain


@settings(max_examples=100)
@given(content=st.binary(max_size=60), most=st.integers(0, 60))
def test_a_plain_file_is_read_whole_or_said_to_be_too_large(tmp_path_factory, content, most):
    path = tmp_path_factory.mktemp("read") / "file"
    path.write_bytes(content)
    read = files.read_plain(path, most)
    assert read == (content if len(content) <= most else None)


def link(path):
    path.symlink_to("/etc/passwd")


def broken_link(path):
    path.symlink_to("nowhere")


def socket_file(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize(
    "make", [link, broken_link, Path.mkdir, os.mkfifo, socket_file, lambda path: None]
)
def test_what_is_no_plain_file_is_not_read_and_never_waited_for(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    make(Path("it"))
    with pytest.raises(OSError, match="it"):
        files.read_plain(Path("it"), 1000)


def test_a_name_is_looked_up_in_the_open_folder_wherever_that_is_now(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(OLD)
    with files.opened(tmp_path / "folder", flags=os.O_DIRECTORY) as folder:
        (tmp_path / "folder").rename(tmp_path / "elsewhere")
        (tmp_path / "folder").symlink_to("/etc")
        assert files.read_plain("file", 1000, folder=folder) == OLD
    link = tmp_path / "folder"
    with pytest.raises(OSError, match="folder"), files.opened(link, flags=os.O_DIRECTORY):
        pass


def test_a_file_that_grows_while_it_is_read_is_too_large(tmp_path, monkeypatch):
    path, look = tmp_path / "file", os.fstat
    path.write_bytes(OLD)

    def and_then_grow(descriptor):
        found = look(descriptor)
        path.write_bytes(NEW)
        return found

    monkeypatch.setattr(os, "fstat", and_then_grow)
    assert files.read_plain(path, len(OLD)) is None
