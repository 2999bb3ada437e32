"""When a submission came: what the exchange contradicts is reported, and never passed over."""

from datetime import UTC, datetime, timedelta

import pytest

from grader.judge.intake.receipts import read_receipt

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
