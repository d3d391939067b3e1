"""Chromium without a window: where the page is measured, tested and photographed.

Needs Chromium and Playwright (the extra `browser`).
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str | None:
    """What to install before a browser opens, or None."""
    if importlib.util.find_spec("playwright") is None:
        return "no Playwright: pip install 'optax-extra[browser]'"
    if not any(map(shutil.which, NAMES)):
        return "no Chromium: apt-get install chromium"
    return None


@contextmanager
def opened() -> Iterator["Browser"]:
    """A browser, for as long as the block lasts.

    Raises:
      SystemExit: if there is none, with what to install.
    """
    if reason := missing():
        raise SystemExit(reason)
    from playwright.sync_api import sync_playwright

    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has none
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, NAMES))), args=sandbox
        )
        try:
            yield browser
        finally:
            browser.close()
