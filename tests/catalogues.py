"""The catalogues and the sentences they must hold: `python -m tests.catalogues` brings `messages.po` up to date.

It reads every marked sentence of the program, keeps the translations that are there, adds the new sentences empty and
drops those that nobody says any more. A sentence that another catalogue of the language holds is left to that one.
`--missing ja` lists what has no translation yet.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).parent.parent
PROGRAM: Final = ROOT / "iew"
CATALOGUES: Final = PROGRAM / "translations"
LOCALES: Final = {"zh-Hant": "zh_Hant_TW", "ja": "ja", "ko": "ko"}
METHODS: Final = [
    ("**/templates/**.html", "jinja2"),
    ("**/templates/**.txt", "jinja2"),
    ("**.py", "python"),
]
OPTIONS: Final = {
    name: {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}
    for name, _ in METHODS[:2]
}
KEYWORDS: Final = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "_ngettext": (1, 2)}
ABOUT: Final = (
    "# The sentences of the window. Written by `python -m tests.catalogues`; translate the empty ones by hand."
)

Sentence = str | tuple[str, ...]


@cache
def extracted() -> Catalog:
    """Every sentence that is marked for translation anywhere in the program, with the files it stands in."""
    catalogue = Catalog()
    found = extract_from_dir(
        str(PROGRAM), method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS, comment_tags=("NOTE:",)
    )
    for name, _line, msgid, comments, _context in found:
        catalogue.add(msgid, locations=[(f"iew/{name}", None)], auto_comments=comments)  # type: ignore[list-item]
    return catalogue


def path_of(locale: str, name: str = "messages") -> Path:
    return CATALOGUES / locale / "LC_MESSAGES" / f"{name}.po"


def read(path: Path, locale: str) -> Catalog:
    with path.open("rb") as lines:
        return read_po(lines, locale=locale)


def held_elsewhere(locale: str) -> set[Sentence]:
    """The sentences that the other catalogues of a locale translate."""
    others = sorted(path_of(locale).parent.glob("*.po"))
    return {
        message.id
        for path in others
        if path.stem != "messages"
        for message in translated(read(path, locale))
    }  # fmt: skip


def translated(catalogue: Catalog) -> Iterator[Message]:
    """The messages that say something in the other language."""
    for message in catalogue:
        said = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and all(said) and not message.fuzzy:
            yield message


def missing(locale: str) -> list[Sentence]:
    """The sentences of the program that a locale cannot say, over all its catalogues."""
    known = held_elsewhere(locale)
    if path_of(locale).exists():
        known |= {message.id for message in translated(read(path_of(locale), locale))}
    return [message.id for message in extracted() if message.id and message.id not in known]


def updated(locale: str) -> bytes:
    """`messages.po` of a locale as it should be now."""
    catalogue = Catalog(locale=locale, header_comment=ABOUT, fuzzy=False)
    kept = read(path_of(locale), locale) if path_of(locale).exists() else Catalog(locale=locale)
    elsewhere = held_elsewhere(locale)
    for message in extracted():
        if not message.id or message.id in elsewhere:
            continue
        known = kept.get(message.id)
        said = known.string if known is not None else ""
        catalogue.add(message.id, said, locations=message.locations, auto_comments=message.auto_comments)
    text = BytesIO()
    write_po(text, catalogue, omit_header=False, sort_output=True, include_lineno=False, width=110, no_location=False)
    lines = text.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith((b'"POT-Creation', b'"PO-Revision', b'"Last-Tr')))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", choices=LOCALES)
    asked = parser.parse_args()
    if asked.missing:
        for sentence in missing(LOCALES[asked.missing]):
            print(sentence)
        return 0
    for locale in LOCALES.values():
        path_of(locale).parent.mkdir(parents=True, exist_ok=True)
        path_of(locale).write_bytes(updated(locale))
        print(f"{path_of(locale).relative_to(ROOT)}: {len(missing(locale))} sentences without a translation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
