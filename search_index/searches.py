"""Stored searches, in an index of their own: given a document, which of them would have found it?

A stored search is kept as the very filter that the search itself would use, with the words understood as they were when
it was stored or the index was last rebuilt; so an alert never tells of something that the search would not show. Only
documents that meet every word count.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from search_index.cluster import Cluster
from search_index.document import Document
from search_index.lexicon import Lexicon
from search_index.mapping import index_body, source_of
from search_index.query import Request, stored_query
from search_index.reader import Held, Reader
from search_index.writer import Projection

REMOVED_VERSION: Final = 2**53
"""Of what is left of a search that nobody keeps any more."""
PAGE_OF_SEARCHES: Final = 1000


@dataclass(frozen=True, slots=True)
class StoredSearch:
    """A search somebody keeps, as it stands at `version`. request: None leaves a tombstone that nothing answers."""

    id: str
    version: int
    request: Request | None

    @property
    def content_hash(self) -> str:
        """A short digest of what is asked, to compare what two stores hold."""
        asked = self.request
        if asked is None:
            return "tombstone"
        facets = {name: sorted(set(codes)) for name, codes in sorted(asked.facets.items()) if codes}
        parts = [asked.text, facets, str(asked.start), str(asked.end), asked.students, asked.language]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]


class SearchWriter(Projection[StoredSearch]):
    """Keeps stored searches, and asks them about a document."""

    waiting: ClassVar[str] = "true"
    """People change a search a few times a day; the next document should meet it at once."""

    def __init__(self, cluster: Cluster, lexicon: Lexicon) -> None:
        """cluster: of the documents, by which the words of a search are understood."""
        super().__init__(cluster.holding("searches"), lexicon)
        self._documents = Reader(cluster, lexicon)

    def source_of(self, entry: StoredSearch) -> dict[str, Any]:
        source: dict[str, Any] = {"id": entry.id, "version": entry.version, "hash": entry.content_hash}
        if entry.request is not None:
            plan, figures = self._documents.understand_to_keep(entry.request)
            source["query"] = stored_query(plan, entry.request, figures)
        return source

    def index_body(self, *, refresh: str) -> dict[str, Any]:
        return index_body(self.lexicon.version, percolator=True, refresh=refresh)

    def put(self, search: StoredSearch) -> bool:
        """Keep a search; the next document is asked of it. False where a newer one is kept. Raises SearchUnavailable,
        WriteRefused."""
        return self.write(search, wait=True)

    def remove(self, search_id: str) -> None:
        """Keep a search no longer, whatever comes late. Raises SearchUnavailable."""
        self.write(StoredSearch(search_id, REMOVED_VERSION, None), wait=True)

    def ask(self, document: Document, *, among: Collection[str] | None = None) -> frozenset[str]:
        """The ids of the searches that would find the document. among: ask only these. Raises SearchUnavailable,
        IndexOutdated."""
        if not document.visible or (among is not None and not among):
            return frozenset()
        self.check_current()
        return frozenset(self._asked(document, among))

    def held(self) -> Iterator[Held]:
        """Every search with its version and hash, tombstones too, by ascending id."""
        return Reader(self.cluster, self.lexicon).held()

    def _asked(self, document: Document, among: Collection[str] | None) -> Iterator[str]:
        source = source_of(document, self.lexicon)
        filters: list[dict[str, Any]] = [{"percolate": {"field": "query", "document": source}}]
        if among is not None:
            filters.append({"terms": {"id": sorted(among)}})
        after: list[str] | None = None
        while True:
            body = {
                "size": PAGE_OF_SEARCHES,
                "query": {"bool": {"filter": filters}},
                "sort": [{"id": "asc"}],
                "_source": False,
                **({"search_after": after} if after else {}),
            }
            hits = self.cluster.search(body)["hits"]["hits"]
            yield from (hit["_id"] for hit in hits)
            if len(hits) < PAGE_OF_SEARCHES:
                return
            after = hits[-1]["sort"]
