"""The judge's settings: what `c.Grading` means in nbgrader_config.py."""

from __future__ import annotations

from traitlets import Enum, Float, Int, Unicode
from traitlets.config import Configurable

from grader.box.both.limits import MIB, Limits

ISOLATION = ("auto", "full", "cold", "landlock", "none")


class Grading(Configurable):
    """How submissions are judged, whether nbgrader or `autograd-course grade` asks for it."""

    isolation = Enum(
        ISOLATION,
        "auto",
        help="How submissions are walled in. auto is the strongest that this machine allows; with "
        "none they run with your rights, which every verdict then says.",
    ).tag(config=True)
    ledger_url = Unicode(
        "",
        help="The database of verdicts and secrets, as an SQLAlchemy URL. verdicts.db in the "
        "course's folder if empty.",
    ).tag(config=True)
    device = Unicode("cpu", help="The device submissions compute on: cpu or cuda.").tag(config=True)
    call_seconds = Float(10.0, help="The longest call of a learner's function.").tag(config=True)
    cell_seconds = Float(60.0, help="The longest run of a cell.").tag(config=True)
    submission_seconds = Float(300.0, help="The longest run of a submission.").tag(config=True)
    handling_seconds = Float(
        60.0, help="What reading, comparing and drawing one submission may take besides."
    ).tag(config=True)
    memory_mib = Int(2048, help="Memory of a submission, all processes together.").tag(config=True)
    processes = Int(64, help="Processes and threads of a submission.").tag(config=True)
    files_mib = Int(64, help="What a submission may write to files.").tag(config=True)
    output_kib = Int(1024, help="What is kept of what a submission shows.").tag(config=True)

    def limits(self) -> Limits:
        """The limits of one box."""
        return Limits(
            call=self.call_seconds,
            cell=self.cell_seconds,
            submission=self.submission_seconds,
            memory=self.memory_mib * MIB,
            processes=self.processes,
            files=self.files_mib * MIB,
            output=self.output_kib * 1024,
        )
