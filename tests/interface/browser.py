"""A headless Chromium through chromedriver's WebDriver interface: pages as people see them. No package is needed."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
#: Pixels: a laptop and a phone, as wide as most.
LAPTOP, PHONE = (1280, 800), (390, 844)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
)


#: Keys that can be pressed, as Windows numbers them.
_KEYS = {"Tab": {"windowsVirtualKeyCode": 9}}


class Browser:
    """One window. ``problems`` is all that the page complained of on the console."""

    def __init__(self, session: str) -> None:
        self._session = session

    def open(self, page: Path, size: tuple[int, int]) -> None:
        """Show a file in a window whose inside has this size; a window of a phone has a phone's viewport."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._devtools("Emulation.setDeviceMetricsOverride", metrics)
        _ask("POST", f"{self._session}/url", {"url": page.resolve().as_uri()})
        self._devtools("Page.bringToFront", {})
        self.wait_for("document.readyState === 'complete' && document.hasFocus()")

    def wait_for(self, condition: str, seconds: float = 20.0) -> None:
        """Until a condition holds in the page: a busy machine paints and hears keys late."""
        end = time.monotonic() + seconds
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"the page never came to {condition}"
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """The value that a script returns in the page."""
        return _ask("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        for kind in ("keyDown", "keyUp"):
            self._devtools(
                "Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": 9}
            )

    def problems(self) -> list[str]:
        """Warnings and errors on the console since the last call, requests that failed among them."""
        entries = _ask("POST", f"{self._session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self, page: Path) -> list[str]:
        """Addresses that a page asked for since the last call, its own among them."""
        found = []
        for entry in _ask("POST", f"{self._session}/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            asked = message["params"] if message["method"] == "Network.requestWillBeSent" else {}
            if asked.get("documentURL") == page.resolve().as_uri():  # the browser has pages of its own
                found.append(asked["request"]["url"])
        return found

    def whole_page(self) -> bytes:
        """A PNG of the page from top to bottom."""
        options = {"format": "png", "captureBeyondViewport": True}
        return base64.b64decode(self._devtools("Page.captureScreenshot", options)["data"])

    def _devtools(self, command: str, parameters: dict[str, Any]) -> Any:
        return _ask("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": parameters})


@contextlib.contextmanager
def browser(place: Path) -> Iterator[Browser]:
    """A browser with an empty profile in ``place``; it and its driver are ended at the end."""
    assert CHROMIUM is not None
    assert DRIVER is not None
    with (place / "driver.log").open("w") as log:
        driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            address = f"http://127.0.0.1:{_port(driver)}"
            options = {
                "binary": CHROMIUM,
                "args": [*_FLAGS, f"--user-data-dir={place / 'profile'}", "about:blank"],
                "perfLoggingPrefs": {"enableNetwork": True, "enablePage": False},
            }
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            }
            session = _ask("POST", f"{address}/session", {"capabilities": {"alwaysMatch": wanted}})
            name = f"{address}/session/{session['sessionId']}"
            try:
                yield Browser(name)
            finally:
                _ask("DELETE", name)
        finally:
            driver.terminate()
            driver.wait(timeout=20)


def _port(driver: subprocess.Popen[str]) -> int:
    """The port that the driver says it listens on."""
    assert driver.stdout is not None
    end = time.monotonic() + 30
    while time.monotonic() < end:
        line = driver.stdout.readline()
        if "successfully on port" in line:
            return int(line.rsplit("port", 1)[1].strip(" .\n"))
    raise TimeoutError("chromedriver does not start")


def _ask(method: str, address: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(json.load(error)["value"]["message"]) from error
