"""Collecting where every student's pod has a room of its own in the exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grader.classroom.collecting import Collect


class CollectRooms(Collect):
    """Looks in inbound/STUDENT/ for what a student handed in.

    A student's pod sees one folder of inbound, which the hub names: hub/kubernetes/values.yaml.
    Pods of all students run as one Unix user. So whose a submission is, is where it lies, and never
    what its name says.
    """

    def init_src(self) -> None:
        """List what was handed in: one folder deeper than nbgrader looks."""
        asked = self.coursedir.student_id
        self.coursedir.student_id = f"{asked or '*'}/{asked or '*'}"  # ROOM/STUDENT+ASSIGNMENT+…
        try:
            super().init_src()
        finally:
            self.coursedir.student_id = asked

    def _path_to_record(self, path: str) -> dict[str, Any]:
        record = super()._path_to_record(path)
        room = Path(path).parent.name
        if record["username"] != room:
            self.log.error(
                "%s says that it is %s's and was handed in by %s. It is not collected.",
                record["filename"],
                record["username"],
                room,
            )
            record |= {"username": f"{record['username']} (by {room})", "forged": True}
        return record | {"filename": f"{room}/{record['filename']}"}
