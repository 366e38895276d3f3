"""Pictures of every page, for eyes: `python -m tests.system.look http://127.0.0.1:8000 DIR [PATH …]`.

Each page is opened in the four languages, at the width of a desk and of a phone, and saved as a PNG; what the browser
refused (a script, a style, a missing file) and every finding of axe is printed, and makes the exit status 1. With
`--sign-in EMAIL PASSWORD` the pages are those of that person.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

LANGUAGES = ("zh-Hant", "en", "ja", "ko")
WIDTHS = (1280, 390)
NARROWEST = 320  # pixels at which a page must still need no scrolling sideways (WCAG 1.4.10)
CHROMIUM = "/usr/bin/chromium"
PUBLIC = (
    "",
    "?channel=general&step=language",
    "search",
    "search?q=robotics",
    "search?country=JP&level=junior_high",
    "directory",
    "how",
    "about",
    "privacy",
    "accessibility",
    "sign-up",
    "sign-up?country=JP",
    "sign-up?country=TW",
    "sign-in",
    "forgotten",
    "questions/new",
    "nothing-here",
)


@dataclass
class Album:
    """Where the pictures go, and what was wrong on the way."""

    directory: Path
    faults: list[str] = field(default_factory=list)

    def take(self, page: Page, name: str, *, with_axe: bool = True) -> None:
        """One picture of the page as it stands, and its faults."""
        page.screenshot(path=str(self.directory / f"{name}.png"), full_page=True)
        if with_axe:
            self.faults += [f"{name}: {found}" for found in axe_findings(page)]
        self.faults += [f"{name}: {width} pixels wider than the window" for width in overflow(page)]

    def hear(self, said: ConsoleMessage) -> None:
        """Keep what the browser complains of, but for the status of the page itself, which may be meant."""
        if said.type == "error" and said.page is not None and said.location["url"] != said.page.url:
            self.faults.append(f"console: {said.text}")


def axe_findings(page: Page) -> Iterator[str]:
    """What axe says against the page; put in by `evaluate`, since the page's policy refuses foreign scripts."""
    page.evaluate(Path(sys.modules[Axe.__module__].__file__ or "").parent.joinpath("axe.min.js").read_text())
    for violation in page.evaluate("axe.run(document, {preload: false}).then(found => found.violations)"):
        places = "; ".join(str(node["target"][0]) for node in violation["nodes"][:4])
        yield f"{violation['id']} ({violation['impact']}): {violation['help']} at {places}"


def overflow(page: Page) -> Iterator[int]:
    """By how many pixels the page is too wide, at its own width and at the narrowest."""
    own = page.viewport_size or {"width": WIDTHS[0], "height": 900}
    for width in (own["width"], NARROWEST):
        page.set_viewport_size({"width": width, "height": own["height"]})
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wider > 0:
            yield wider
    page.set_viewport_size(own)


def sign_in(page: Page, base: str, email: str, password: str) -> None:
    """Sign the browser of this page in."""
    page.goto(f"{base}/en/sign-in")
    page.fill("#f-email", email)
    page.fill("#f-password", password)
    page.click("main form button[type=submit]")
    page.wait_for_load_state()


def open_browser(width: int, browser: Browser, *, dark: bool = False) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    return context.new_page()


def look(
    base: str,
    paths: Sequence[str],
    album: Album,
    *,
    languages: Sequence[str] = LANGUAGES,
    dark: bool = False,
    person: tuple[str, str] | None = None,
) -> None:
    """Open every path in every language and width. person: e-mail and password of who looks; None is a visitor."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in WIDTHS:
            page = open_browser(width, browser, dark=dark)
            page.on("console", album.hear)
            if person:
                sign_in(page, base, *person)
            for language in languages:
                for path in paths:
                    page.goto(f"{base}/{language}/{path}", wait_until="load")
                    album.take(page, f"{_file_name(path)}-{language}-{width}{'-dark' if dark else ''}")
        browser.close()


def _file_name(path: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")[:60] or "start"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base")
    parser.add_argument("directory", type=Path)
    parser.add_argument("paths", nargs="*", default=list(PUBLIC))
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--sign-in", nargs=2, metavar=("EMAIL", "PASSWORD"))
    asked = parser.parse_args()
    asked.directory.mkdir(parents=True, exist_ok=True)
    album = Album(asked.directory)
    look(
        asked.base.rstrip("/"),
        asked.paths,
        album,
        languages=asked.languages.split(","),
        dark=asked.dark,
        person=tuple(asked.sign_in) if asked.sign_in else None,
    )
    print("\n".join(dict.fromkeys(album.faults)) or "nothing found")
    return 1 if album.faults else 0


if __name__ == "__main__":
    sys.exit(main())
