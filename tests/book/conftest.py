"""The book, made once for all tests of a session, and read in one browser."""

import types
import warnings

import pytest
from filelock import FileLock

from tests.fixtures.browser import PATIENCE, chromium


@pytest.fixture(scope="session")
def site(shared_folder, run_lesson):
    """The folder of the finished pages."""
    from book.building import build

    folder = shared_folder / "book"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # MyST does not yet do what Sphinx 11 will want
                build(folder, run_lesson, shared_folder / "book-work")
    return folder


# Not for the session: two browsers of one process would be driven from one loop of events.
@pytest.fixture(scope="module")
def browser(program):
    with chromium(program("chromium", "chromium-browser", "google-chrome")) as running:
        yield running


def context_of(browser, **options):
    """What a reader has opened: 1400 x 900, unless something else is asked for."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}} | options)
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture(scope="module")
def context(browser):
    """The one of most tests: it has the book's scripts already."""
    return context_of(browser)


@pytest.fixture
def reader(browser, context, site):
    """Open a page of the book from its folder; nothing else may be asked for, nothing go wrong."""
    wrong, asked, opened = [], [], []

    def open_page(name, **options):
        page = (context_of(browser, **options) if options else context).new_page()
        opened.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site.as_uri()}/{name}")
        return page

    yield types.SimpleNamespace(open=open_page)
    for page in opened:
        page.close()
    here = (f"{site.as_uri()}/", "data:")
    assert not wrong
    assert not [url for url in asked if not url.startswith(here)]
