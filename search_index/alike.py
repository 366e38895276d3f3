"""Documents that speak of the same things: the engine's more-like-this over codes and concepts.

The index keeps no source to compare by, so the caller hands in a document: one that stands in the index, or one that
nobody wrote, made of what somebody would wish to find.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from search_index.document import Document, Text
from search_index.folding import fold
from search_index.mapping import source_of, subtag
from search_index.query import Request, filters, visible
from search_index.reader import Reader

COMPARED: Final = ("own", "wish", "c_title", "c_topic", "c_body")
"""What a post is, what it looks for, and what its texts speak of."""
TERMS_USED: Final = 200
TIMES_NAMED: Final = 2


def alike(
    reader: Reader,
    document: Document,
    *,
    today: date,
    facets: Mapping[str, tuple[str, ...]],
    without: Iterable[str],
    limit: int,
    seconds: float | None = None,
) -> tuple[str, ...]:
    """Ids of the visible documents that share most codes and concepts with this one, rare ones counting more.

    facets: codes they must have. without: ids to leave out. seconds: when to give up. Raises SearchUnavailable.
    """
    source = source_of(document, reader.lexicon)
    like = {name: source[name] for name in COMPARED if source.get(name)}
    if not like:
        return ()
    chosen = [*visible(today), *filters(Request(today, facets=facets)).values()]
    body = _body(like, chosen, sorted(without), limit, reader.cluster.names.alias)
    reply = reader.cluster.search(body, until=time.monotonic() + seconds if seconds else None)
    return tuple(hit["_id"] for hit in reply["hits"]["hits"])


def _body(
    like: Mapping[str, Any], chosen: Sequence[Mapping[str, Any]], without: Sequence[str], limit: int, alias: str
) -> dict[str, Any]:
    more_like_this = {
        "fields": list(COMPARED),
        "like": [{"_index": alias, "doc": like}],
        "min_term_freq": 1,
        "min_doc_freq": 1,
        "max_query_terms": TERMS_USED,
        "minimum_should_match": "1",
    }
    return {
        "size": limit,
        "_source": False,
        "query": {
            "bool": {
                "must": [{"more_like_this": more_like_this}],
                "filter": list(chosen),
                "must_not": [{"ids": {"values": list(without)}}],
            }
        },
        "sort": [{"_score": "desc"}, {"published_at": "desc"}, {"id": "asc"}],
    }


def concepts_of(reader: Reader, text: str) -> frozenset[str]:
    """The concepts of the field that a text speaks of, in whatever language it is written."""
    source = source_of(Document("", 1, True, topics=(text,)), reader.lexicon)
    return frozenset(code for code in source["c_topic"].split() if code.startswith("v:"))


def themes_of(reader: Reader, text: Text) -> frozenset[str]:
    """The concepts that a text is about: named in its title, or more than once in its body. Those alone that it names
    itself, not the wider ones they belong to, which most texts would share."""
    language = subtag(text.language)
    title, body = (list(_concepts_in(reader, part, language)) for part in (text.title, text.body))
    return frozenset(title) | {code for code, times in Counter(body).items() if times >= TIMES_NAMED}


def _concepts_in(reader: Reader, text: str, language: str) -> Iterator[str]:
    for match in reader.lexicon.scan(fold(text), language):
        yield from (code for code in match.codes if code.startswith("v:"))
