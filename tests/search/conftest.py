"""An index of these tests alone, on the real engine, and a few documents to find in it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from iew.app import LEXICON_DIR
from search_index import wordlists
from search_index.cluster import Cluster
from search_index.document import Document, Text
from search_index.lexicon import Lexicon
from search_index.query import Request
from search_index.reader import Found, Reader
from search_index.writer import Writer
from tests.parts import Parts

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)

Search = Callable[..., Found]


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    """The words that are shipped."""
    return wordlists.load(LEXICON_DIR)


def own_cluster(parts: Parts) -> Cluster:
    """The engine of this run, with names nobody else uses."""
    return Cluster(parts.opensearch_url, prefix=f"search-{uuid4().hex[:8]}-", search_seconds=20, index_seconds=30)


@pytest.fixture(scope="module")
def cluster(parts: Parts, lexicon: Lexicon) -> Iterator[Cluster]:
    """Indices of one test module."""
    cluster = own_cluster(parts)
    yield cluster
    Writer(cluster, lexicon).drop_everything()
    cluster.close()


@pytest.fixture
def fresh_cluster(parts: Parts, lexicon: Lexicon) -> Iterator[Cluster]:
    """Indices of one test."""
    cluster = own_cluster(parts)
    yield cluster
    Writer(cluster, lexicon).drop_everything()
    cluster.close()


def a_document(key: str, title: str = "Robots", body: str = "", language: str = "en", **changes: Any) -> Document:
    """A document that can be found today."""
    fields: dict[str, Any] = {
        "id": key,
        "version": 1,
        "visible": True,
        "texts": (Text(language, title, body),),
        "facets": {},
        "published_at": NOW,
        "expires_on": date(2027, 6, 30),
    }
    return Document(**(fields | changes))


def filled(cluster: Cluster, lexicon: Lexicon, documents: Iterable[Document]) -> Reader:
    """A reader of an index that holds exactly these."""
    writer = Writer(cluster, lexicon)
    writer.drop_everything()
    writer.ensure(now=NOW)
    writer.write_many(documents, wait=True)
    return Reader(cluster, lexicon)


def asking(reader: Reader) -> Search:
    """Searches by text and whatever else a request takes."""

    def search(text: str = "", **options: Any) -> Found:
        return reader.search(Request(**({"today": TODAY, "text": text, "limit": 50} | options)))

    return search


def ids(found: Found) -> list[str]:
    return [hit.id for hit in found.hits]
