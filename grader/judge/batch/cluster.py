"""Judges submissions on the machines of a Dask cluster, which must be trusted like this one.

They are sent the assignment's secret, and they hold the keys.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from grader.judge.batch.pool import WorkersLost
from grader.judge.batch.workers import judge
from grader.judge.sitting.papers import Marked, Paper, Round

if TYPE_CHECKING:
    from distributed import Client

_SECONDS_TO_CONNECT = 20


class Cluster:
    """The workers of the scheduler at an address such as tcp://host:8786 or tls://host:8786."""

    def __init__(self, address: str) -> None:
        """Connect to it. Raises WorkersLost."""
        self._address = address
        try:
            from distributed import Client
        except ImportError as error:
            raise WorkersLost(
                "--scheduler needs dask.distributed, which is not installed.",
                "python -m pip install -e '.[scale]' -c constraints.txt",
            ) from error
        try:
            self._client: Client = Client(address, timeout=_SECONDS_TO_CONNECT)
        except (OSError, ValueError) as error:
            raise self._gone(str(error)) from error
        threads: dict[str, int] = self._client.nthreads()
        self.slots = sum(threads.values())
        if not self.slots:
            self._client.close()
            raise WorkersLost(
                f"The scheduler at {address} has no workers.", f"Start some: dask worker {address}"
            )
        self._executor: Any = self._client.get_executor(pure=False)

    def submit(self, round_: Round, paper: Paper) -> Future[Marked]:
        """Have one submission judged. A worker that is lost is Dask's to replace."""
        if self._client.status != "running":
            raise self._gone(str(self._client.status))
        future: Future[Marked] = self._executor.submit(judge, round_, paper)
        return future

    def renew(self) -> None:
        """Nothing: the scheduler knows its workers."""

    def close(self) -> None:
        """Take back what is not done yet, and leave the cluster."""
        self._executor.shutdown(wait=False)
        self._client.close()

    def _gone(self, why: str) -> WorkersLost:
        return WorkersLost(
            f"The scheduler at {self._address} does not answer: {why}",
            "Start it, or look at the address; then start this again: what is graded already stays "
            "graded.",
        )
