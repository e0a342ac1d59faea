"""A headless Chromium that opens pages, clicks, and takes pictures.

ChromeDriver drives it by the W3C WebDriver protocol, which is JSON over HTTP.
"""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx

from video_pipeline.cli.server.ports import LOOPBACK, port_to_use
from video_pipeline.domain.errors import ConfigurationError

PROGRAMS = ("chromium", "chromedriver")
WIDTH, HEIGHT = 1440, 1000
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-US",
    "--hide-scrollbars",
    f"--window-size={WIDTH},{HEIGHT}",
    # The pages under test need no host but this one.
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {LOOPBACK}",
)
# The key of an element in WebDriver's answers.
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_START_SECONDS = 30
_ANSWER_SECONDS = 120.0
# How long a page may take, and how long its text must stay the same.
_PAGE_SECONDS, _QUIET_SECONDS, _LOOK_SECONDS = 20.0, 2.0, 0.5
_READ = "return document.body.innerText"
# What counts seconds on a page that has loaded.
_CLOCK = re.compile(r"\b\d+:\d\d\b|\b\d+ (seconds?|minutes?) ago")
# The innermost element with the pointer of a link whose whole text this is, else a part of it.
_FIND = """
const wanted = arguments[0];
const plain = text => (text || '').replace(/\\s+/g, ' ').trim();
const told = one => [one.innerText, one.getAttribute('aria-label')].map(plain);
const seen = [...document.body.querySelectorAll('*')].filter(
  one => one.getClientRects().length && getComputedStyle(one).cursor === 'pointer');
const exact = seen.filter(one => told(one).includes(wanted));
const some = exact.length ? exact : seen.filter(one => told(one).some(t => t.includes(wanted)));
return some.find(one => !some.some(other => other !== one && one.contains(other))) || null;
"""


class Browser:
    """A session of ChromeDriver. It counts its clicks."""

    def __init__(self, session: httpx.Client) -> None:
        self._session = session
        self.clicks: list[str] = []

    def open(self, url: str) -> None:
        """Open an address, and wait until its text stays the same."""
        self._post("url", url=url)
        self.settle()

    @property
    def url(self) -> str:
        """The address of the page."""
        return str(self._get("url"))

    @property
    def text(self) -> str:
        """What the page shows, wherever it is scrolled to."""
        return str(self.run(_READ))

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript in the page, and return its result."""
        return self._post("execute/sync", script=script, args=list(arguments))

    def settle(self) -> None:
        """Wait until the text stays the same, but for its clocks. Gives up silently after 20 s."""
        until = time.monotonic() + _PAGE_SECONDS
        text, since = "", time.monotonic()
        while (now := time.monotonic()) < until and (now - since < _QUIET_SECONDS or not text):
            time.sleep(_LOOK_SECONDS)
            if (seen := _CLOCK.sub("", self.text)) != text:
                text, since = seen, time.monotonic()

    def click(self, what: str) -> None:
        """Click the link, button, tab or entry with this text, and wait. Raises LookupError."""
        found = self._find(what)
        self.clicks.append(what)
        self._post(f"element/{found[_ELEMENT]}/click")
        self.settle()

    def picture(self, file: Path) -> None:
        """Write what the window shows as a PNG."""
        file.write_bytes(base64.b64decode(self._get("screenshot")))

    def _find(self, what: str) -> dict[str, str]:
        until = time.monotonic() + _PAGE_SECONDS
        while not (found := self.run(_FIND, what)):
            if time.monotonic() > until:
                raise LookupError(f"{self.url} has nothing to click that says {what!r}")
            time.sleep(_LOOK_SECONDS)
        return found

    def _get(self, command: str) -> Any:
        return _value(self._session.get(command))

    def _post(self, command: str, **body: object) -> Any:
        return _value(self._session.post(command, json=body))


@contextlib.contextmanager
def browsing() -> Generator[Browser]:
    """Start ChromeDriver with a Chromium of an empty profile. Raises ConfigurationError."""
    require_chromium()
    port = port_to_use(None)
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "HOME": profile, "TZ": "UTC"},
        )
        try:
            with _session(f"http://{LOOPBACK}:{port}", profile) as session:
                yield Browser(session)
        finally:
            driver.terminate()
            driver.wait(_START_SECONDS)


def require_chromium() -> None:
    """Raise ConfigurationError if Chromium or its driver is missing."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        raise ConfigurationError(
            f"this scenario needs a browser, and {' and '.join(missing)} cannot be found",
            where="PATH",
            remedy="On Debian: apt install --no-install-recommends chromium chromium-driver",
        )


@contextlib.contextmanager
def _session(driver: str, profile: str) -> Generator[httpx.Client]:
    options = {"args": [*_FLAGS, f"--user-data-dir={profile}/profile"]}
    wanted = {"browserName": "chrome", "goog:chromeOptions": options}
    retrying = httpx.HTTPTransport(retries=8)  # while the driver starts
    with httpx.Client(
        transport=retrying, base_url=driver, timeout=_ANSWER_SECONDS, trust_env=False
    ) as client:
        begun = client.post("session", json={"capabilities": {"alwaysMatch": wanted}})
        client.base_url = httpx.URL(f"{driver}/session/{_value(begun)['sessionId']}/")
        try:
            yield client
        finally:
            client.delete(str(client.base_url).rstrip("/"))


def _value(answer: httpx.Response) -> Any:
    """Return the answer's value. Raises RuntimeError with WebDriver's message."""
    told = json.loads(answer.content)["value"]
    if answer.is_error:
        raise RuntimeError(str(told["message"]).splitlines()[0])
    return told
