"""One PostgreSQL server for all tests of the books that a process runs."""

import pytest

from tests.judge.books.server import Server


@pytest.fixture(scope="session")
def server(program):
    found = Server(program)
    try:
        yield found
    finally:
        found.stop()
