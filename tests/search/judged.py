"""Documents and questions from the judged data, made the way the catalogue makes them from posts."""

import json
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from search_index.document import Document, Period, Text
from search_index.evaluate import Question

FILTERS = {
    "countries": "country",
    "counties": "county",
    "languages": "language",
    "exchange_types": "type",
    "levels": "level",
    "affiliations": "affiliation",
    "ownerships": "ownership",
    "compositions": "composition",
}


def document(post: dict[str, Any]) -> Document:
    school = post["school"]
    texts = [Text(post["content_language"], post["title"], post["description"])]
    texts += [Text(text["language"], text["title"], text["description"]) for text in post["translations"]]
    facets = {
        "country": (school["country"],),
        "county": (school["county"],) if school["county"] else (),
        "level": (school["level"],),
        "ownership": (school["ownership"],),
        "composition": (school["composition"],),
        "affiliation": tuple(school["affiliations"]),
        "side": ("domestic" if school["country"] == "TW" else "overseas",),
        "language": tuple(post["languages"]),
        "type": tuple(post["exchange_types"]),
        "wanted_level": tuple(post["levels"]),
        "channel": (post["channel"],),
    }
    return Document(
        id=post["ref"],
        version=1,
        visible=True,
        texts=tuple(texts),
        topics=tuple(post["topics"]),
        names=(school["name"], school["name_en"]),
        keys=(post["ref"],),
        region=school["region"] or "",
        facets=facets,
        wished={
            "country": tuple(post["target_countries"]),
            "county": tuple(post["target_counties"]),
            "level": tuple(post["levels"]),
        },
        periods=tuple(
            Period(date.fromisoformat(period["start"]), date.fromisoformat(period["end"])) for period in post["periods"]
        ),
        students=post["group"]["students"],
        published_at=datetime(2026, 11, 1, sum(post["ref"].encode()) % 24, tzinfo=UTC),
        expires_on=date.fromisoformat(post["expires_on"]),
    )


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def documents(folder: Path) -> list[Document]:
    return [document(post) for post in lines(folder / "invitations.ndjson")]


def questions(folder: Path) -> list[Question]:
    return [
        Question(
            row["qid"],
            row["text"],
            row["kind"],
            row["ui_language"].split("-")[0],
            {FILTERS[name]: tuple(codes) for name, codes in row["filters"].items()},
        )
        for row in lines(folder / "queries.ndjson")
    ]


def grades(folder: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        query, name, grade = line.split("\t")
        found[query][name] = int(grade)
    return found
