"""A headless Chromium, driven through a pipe by its DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
)
INCH = 2.54  # cm
PAPERS = {"A4": (21 / INCH, 29.7 / INCH), "Letter": (8.5, 11.0)}  # width and height in inches


class Browser:
    """One tab of a running Chromium."""

    def __init__(self, orders: int, answers: int):
        self.orders, self.answers = orders, os.fdopen(answers, "rb")
        self.sent = 0
        self.waiting = b""
        self.session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self.waiting:
            found = self.answers.read1(1 << 20)
            assert found, "Chromium ended"
            self.waiting += found
        message, _, self.waiting = self.waiting.partition(b"\0")
        return json.loads(message)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self.sent += 1
        order = {"id": self.sent, "method": method, "params": parameters}
        order |= {"sessionId": self.session} if self.session else {}
        content = json.dumps(order).encode() + b"\0"
        while content:
            content = content[os.write(self.orders, content) :]
        while (answer := self._message()).get("id") != self.sent:
            pass
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def open(self, page: Path, width: int = 1280, *, dark: bool = False) -> None:
        """Open a page on a screen of a width in px, and wait until it is shown."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=page.as_uri())
        while self._message().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; promises are awaited."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def picture(self) -> np.ndarray:
        """Return a picture of the whole page, shape (height, width, 3), blue first."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        return image

    def printed(self, paper: str) -> bytes:
        """Return the page as a PDF, with the margins of a browser's default (1 cm)."""
        width, height = PAPERS[paper]
        return base64.b64decode(self.call("Page.printToPDF", paperWidth=width, paperHeight=height)["data"])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a Chromium with a folder for its profile, and end it."""
    (read_orders, orders), (answers, write_answers) = os.pipe(), os.pipe()
    # Chromium reads orders from file descriptor 3 and answers on 4.
    shell = f'exec "$0" "$@" 3<&{read_orders} 4>&{write_answers}'
    command = ["bash", "-c", shell, str(CHROMIUM), *FLAGS.split(), f"--user-data-dir={profile}"]
    running = subprocess.Popen(
        command, pass_fds=(read_orders, write_answers), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    os.close(read_orders)
    os.close(write_answers)
    try:
        yield Browser(orders, answers)
    finally:
        os.close(orders)
        running.terminate()
        running.wait()
