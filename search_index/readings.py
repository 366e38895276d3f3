"""How Japanese terms are read, so that a query typed in kana alone finds them.

The readings are a table beside the other words (`readings.csv`). This writes it, with the Japanese analyser of a search
engine; run it again when Japanese terms were added: `python -m search_index.readings DIRECTORY ENGINE_URL`.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from search_index import wordlists
from search_index.cluster import INDEX_SECONDS, Cluster
from search_index.folding import fold, is_han, to_hiragana
from search_index.lexicon import Lexicon

_BATCH: Final = 200
_SEPARATOR: Final = "。"


def japanese_terms(directory: Path) -> list[str]:
    """The terms of the Japanese columns that are written with Han characters, as they stand there."""
    found: dict[str, None] = {}
    for path in sorted(directory.glob("*.csv")):
        if path.name not in (wordlists.FILLERS, wordlists.READINGS):
            with path.open(encoding="utf-8", newline="") as file:
                for line in csv.DictReader(file):
                    for term in (line.get("ja") or "").split("|"):
                        if any(map(is_han, term)):
                            found[term.strip()] = None
    return list(found)


def readings_of(terms: list[str], cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Each term that the engine can read, with its reading in hiragana."""
    for start in range(0, len(terms), _BATCH):
        batch = terms[start : start + _BATCH]
        body = {"tokenizer": "kuromoji_tokenizer", "filter": ["kuromoji_readingform"], "text": batch}
        reply = cluster.client.indices.analyze(body=body, params={"request_timeout": INDEX_SECONDS})
        yield from zip(batch, _joined(reply["tokens"], batch), strict=True)


def _joined(tokens: list[dict[str, int | str]], batch: list[str]) -> list[str]:
    """The readings of the tokens, put together by the term in which each stands."""
    ends: list[int] = []
    for term in batch:
        ends.append((ends[-1] + 1 if ends else 0) + len(term))
    read = [""] * len(batch)
    at = 0
    for token in tokens:
        while int(token["start_offset"]) >= ends[at]:
            at += 1
        read[at] += to_hiragana(str(token["token"]))
    return read


def write(directory: Path, cluster: Cluster) -> int:
    """Write the table; how many rows it has."""
    rows = sorted(
        {
            (reading, fold(term))
            for term, reading in readings_of(japanese_terms(directory), cluster)
            if _is_kana(reading)
        }
    )
    with (directory / wordlists.READINGS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("reading", "form"))
        writer.writerows(rows)
    return len(rows)


def unread(directory: Path, lexicon: Lexicon) -> list[str]:
    """Japanese terms that no row of the table reads."""
    read = {form for forms in lexicon.readings.values() for form in forms}
    return [term for term in japanese_terms(directory) if fold(term) not in read]


def _is_kana(reading: str) -> bool:
    return len(reading) > 1 and all("ぁ" <= char <= "ゟ" or char == "ー" for char in reading)


if __name__ == "__main__":
    directory, url = sys.argv[1:]
    print(write(Path(directory), Cluster(url)), "readings")
