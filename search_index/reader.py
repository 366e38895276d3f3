"""Asks the index: search, completion, and the list of what it holds.

Hits come back as ids; whoever owns the documents loads them again before anybody sees them.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from opensearchpy.exceptions import RequestError

from search_index.cluster import Cluster
from search_index.counting import Counts, RecentReplies
from search_index.document import FACETS
from search_index.errors import BadPosition
from search_index.folding import fold
from search_index.lexicon import Completion, Lexicon, distance, slips_allowed
from search_index.query import (
    ALL,
    ALL_BONUS,
    HITS,
    Body,
    Position,
    Request,
    Statistics,
    clauses_in,
    counts_body,
    has_code,
    hits_body,
    meets,
    narrowing,
    prefix_body,
    rarity,
    shortened,
    spelling_body,
)
from search_index.understanding import Plan, Unit, understand

PAGE_OF_VERSIONS: Final = 1000
DOCUMENTS_A_NAME: Final = 4
"""How many documents are looked at for each name that may be offered."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A document found. meets_all: it meets every word or concept of the query."""

    id: str
    score: float
    meets_all: bool


@dataclass(frozen=True, slots=True)
class FacetCount:
    code: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search.

    total: all hits, exact; total_all: those that meet everything. unmatched: words that no visible document meets.
    relax: for each parameter that narrows, the total without it, where that is more. did_you_mean: the query as it was
    read, where a word was taken for a misspelt one.
    """

    hits: tuple[Hit, ...]
    total: int
    total_all: int
    facets: Mapping[str, tuple[FacetCount, ...]]
    plan: Plan
    next: Position | None = None
    unmatched: tuple[str, ...] = ()
    relax: tuple[tuple[str, int], ...] = ()
    did_you_mean: str | None = None
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What the index says it holds of one document."""

    id: str
    version: int
    hash: str


@dataclass(frozen=True, slots=True)
class Named:
    """A document some words of which begin with what was typed. by: `title`, `name` (of its owner), or both."""

    id: str
    by: frozenset[str]


@dataclass(frozen=True, slots=True)
class UnitExplained:
    """How one unit of a query was understood: its codes, how many documents meet it, what it weighs."""

    text: str
    kind: str
    codes: tuple[str, ...]
    count: int
    weight: float


@dataclass(frozen=True, slots=True)
class Explained:
    plan: Plan
    units: tuple[UnitExplained, ...] = ()
    clauses: int = 0
    total: int = 0
    corrections: Mapping[str, str] = field(default_factory=dict)


class Reader:
    """Reads the index behind the alias."""

    def __init__(self, cluster: Cluster, lexicon: Lexicon, *, index: str | None = None) -> None:
        """index: another one than that behind the alias."""
        self.cluster = cluster
        self.lexicon = lexicon
        self._index = index
        self._counts = Counts(cluster, index)
        self._recent = RecentReplies(cluster, index)

    def search(self, request: Request) -> Found:
        """One page. Raises SearchUnavailable; BadPosition for a place in another list."""
        until = time.monotonic() + self.cluster.search_seconds
        plan, figures = self._understood(request, until)
        asked = hits_body(request, plan, figures, self.lexicon), counts_body(request, plan, figures, self.lexicon)
        try:
            hits, counts = self._ask(*asked, until)
        except RequestError as fault:
            if request.after is None:
                raise
            raise BadPosition("the engine cannot go on from there") from fault
        return self._found(request, plan, figures, hits, counts)

    def _ask(self, hits: Body, counts: Body, until: float) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The replies to both bodies; counts that took long may be some seconds old."""
        kept = self._recent.recall(counts)
        if kept is not None:
            return self.cluster.search(hits, index=self._index, until=until), kept
        asked_at = self._recent.now()
        found, counted = self.cluster.search_many([hits, counts], index=self._index, until=until)
        self._recent.keep(counts, counted, asked_at)
        return found, counted

    def explain(self, text: str, *, today: date, language: str | None = None) -> Explained:
        """How a query is understood, and what each of its units weighs."""
        request = Request(today=today, text=text, language=language)
        plan, figures = self._understood(request)
        if figures is None:
            return Explained(plan)
        units = tuple(
            UnitExplained(
                unit.text,
                "phrase" if unit.phrase else "concept" if unit.readings else "word",
                unit.codes,
                count,
                round(rarity(count, figures.total), 3),
            )
            for unit, count in zip(plan.units, figures.units, strict=True)
        )
        clauses = clauses_in(hits_body(request, plan, figures, self.lexicon)["query"])
        return Explained(plan, units, clauses, figures.total, figures.corrections)

    def understand(self, request: Request) -> tuple[Plan, Statistics | None]:
        """How a request is read, with the figures of its parts as they are now. Raises SearchUnavailable."""
        return self._understood(request)

    def understand_to_keep(self, request: Request) -> tuple[Plan, Statistics | None]:
        """As `understand`, without figures where no word could be misspelt: whether something is met needs none."""
        plan = self._plan(request, {})
        return self._understood(request) if any(unit.correctable for unit in plan.units) else (plan, None)

    def complete(
        self, typed: str, *, today: date, language: str | None = None, limit: int = 8
    ) -> tuple[tuple[Completion, ...], tuple[Named, ...]]:
        """Names of codes and concepts, and visible documents, that begin with what was typed.

        language: of the reader. Several documents of one owner are one name, so more of them come than the limit.
        """
        names = self.lexicon.complete(typed, language=language, limit=limit)
        start = fold(typed[:100])
        if not start:
            return (), ()
        reply = self.cluster.search(prefix_body(start, today, limit * DOCUMENTS_A_NAME), index=self._index)
        hits = reply["hits"]["hits"]
        return names, tuple(Named(hit["_id"], frozenset(hit.get("matched_queries", ()))) for hit in hits)

    def held(self) -> Iterator[Held]:
        """Every document with its version and hash, tombstones too, by ascending id."""
        after: list[str] | None = None
        while True:
            body: dict[str, Any] = {
                "size": PAGE_OF_VERSIONS,
                "query": {"match_all": {}},
                "sort": [{"id": "asc"}],
                "_source": ["id", "version", "hash"],
                **({"search_after": after} if after else {}),
            }
            hits = self.cluster.search(body, index=self._index)["hits"]["hits"]
            for hit in hits:
                source = hit["_source"]
                yield Held(source["id"], source["version"], source["hash"])
            if len(hits) < PAGE_OF_VERSIONS:
                return
            after = hits[-1]["sort"]

    def count_visible(self, today: date) -> int:
        """How many documents everybody may see today."""
        (count,) = self._counts.of([None], today)
        return count

    def lexicon_of_index(self) -> str | None:
        """The version of the words that the index behind the alias was built with."""
        return self.cluster.meta_of(self._index or self.cluster.names.alias).get("lexicon")

    # understanding with figures

    def _understood(self, request: Request, until: float | None = None) -> tuple[Plan, Statistics | None]:
        """The plan, and how many documents meet its parts: counted now, or as they stood when the list began."""
        if request.after is not None:
            return self._continued(request, request.after)
        plan = self._plan(request, {})
        if not plan.units:
            return plan, None
        figures, near = self._figures(plan, request.today, until)
        corrections = self._corrections(plan, figures, near)
        while corrections:
            better = self._plan(request, corrections)
            counted, _ = self._figures(better, request.today, until)
            helpful = self._helpful(better, counted, corrections)
            if helpful == corrections:
                return better, replace(counted, corrections=corrections)
            corrections = helpful
        return plan, figures

    def _continued(self, request: Request, after: Position) -> tuple[Plan, Statistics | None]:
        figures = after.statistics
        if after.lexicon != self.lexicon.version:
            raise BadPosition("the words have changed since")
        plan = self._plan(request, figures.corrections if figures else {})
        fits = figures is None or (len(figures.codes), len(figures.units)) == (len(plan.codes), len(plan.units))
        if not fits or bool(figures) != bool(plan.units):
            raise BadPosition("of another query")
        return plan, figures

    def _plan(self, request: Request, corrections: Mapping[str, str]) -> Plan:
        plan = understand(request.text, self.lexicon, language=request.language, corrections=corrections)
        return shortened(plan, self.lexicon)

    def _figures(
        self, plan: Plan, today: date, until: float | None
    ) -> tuple[Statistics, Mapping[str, tuple[str, ...]]]:
        """How many documents meet the parts of a plan, and for words that none has: near ones of the documents."""
        asked = [None, *map(has_code, plan.codes), *(meets(unit, plan) for unit in plan.units)]
        total, *met = self._counts.of(asked, today, until)
        codes, units = met[: len(plan.codes)], met[len(plan.codes) :]
        doubtful = [at for at, unit in enumerate(plan.units) if unit.correctable and not units[at]]
        if not doubtful:
            return Statistics(total, tuple(codes), tuple(units)), {}
        fuzzy = self._counts.of([meets(plan.units[at], plan, fuzzy=True) for at in doubtful], today, until)
        for at, count in zip(doubtful, fuzzy, strict=True):
            units[at] = count
        figures = Statistics(total, tuple(codes), tuple(units), tuple(at for at in doubtful if units[at]))
        return figures, self._near_words([plan.units[at].words for at in doubtful], until)

    def _near_words(self, words: Sequence[str], until: float | None) -> Mapping[str, tuple[str, ...]]:
        long_enough = sorted({word for word in words if slips_allowed(word)})
        if not long_enough:
            return {}
        return _suggested(self.cluster.search(spelling_body(long_enough), index=self._index, until=until))

    # spelling

    def _corrections(self, plan: Plan, figures: Statistics, near: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
        """For each Latin word that nobody uses: the nearest known one, of the lexicon or of the documents (`near`)."""
        found: dict[str, str] = {}
        for at, unit in enumerate(plan.units):
            if not unit.correctable or figures.exact(at) or self.lexicon.knows_word(unit.words):
                continue
            best = self._nearest(unit, plan.language, near.get(unit.words, ()))
            if best is not None:
                found[unit.words] = best
        return found

    def _nearest(self, unit: Unit, language: str | None, used: tuple[str, ...]) -> str | None:
        allowed = slips_allowed(unit.words)
        ranked = [
            (distance(unit.words, word, allowed), at, word)
            for at, words in enumerate((self.lexicon.corrections(unit.words, language), used))
            for word in words
        ]
        fitting = sorted(row for row in ranked if 0 < row[0] <= allowed)
        return fitting[0][2] if fitting else None

    def _helpful(self, plan: Plan, figures: Statistics, corrections: Mapping[str, str]) -> dict[str, str]:
        """Those of the corrections that visible documents meet, or that say nothing beside words that say something.

        Each by itself: the engine also proposes words of documents that are hidden or gone, and these must not be shown
        in the company of a good one.
        """
        found: dict[str, str] = {}
        for typed, better in corrections.items():
            touched = [at for at, unit in enumerate(plan.units) if better in unit.words.split()]
            if any(map(figures.exact, touched)) or (not touched and plan.units):
                found[typed] = better
        return found

    # the reply

    def _found(
        self,
        request: Request,
        plan: Plan,
        figures: Statistics | None,
        reply: Mapping[str, Any],
        counts: Mapping[str, Any],
    ) -> Found:
        rows = reply["hits"]["hits"]
        hits = tuple(_hit(row, plan) for row in rows[: request.limit])
        following = None
        if len(rows) > request.limit:
            following = Position(tuple(rows[request.limit - 1]["sort"]), figures, self.lexicon.version)
        groups = counts["aggregations"]
        total = int(groups[HITS]["doc_count"])
        return Found(
            hits=hits,
            total=total,
            total_all=int(groups[ALL]["doc_count"]) if ALL in groups else total,
            facets=_facets(request, groups),
            plan=plan,
            next=following,
            unmatched=_unmatched(plan, figures),
            relax=_relax(request, total, groups),
            did_you_mean=plan.corrected,
            took_ms=int(reply["took"]),
        )


def _suggested(reply: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Words of the documents that are near a word of the query."""
    found: dict[str, tuple[str, ...]] = {}
    for entries in reply.get("suggest", {}).values():
        for entry in entries:
            words = tuple(option["text"] for option in entry["options"])
            found[entry["text"]] = (*found.get(entry["text"], ()), *words)
    return found


def _hit(row: Mapping[str, Any], plan: Plan) -> Hit:
    if not plan.units:
        return Hit(row["_id"], 0.0, True)
    meets_all = ALL in row.get("matched_queries", ())
    score = float(row["_score"] or 0.0) - (ALL_BONUS if meets_all else 0.0)
    return Hit(row["_id"], round(max(score, 0.0), 4), meets_all)


def _facets(request: Request, groups: Mapping[str, Any]) -> dict[str, tuple[FacetCount, ...]]:
    """The counts of each facet: those of the hits, or without its own choice where there is one."""
    counted: dict[str, dict[str, int]] = {facet: {} for facet in FACETS}
    chosen = {facet: codes for facet, codes in request.facets.items() if codes}
    for group in (HITS, *(f"without_{facet}" for facet in chosen)):
        for bucket in groups[group]["codes"]["buckets"]:
            facet, _, code = bucket["key"].partition(":")
            if (facet in chosen) == (group != HITS):
                counted[facet][code] = int(bucket["doc_count"])
    return {facet: _facet(counted[facet], chosen.get(facet, ())) for facet in FACETS}


def _facet(counts: Mapping[str, int], chosen: tuple[str, ...]) -> tuple[FacetCount, ...]:
    """Every code with a count, most first, then every chosen one without."""
    listed = [FacetCount(code, count, code in chosen) for code, count in counts.items()]
    missing = [FacetCount(code, 0, True) for code in dict.fromkeys(chosen) if code not in counts]
    return tuple(sorted(listed, key=lambda row: (-row.count, row.code)) + missing)


def _unmatched(plan: Plan, figures: Statistics | None) -> tuple[str, ...]:
    if figures is None:
        return ()
    return tuple(unit.text for unit, count in zip(plan.units, figures.units, strict=True) if not count)


def _relax(request: Request, total: int, groups: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """What each narrowing parameter costs: the total without it, most first, where it is more than the present one."""
    without = [(name, int(groups[f"without_{name}"]["doc_count"])) for name in narrowing(request)]
    gains = [(name, count) for name, count in without if count > total]
    return tuple(sorted(gains, key=lambda row: -row[1]))
