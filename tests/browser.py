"""JupyterLab on a folder, and a page of a real browser that remembers what went wrong."""

import contextlib
import socket
import subprocess
import sys
import threading

from tests.conftest import environment


@contextlib.contextmanager
def jupyterlab(folder):
    """Serve a folder; gives the address, without a final slash."""
    settings = folder / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        f"--ServerApp.root_dir={folder}",
    ]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *arguments],
        cwd=folder,
        env=environment(JUPYTER_CONFIG_DIR=str(folder / "config")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with server:
        said = []
        for line in server.stdout:
            said.append(line)
            if "is running at" in line:
                break
        else:
            raise RuntimeError("JupyterLab did not start:\n" + "".join(said))
        # Nobody reads on: a full pipe would stop the server.
        drain = threading.Thread(target=server.stdout.read, daemon=True)
        drain.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:  # a thread of its own may outlast it
                server.kill()
            drain.join()


@contextlib.contextmanager
def chromium(executable):
    """A real browser, without a window yet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


def window(browser, width=1200, height=900):
    """Somebody's browser, with cookies of its own and two lists for all of its pages.

    `wrong` has their errors, `asked_elsewhere` their requests to others than this machine.
    """
    opened = browser.new_context(viewport={"width": width, "height": height})
    opened.wrong, opened.asked_elsewhere = [], []
    here = ("data:", "blob:", "http://127.0.0.1:", "ws://127.0.0.1:")

    def asks(request):
        if not request.url.startswith(here):
            opened.asked_elsewhere.append(request.url)

    opened.on("weberror", lambda error: opened.wrong.append(str(error.error)))
    opened.on("console", lambda said: said.type == "error" and opened.wrong.append(said.text))
    opened.on("request", asks)
    opened.on("page", lambda page: page.on("websocket", asks))
    return opened


@contextlib.contextmanager
def browser_page(executable):
    """One page of a window; it has the window's two lists."""
    with chromium(executable) as browser:
        own = window(browser)
        page = own.new_page()
        page.wrong, page.asked_elsewhere = own.wrong, own.asked_elsewhere
        yield page


def menu(page, bar, *items):
    """Choose from JupyterLab's menu."""
    page.locator(f".lm-MenuBar-itemLabel:text-is('{bar}')").click()
    for item in items:
        page.locator(f".lm-Menu-itemLabel:text-is('{item}')").click()


def end_every_kernel(page, lab):
    """Leave the notebooks without a kernel, as they are found another day."""
    for session in page.request.get(f"{lab}/api/sessions").json():
        page.request.delete(f"{lab}/api/sessions/{session['id']}")
