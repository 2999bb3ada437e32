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
                server.wait(30)
            except subprocess.TimeoutExpired:  # a thread of its own may outlast it
                server.kill()
            drain.join()


@contextlib.contextmanager
def browser_page(executable):
    """A page with two lists: `wrong` for its errors, `asked_elsewhere` for requests to others."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        page = running.new_page(viewport={"width": 1200, "height": 900})
        page.wrong, page.asked_elsewhere = [], []
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("console", lambda said: said.type == "error" and page.wrong.append(said.text))
        page.on(
            "request",
            lambda request: (
                request.url.startswith(("data:", "blob:", "http://127.0.0.1:"))
                or page.asked_elsewhere.append(request.url)
            ),
        )
        yield page
        running.close()


def menu(page, bar, *items):
    """Choose from JupyterLab's menu."""
    page.locator(f".lm-MenuBar-itemLabel:text-is('{bar}')").click()
    for item in items:
        page.locator(f".lm-Menu-itemLabel:text-is('{item}')").click()


def end_every_kernel(page, lab):
    """Leave the notebooks without a kernel, as they are found another day."""
    for session in page.request.get(f"{lab}/api/sessions").json():
        page.request.delete(f"{lab}/api/sessions/{session['id']}")
