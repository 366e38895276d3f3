"""From an understood query to the engine's body, and back from its reply.

Every clause is built here from words and codes; nothing a reader types is handed to a parser of the engine. The number
of clauses is bounded, whatever is typed. Scores come from the document and from how rare each unit was when the reader
began (`Statistics`); the place in the list carries those figures along, so a page turned later continues the same list.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from search_index.document import FACETS
from search_index.errors import BadPosition
from search_index.lexicon import Lexicon, is_side, is_topic
from search_index.mapping import as_spoken_of
from search_index.understanding import Plan, Unit

Sort = Literal["relevance", "newest", "expiring"]
Body = dict[str, Any]

ALL: Final = "all"
HITS: Final = "hits"
ALL_BONUS: Final = 1000.0
"""Added to a score where every unit is met: far above any sum of weights, and floats are still fine there."""
CODES_LISTED: Final = 400
CLAUSES_USED: Final = 900
"""The engine refuses a query of more than 1,024 clauses."""

_OWN, _WISH = 3.0, 1.6
_OWN_OF: Final = {"language": 2.0, "month": 1.0, "side": 4.0}
"""A language is one of several that a post names, and days move more easily than schools. Of a side, that weighs as it
stands: half of all posts are on each."""
_SAID: Final = {"c_title": 1.4, "c_topic": 1.0, "c_body": 0.7}
_SPOKEN_OF: Final = {"c_title": 1.0, "c_topic": 1.0, "c_body": 0.45}
_RELATED = 0.4
RELATED_USED: Final = 6
_WORDS: Final = {"title": 1.0, "topic": 1.0, "name": 1.2, "body": 0.45}
_STEMS = 0.4
_IN_PART = 0.4
_READ_IN_KOREAN = 0.5
_PLAIN_WORD = 0.6
_OWN_WORDS = 0.15
_INSIDE = 0.1
_ABBREVIATED = 0.5
_ABBREVIATION: Final = re.compile(r"[a-z][a-z0-9]{2,}")
_TIE: Final = 0.1
_TIE_TOPIC: Final = 0.3
_LATIN_STEMS: Final = ("en", "de", "fr", "es", "id")
_SCRIPT_STEMS: Final = {"hangul": ("ko",), "kana": ("ja",), "han": ("zh", "ja"), "thai": ("th",)}
_FUZZY: Final = {"fuzziness": "AUTO:5,9", "prefix_length": 1, "max_expansions": 5, "fuzzy_transpositions": True}
_SHORTEST_LITERAL = 4
_LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class Statistics:
    """How many documents there are, and how many meet each code and each unit of one plan; fuzzy: units whose word
    nobody uses, so that near ones count."""

    total: int
    codes: tuple[int, ...]
    units: tuple[int, ...]
    fuzzy: tuple[int, ...] = ()
    corrections: Mapping[str, str] = field(default_factory=dict)

    def exact(self, at: int) -> int:
        """How many documents meet a unit as it is written."""
        return 0 if at in self.fuzzy else self.units[at]


@dataclass(frozen=True, slots=True)
class Position:
    """The place after a hit, with the figures its list was made with."""

    after: tuple[float | int | str, ...]
    statistics: Statistics | None
    lexicon: str

    def encode(self) -> str:
        figures = self.statistics
        parts: list[Any] = [list(self.after), self.lexicon]
        if figures:
            parts.append([figures.total, figures.codes, figures.units, figures.fuzzy, dict(figures.corrections)])
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> "Position":
        """Raises BadPosition for anything that `encode` cannot have made."""
        try:
            after, lexicon, *figures = json.loads(text)
            statistics = None
            if figures:
                total, codes, units, fuzzy, corrections = figures[0]
                statistics = Statistics(int(total), tuple(codes), tuple(units), tuple(fuzzy), dict(corrections))
            return cls(tuple(after), statistics, str(lexicon))
        except (ValueError, TypeError) as fault:
            raise BadPosition("not a place in a list") from fault


@dataclass(frozen=True, slots=True)
class Request:
    """What a reader asks for.

    facets: chosen codes by facet; start, end: a period of the document overlaps these days; students: its group is at
    most that. language: of the reader. today: the day by which a document may still be found.
    """

    today: date
    text: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    start: date | None = None
    end: date | None = None
    students: int | None = None
    sort: Sort = "relevance"
    limit: int = 20
    after: Position | None = None
    language: str | None = None


# which documents


def visible(today: date) -> list[Body]:
    """What everybody may see today."""
    return [{"term": {"visible": True}}, {"range": {"expires_on": {"gte": today.isoformat()}}}]


def filters(request: Request) -> dict[str, Body]:
    """One filter for each parameter that narrows the search, by the parameter's name; a period is one of two."""
    found: dict[str, Body] = {
        facet: {"terms": {"facets": [f"{facet}:{code}" for code in sorted(set(request.facets[facet]))]}}
        for facet in FACETS
        if request.facets.get(facet)
    }
    if request.start or request.end:
        found["period"] = _overlap(request.start, request.end)
    if request.students is not None:
        found["students"] = {"range": {"students": {"lte": request.students}}}
    return found


def _overlap(start: date | None, end: date | None) -> Body:
    if start and end and start > end:
        return {"match_none": {}}
    bounds = {"gte": start, "lte": end}
    days = {bound: day.isoformat() for bound, day in bounds.items() if day}
    return {"range": {"periods": {**days, "relation": "intersects"}}}


def _relaxed(request: Request) -> dict[str, list[Body]]:
    """For each parameter that narrows: the filters that stay when it is taken away."""
    chosen = filters(request)
    relaxed = {
        name: [clause for other, clause in chosen.items() if other != name] for name in chosen if name != "period"
    }
    without_period = [clause for name, clause in chosen.items() if name != "period"]
    if request.start:
        relaxed["from"] = without_period + ([_overlap(None, request.end)] if request.end else [])
    if request.end:
        relaxed["to"] = without_period + ([_overlap(request.start, None)] if request.start else [])
    return relaxed


# what a hit meets


def meets(unit: Unit, plan: Plan, *, fuzzy: bool = False) -> Body:
    """The filter for documents that meet a unit."""
    if not unit.readings:
        return _any(_word_clauses(unit, plan, fuzzy=fuzzy))
    alternatives = [_all([has_code(code) for code in reading]) for reading in unit.readings]
    return _any([*alternatives, *_literal_clauses(unit)])


def has_code(code: str) -> Body:
    """The filter for documents that are, wish for or speak of what a code stands for."""
    return {"term": {"met": {"value": code}}}


def _literal_clauses(unit: Unit) -> list[Body]:
    """The unit's own words as they were typed, where they are long enough not to be met inside other words."""
    if unit.script != "latin" and len(unit.words) < _SHORTEST_LITERAL:
        return []
    return _phrases(unit.words)


def _word_clauses(unit: Unit, plan: Plan, *, fuzzy: bool) -> list[Body]:
    clauses = _phrases(unit.words)
    if unit.phrase:
        return clauses
    clauses += [
        {"match": {f"text_{language}": {"query": _asked(unit, language), "operator": "and", "boost": _STEMS}}}
        for language in _stems(unit, plan)
    ]
    if fuzzy:
        clauses += [
            {"match": {name: {"query": unit.words, "boost": boost * 0.8, **_FUZZY}}} for name, boost in _WORDS.items()
        ]
    return clauses


def _asked(unit: Unit, language: str) -> str:
    return unit.words if language == "zh" else unit.text


def _stems(unit: Unit, plan: Plan) -> tuple[str, ...]:
    if unit.script != "latin":
        return _SCRIPT_STEMS[unit.script]
    if plan.language in _LATIN_STEMS:
        return tuple(dict.fromkeys((plan.language, "en")))
    return _LATIN_STEMS


def _all(clauses: Sequence[Body]) -> Body:
    return clauses[0] if len(clauses) == 1 else {"bool": {"filter": list(clauses)}}


def _any(clauses: Sequence[Body]) -> Body:
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": list(clauses), "minimum_should_match": 1}}


def meets_all(plan: Plan, statistics: Statistics | None) -> Body:
    """The filter for documents that meet one unit of every group that makes a hit."""
    fuzzy = set(statistics.fuzzy if statistics else ())
    groups = [_any([meets(plan.units[at], plan, fuzzy=at in fuzzy) for at in group]) for group in plan.needed]
    key = _key_clause(plan)
    return _any([_all(groups), key]) if key else _all(groups)


def _key_clause(plan: Plan) -> Body | None:
    """A query that may be the exact name of one document, such as a case number."""
    key = plan.typed.strip().casefold()
    if not key or " " in key or len(key) > _LONGEST_KEY or not any(map(str.isdigit, key)):
        return None
    return {"term": {"keys": {"value": key}}}


# how much it counts


def rarity(count: int, total: int) -> float:
    """The weight of something that `count` of `total` documents meet."""
    return math.log(1 + (max(total, count) - count + 0.5) / (count + 0.5))


def _scores(plan: Plan, groups: Iterable[tuple[int, ...]], statistics: Statistics, lexicon: Lexicon) -> Iterator[Body]:
    """One scoring clause for each of these groups: the best of its alternatives."""
    code_counts = dict(zip(plan.codes, statistics.codes, strict=True))
    for group in groups:
        clauses = [_score(plan, at, statistics, code_counts, lexicon) for at in group]
        yield clauses[0] if len(clauses) == 1 else {"dis_max": {"queries": clauses, "tie_breaker": _TIE}}


def _score(plan: Plan, at: int, statistics: Statistics, counts: Mapping[str, int], lexicon: Lexicon) -> Body:
    unit = plan.units[at]
    weight = rarity(statistics.units[at], statistics.total)
    if unit.readings:
        return _concept_score(unit, weight, counts, statistics.total, lexicon)
    return _word_score(unit, plan, weight * _PLAIN_WORD, fuzzy=at in statistics.fuzzy)


def _concept_score(unit: Unit, weight: float, counts: Mapping[str, int], total: int, lexicon: Lexicon) -> Body:
    """The best of the readings, each the sum of its codes; and the very word that was typed, on top."""
    readings = [
        _sum([_code_score(code, _rarity_of(code, counts[code], total), lexicon) for code in reading])
        for reading in unit.readings
    ]
    meant = _best(readings, _TIE) or {"match_none": {}}
    literal = _best(_literal_clauses(unit), 0.0, boost=weight * _OWN_WORDS) or _inside(unit, weight)
    short = _best(_abbreviations(unit), 0.0, boost=weight * _ABBREVIATED)
    typed = [clause for clause in (literal, short) if clause]
    return {"bool": {"should": [meant, *typed], "minimum_should_match": 1}} if typed else meant


def _rarity_of(code: str, count: int, total: int) -> float:
    return 1.0 if is_side(code) else rarity(count, total)


def _inside(unit: Unit, weight: float) -> Body | None:
    """Short Han words wherever they stand, even inside others: worth little, and not enough to count as met."""
    return _best(_inside_clauses(unit), 0.0, boost=weight * _INSIDE)


def _inside_clauses(unit: Unit) -> list[Body]:
    return _phrases(unit.words) if unit.script == "han" else []


def _abbreviations(unit: Unit) -> list[Body]:
    """Latin letters within a wide word: FRC in FRC機器人 names the one contest that is meant."""
    names = _ABBREVIATION.findall(unit.words) if unit.script != "latin" else ()
    return [clause for name in names for clause in _phrases(name)]


def _phrases(words: str) -> list[Body]:
    """The words side by side, in any of the folded fields."""
    return [{"match_phrase": {name: {"query": words, "boost": boost}}} for name, boost in _WORDS.items()]


def _code_score(code: str, weight: float, lexicon: Lexicon) -> Body:
    topic = is_topic(code)
    clauses: list[Body] = [
        {"term": {name: {"value": code, "boost": boost * weight}}}
        for name, boost in (_SPOKEN_OF if topic else _SAID).items()
    ]
    if not topic:
        clauses += [
            {"constant_score": {"filter": {"term": {name: {"value": code}}}, "boost": boost * weight}}
            for name, boost in (("own", _OWN_OF.get(code.split(":")[0], _OWN)), ("wish", _WISH))
        ]
    for other in lexicon.near(code)[:RELATED_USED]:
        clauses += [
            {"term": {name: {"value": other, "boost": boost * weight * _RELATED}}} for name, boost in _SPOKEN_OF.items()
        ]
    return _best(clauses, _TIE_TOPIC if topic else _TIE) or {"match_none": {}}


def _word_score(unit: Unit, plan: Plan, weight: float, *, fuzzy: bool) -> Body:
    return _best(_word_filters(unit, plan, fuzzy=fuzzy), _TIE_TOPIC, boost=weight) or {"match_none": {}}


def _word_filters(unit: Unit, plan: Plan, *, fuzzy: bool) -> list[Body]:
    """All that a plain word is looked for by, in whole or in part."""
    parts = _in_part(unit) if not unit.phrase and unit.script != "latin" else ()
    return [*_word_clauses(unit, plan, fuzzy=fuzzy), *parts]


def _in_part(unit: Unit) -> Iterator[Body]:
    """Wide words met in part, and Han words met in their Korean reading; enough to score, not to count as met."""
    if len(unit.words) > 2:
        for name in ("title", "topic", "body"):
            match = {"query": unit.words, "minimum_should_match": "60%", "boost": _WORDS[name] * _IN_PART}
            yield {"match": {name: match}}
    read = {"query": unit.text, "operator": "and", "boost": _READ_IN_KOREAN}
    if unit.script == "hangul":
        yield {"match": {"reading": read}}
    elif unit.script == "han":
        yield {"match": {"text_ko": {**read, "analyzer": "reading"}}}


def _best(clauses: Sequence[Body], tie: float, *, boost: float = 1.0) -> Body | None:
    if not clauses:
        return None
    return {"dis_max": {"queries": list(clauses), "tie_breaker": tie, "boost": boost}}


def _sum(clauses: Sequence[Body]) -> Body:
    return clauses[0] if len(clauses) == 1 else {"bool": {"must": list(clauses)}}


# the bodies


def counting_body(today: date, clause: Body | None = None) -> Body:
    """Asks how many visible documents there are, or meet a clause."""
    return {
        "size": 0,
        "track_total_hits": True,
        "query": {"bool": {"filter": [*visible(today), *([clause] if clause else [])]}},
    }


def spelling_body(words: Iterable[str]) -> Body:
    """Asks which words of the documents are near these ones."""
    suggest = {"text": " ".join(words), **{name: _spelling(name) for name in ("body", "topic", "title")}}
    return {"size": 0, "track_total_hits": False, "query": {"match_none": {}}, "suggest": suggest}


def _spelling(name: str) -> Body:
    return {
        "term": {
            "field": name,
            "suggest_mode": "missing",
            "string_distance": "damerau_levenshtein",
            "prefix_length": 1,
            "min_word_length": 4,
            "max_edits": 2,
            "size": 2,
        }
    }


def hits_body(request: Request, plan: Plan, statistics: Statistics | None, lexicon: Lexicon) -> Body:
    """Asks for the hits of one page. Nothing is counted, so that the engine may leave out what cannot get there."""
    body: Body = {
        "size": request.limit + 1,
        "track_total_hits": False,
        "track_scores": bool(plan.units),
        "_source": False,
        "query": _query(request, plan, statistics, lexicon),
        "sort": _sort(request, plan),
    }
    if request.after is not None:
        if len(request.after.after) != len(body["sort"]):
            raise BadPosition("of another order")
        body["search_after"] = list(request.after.after)
    return body


def counts_body(request: Request, plan: Plan, statistics: Statistics | None, lexicon: Lexicon) -> Body:
    """Asks for the totals and the counts of all facets, each of which ignores its own choice; nothing is scored."""
    return {
        "size": 0,
        "track_total_hits": False,
        "query": {"bool": {"filter": [*visible(request.today), *_reached(plan, statistics, lexicon)]}},
        "aggs": _aggregations(request, plan, statistics),
    }


def _query(request: Request, plan: Plan, statistics: Statistics | None, lexicon: Lexicon) -> Body:
    narrowed = [*visible(request.today), *filters(request).values()]
    if not plan.units or statistics is None:
        return {"bool": {"filter": narrowed}}
    should: list[Body] = [
        {"constant_score": {"filter": meets_all(plan, statistics), "boost": ALL_BONUS, "_name": ALL}},
        *_scores(plan, plan.needed, statistics, lexicon),
    ]
    found: Body = {"filter": narrowed, "should": should, "minimum_should_match": 1}
    lifting = list(_scores(plan, plan.wished, statistics, lexicon))
    return {"bool": {"must": [{"bool": found}], "should": lifting} if lifting else found}


def _reached(plan: Plan, statistics: Statistics | None, lexicon: Lexicon) -> list[Body]:
    """The filter for all documents that score: what `_scores` asks for one by one is asked of one field here."""
    if not plan.units or statistics is None:
        return []
    needed = [at for group in plan.needed for at in group]
    groups = [clause for at in needed for clause in _reaching(plan, statistics, at, lexicon)]
    key = _key_clause(plan)
    return [_any([*groups, *([key] if key else [])])]


def _reaching(plan: Plan, statistics: Statistics, at: int, lexicon: Lexicon) -> list[Body]:
    unit = plan.units[at]
    if not unit.readings:
        return _word_filters(unit, plan, fuzzy=at in statistics.fuzzy)
    readings = [_all([_has_or_is_near(code, lexicon) for code in reading]) for reading in unit.readings]
    return [*readings, *(_literal_clauses(unit) or _inside_clauses(unit)), *_abbreviations(unit)]


def _has_or_is_near(code: str, lexicon: Lexicon) -> Body:
    return {"terms": {"met": [code, *map(as_spoken_of, lexicon.near(code)[:RELATED_USED])]}}


def _sort(request: Request, plan: Plan) -> list[Body]:
    last: list[Body] = [{"id": "asc"}]
    if request.sort == "expiring":
        return [{"expires_on": "asc"}, *last]
    if request.sort == "relevance" and plan.units:
        return [{"_score": "desc"}, {"published_at": "desc"}, *last]
    return [{"published_at": "desc"}, *last]


def _aggregations(request: Request, plan: Plan, statistics: Statistics | None) -> Body:
    chosen = list(filters(request).values())
    aggregations: Body = {HITS: _counted(chosen, {"field": "facets", "size": CODES_LISTED * len(FACETS)})}
    for name, others in _relaxed(request).items():
        codes = {"field": "facets", "size": CODES_LISTED, "include": f"{name}:.*"} if name in FACETS else None
        aggregations[f"without_{name}"] = _counted(others, codes)
    if plan.units and statistics is not None:
        aggregations[ALL] = _counted([*chosen, meets_all(plan, statistics)], None)
    return aggregations


def _counted(narrowed: list[Body], codes: Body | None) -> Body:
    """How many documents pass these filters, and with which codes."""
    counted: Body = {"filter": {"bool": {"filter": narrowed}}}
    return counted | ({"aggs": {"codes": {"terms": codes}}} if codes else {})


def narrowing(request: Request) -> tuple[str, ...]:
    """The parameters that narrow this search, in their fixed order."""
    named = [facet for facet in FACETS if request.facets.get(facet)]
    given = {"from": request.start, "to": request.end, "students": request.students}
    return (*named, *(name for name, value in given.items() if value is not None))


def clauses_in(body: Any) -> int:
    """How many leaf clauses the engine will count in a query, fuzzy ones with what they may grow to."""
    if isinstance(body, list):
        return sum(map(clauses_in, body))
    if not isinstance(body, dict):
        return 0
    count = 0
    for key, value in body.items():
        if key in ("term", "terms", "range", "match_phrase", "match_none", "match_all"):
            count += 1
        elif key == "match":
            count += sum(_match_clauses(options) for options in value.values())
        else:
            count += clauses_in(value)
    return count


def _match_clauses(options: Mapping[str, Any]) -> int:
    words = max(1, len(str(options["query"]).split()), len(str(options["query"])) - 1 if _is_wide(options) else 1)
    return words * (int(options.get("max_expansions", 1)) if "fuzziness" in options else 1)


def _is_wide(options: Mapping[str, Any]) -> bool:
    return not str(options["query"]).isascii()


def shortened(plan: Plan, lexicon: Lexicon) -> Plan:
    """The plan without its last units, where it would grow to more clauses than the engine takes."""
    figures = Statistics(1, (0,) * len(plan.codes), (0,) * len(plan.units), tuple(range(len(plan.units))))
    counts = dict.fromkeys(plan.codes, 0)
    costs = [
        clauses_in(_score(plan, at, figures, counts, lexicon)) + clauses_in(meets(unit, plan, fuzzy=unit.correctable))
        for at, unit in enumerate(plan.units)
    ]
    kept, spent = 0, 0
    for cost in costs:
        if spent + cost > CLAUSES_USED:
            break
        kept, spent = kept + 1, spent + cost
    return plan if kept == len(plan.units) else plan.first(kept)


def prefix_body(typed: str, today: date, limit: int) -> Body:
    """Documents whose title or names hold all the words that were typed, the last of them perhaps unfinished; those
    first where the words stand side by side."""
    clauses: list[Body] = [
        {"match_bool_prefix": {name: {"query": typed, "operator": "and", "boost": boost, "_name": name}}}
        for name, boost in (("name", 2.0), ("title", 1.0))
    ]
    beside: list[Body] = [
        {"match_phrase_prefix": {name: {"query": typed, "max_expansions": 50}}} for name in ("name", "title")
    ]
    found = {"bool": {"should": clauses, "minimum_should_match": 1}}
    return {
        "size": limit,
        "_source": False,
        "query": {"bool": {"filter": visible(today), "must": [found], "should": beside}},
        "sort": [{"_score": "desc"}, {"published_at": "desc"}, {"id": "asc"}],
    }


def stored_query(plan: Plan, request: Request, statistics: Statistics | None = None) -> Body:
    """The search as one filter, for an index of searches that asks which of them a document answers.

    Met by what the search would show as `match: all`. statistics: which words are taken as misspelt.
    """
    clauses: Iterable[Body] = (*visible(request.today)[:1], *filters(request).values())
    return {"bool": {"filter": [*clauses, *([meets_all(plan, statistics)] if plan.units else [])]}}
