"""When a submission came: what the exchange contradicts is reported, and never passed over."""

import os
import pwd
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.utils import parse_utc

from grader.judge.intake.receipts import parsed, read_receipt

NOW, WEEK = timedelta(0), timedelta(days=7)
"""Times as what lies between them and the moment at which a test runs."""


@pytest.fixture
def receipt(tmp_path):
    """The receipt of a submission whose timestamp.txt says `said`.

    The exchange holds a folder, made now, for each of the times it `named`.
    """
    inbound = tmp_path / "inbound"

    def read(said, named):
        now = datetime.now(UTC).replace(tzinfo=None)
        said, named = now + said, [now + one for one in named]
        for time in named:
            folder = inbound / f"ada+01+{written(time)}+1"
            folder.mkdir(parents=True)
            (folder / "01.ipynb").write_text("{}")
        collected = tmp_path / "submitted" / "ada" / "01"
        collected.mkdir(parents=True)
        (collected / "timestamp.txt").write_text(written(said))
        return said, read_receipt(collected, inbound, "01", "ada")

    return read


def written(time):
    return time.strftime("%Y-%m-%d %H:%M:%S.%f UTC")


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (NOW, [NOW]),
        (NOW, [NOW - WEEK, NOW]),
        (NOW - timedelta(seconds=3), [NOW]),  # the exchange's own time, written by who collected
        (NOW - WEEK, []),  # collected by other means
    ],
)
def test_an_honest_time_is_not_doubted(receipt, said, named):
    said, found = receipt(said, named)
    assert (found.received, found.doubts) == (said, ())


@pytest.mark.parametrize(
    ("said", "named"), [(NOW - WEEK, [NOW - WEEK]), (NOW - WEEK, [NOW]), (NOW + WEEK, [NOW + WEEK])]
)
def test_a_time_that_the_exchange_contradicts_is_reported(receipt, said, named):
    time, found = receipt(said, named)
    (doubt,) = found.doubts
    assert doubt.startswith(f"timestamp.txt says {time:%Y-%m-%d %H:%M} UTC")
    assert ("which is yet to come" if said > NOW else "the exchange holds was written") in doubt


def test_a_time_long_ago_is_doubted(tmp_path):
    (tmp_path / "timestamp.txt").write_bytes(b"0001-01-02 00:00:00 UTC")
    (doubt,) = read_receipt(tmp_path, tmp_path / "inbound", "01", "ada").doubts
    assert doubt.endswith("which is long ago.")


ODD_TIMES = [
    b"2026-01-01 00:00:00 ../../etc/passwd",
    b"2026-01-01 00:00:00 /etc/passwd",
    b"2026-01-01 00:00:00 " + b"UTC" * 100,
    b"\xff\xfe\x00",
    b"9" * 900,
    b"99999-01-01",
    b"10",
    b"monday",
    b"12:00",
    b"+99:99",
    b"2026-01-01",
    b"2026-01 12:00",
    b"2026-01-01 12:00:00 +99:99",
    b"Jan 2026 12:00",
    b"2026-01-01 00:00:00 Europe/Berlin\x00",
    b"",
]


@pytest.mark.parametrize("text", ODD_TIMES)
def test_a_time_that_is_none_is_left_out_and_told(tmp_path, text):
    (tmp_path / "timestamp.txt").write_bytes(text)
    found = read_receipt(tmp_path, tmp_path / "inbound", "01", "ada")
    assert found.received is None
    assert found.doubts == ("timestamp.txt holds no time: it was left out.",)
    assert found.files == {}


@pytest.mark.parametrize(
    ("text", "time"),
    [
        (b"2015-02-02 15:58:23.948203 UTC", datetime(2015, 2, 2, 15, 58, 23, 948203)),
        (b"2015-02-02 15:58:23 America/Argentina/Buenos_Aires\n", None),
        (b"2015-02-02T15:58:23+01:00", datetime(2015, 2, 2, 14, 58, 23)),
        (b"2 Feb 2015, 15:58", datetime(2015, 2, 2, 15, 58)),
    ],
)
def test_times_in_other_formats_are_read_as_nbgrader_reads_them(text, time):
    assert parsed(text) == (time or parse_utc(text.decode().strip()))
    assert parsed(text) is not None


@settings(max_examples=200)
@given(
    st.binary(max_size=200) | st.text("0123456789 :-/.+UTCutc\u0660", max_size=110).map(str.encode)
)
def test_no_bytes_stop_a_receipt(text):
    parsed(text)


def test_what_others_lay_into_the_exchange_does_not_count(tmp_path):
    inbound = tmp_path / "inbound"
    mine, late = written(datetime.now(UTC)), written(datetime.now(UTC) - 2 * WEEK)
    account = pwd.getpwall()[-1] if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    (tmp_path / "timestamp.txt").write_text(late)
    for name in (f"{account.pw_name}+01+{mine}+1", f"{account.pw_name}+01+{late}"):
        (inbound / name).mkdir(parents=True)
    os.makedirs(os.fsencode(inbound / f"{account.pw_name}+01+") + b"\xff\xfe")
    found = read_receipt(tmp_path, inbound, "01", account.pw_name)
    others = os.stat(inbound).st_uid != account.pw_uid
    assert (found.doubts == ()) is others
    assert read_receipt(tmp_path, inbound, "01", "nobody-of-that-name").doubts == ()


def test_folders_whose_names_are_no_text_are_looked_over(tmp_path):
    inbound = tmp_path / "inbound"
    (tmp_path / "timestamp.txt").write_text(written(datetime.now(UTC)))
    os.makedirs(os.fsencode(inbound / "victim+01+") + b"\xff\xfe")
    os.makedirs(os.fsencode(inbound / "victim+01+nl\nx+") + b"\xff")
    assert read_receipt(tmp_path, inbound, "01", "victim").doubts == ()
