"""A real browser for tests: Chromium without a window. Where R1LITE_NEEDS_BROWSER is set, tests must not be skipped for want of it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
MISSING = "no Chromium with chromedriver (apt-get install chromium chromium-driver) and selenium"
SECONDS = 60.0


def program(names: tuple[str, ...]) -> str:
    return next(filter(None, map(shutil.which, names)), "")


def needed() -> None:
    """Skip, or fail where the browser must be there."""
    try:
        import selenium  # noqa: F401

        is_here = bool(program(BROWSERS) and program((DRIVER,)))
    except ImportError:
        is_here = False
    if not is_here and os.environ.get("R1LITE_NEEDS_BROWSER"):
        pytest.fail(MISSING)
    if not is_here:
        pytest.skip(MISSING)


@contextmanager
def opened(width: int = 1280, height: int = 900, *, dark: bool = False) -> Iterator[Chrome]:
    needed()
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = program(BROWSERS)
    # As root, which CI is, Chromium refuses to start with its sandbox.
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--window-size={width},{height}"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(program((DRIVER,))))
    try:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield driver
    finally:
        driver.quit()


def wait_until(driver: Chrome, script: str) -> Any:
    """The value of an expression, as soon as it is true."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        value = driver.execute_script(f"return {script}")
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"never became true: {script}\n{complaints(driver)}")


def complaints(driver: Chrome) -> list[str]:
    """What the console has said since the last call."""
    return [entry["message"] for entry in driver.get_log("browser")]


def requests(driver: Chrome) -> list[str]:
    """Addresses that were asked for since the last call."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
