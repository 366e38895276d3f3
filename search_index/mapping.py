"""How a document looks inside the engine.

The mapping is strict: a field that is not here is refused, so nothing gets into the index by accident. Scores are made
of what stands in the document alone (`mentions`): the engine's own BM25 changes with every post that is added, and a
reader who turns the page would see hits twice or never. How rare a word is comes in with the query instead.

`facets` holds the codes of all facets, each behind the name of its own: one field, so that one walk through it counts
them all. `own` and `wish` hold codes, `c_*` the codes and concepts that the lexicon found in the texts, and `met` all
of these once, for the question whether a document meets a code at all. `title … body` hold the folded text of all
languages, cut into words and pairs of wide characters; `text_*` the text of one language, cut and stemmed as its
speakers do; `reading` the Han text read in Korean, so that a Korean word can meet its Chinese writing.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from functools import cache
from typing import Any, Final

import opencc

from search_index.document import Document
from search_index.folding import fold, fold_with_offsets
from search_index.lexicon import Lexicon, is_side, is_topic

STEMMED: Final = ("en", "de", "fr", "es", "id", "ja", "ko", "th", "zh")
"""Languages with an analyser of their own; the others live in the folded fields alone."""
FOREVER: Final = date(9999, 12, 31)
MENTIONS_COUNTED: Final = 5
REFRESH: Final = "500ms"
"""When a write becomes findable; set here, since the engine's own second stretches where nobody searches."""
PLUGINS: Final[Mapping[str, str]] = {
    "analysis-icu": "icu_tokenizer",
    "analysis-kuromoji": "kuromoji_tokenizer",
    "analysis-nori": "nori_tokenizer",
    "analysis-smartcn": "smartcn_tokenizer",
}
"""The plugin, and a tokenizer that only it brings."""

_ANALYSIS: Final[Mapping[str, Any]] = {
    "tokenizer": {"korean": {"type": "nori_tokenizer", "decompound_mode": "mixed"}},
    "filter": {
        "pairs": {"type": "cjk_bigram"},
        "pairs_and_single": {"type": "cjk_bigram", "output_unigrams": True},
        "en_stem": {"type": "stemmer", "language": "english"},
        "en_possessive": {"type": "stemmer", "language": "possessive_english"},
        "de_stem": {"type": "stemmer", "language": "light_german"},
        "fr_elision": {"type": "elision", "articles_case": True, "articles": [*"ldjmtsnc", "qu", "jusqu", "lorsqu"]},
        "fr_stem": {"type": "stemmer", "language": "light_french"},
        "es_stem": {"type": "stemmer", "language": "light_spanish"},
        "id_stem": {"type": "stemmer", "language": "indonesian"},
    },
    "analyzer": {
        "folded": {"type": "custom", "tokenizer": "standard", "filter": ["pairs_and_single"]},
        "folded_query": {"type": "custom", "tokenizer": "standard", "filter": ["pairs"]},
        "codes": {"type": "custom", "tokenizer": "whitespace", "filter": []},
        "en": {"type": "custom", "tokenizer": "icu_tokenizer", "filter": ["en_possessive", "icu_folding", "en_stem"]},
        "de": {
            "type": "custom",
            "tokenizer": "icu_tokenizer",
            "filter": ["lowercase", "german_normalization", "de_stem", "icu_folding"],
        },
        "fr": {
            "type": "custom",
            "tokenizer": "icu_tokenizer",
            "filter": ["fr_elision", "lowercase", "fr_stem", "icu_folding"],
        },
        "es": {"type": "custom", "tokenizer": "icu_tokenizer", "filter": ["lowercase", "es_stem", "icu_folding"]},
        "id": {"type": "custom", "tokenizer": "icu_tokenizer", "filter": ["icu_folding", "id_stem"]},
        "ja": {
            "type": "custom",
            "tokenizer": "kuromoji_tokenizer",
            "char_filter": ["icu_normalizer"],
            "filter": ["kuromoji_baseform", "kuromoji_part_of_speech", "kuromoji_stemmer", "lowercase"],
        },
        "ko": {"type": "custom", "tokenizer": "korean", "filter": ["nori_part_of_speech", "lowercase"]},
        "th": {"type": "custom", "tokenizer": "thai", "filter": ["icu_folding"]},
        "zh": {"type": "custom", "tokenizer": "smartcn_tokenizer", "filter": ["lowercase"]},
        "reading": {"type": "custom", "tokenizer": "korean", "filter": ["nori_readingform", "nori_part_of_speech"]},
    },
}
_SIMILARITY: Final[Mapping[str, Any]] = {
    "mentions": {
        "type": "scripted",
        "script": {"source": "return query.boost * 1.6 * doc.freq / (doc.freq + 0.6);"},
    }
}
_NEWEST_FIRST: Final[Mapping[str, Any]] = {"sort.field": ["published_at", "id"], "sort.order": ["desc", "asc"]}
"""How documents lie on disk: whoever lists them without words reads the first of each segment and stops."""

_KEYWORD: Final[Mapping[str, Any]] = {"type": "keyword"}
_UNCOUNTED: Final[Mapping[str, Any]] = {"type": "keyword", "doc_values": False}
_UNSEARCHED: Final[Mapping[str, Any]] = {"type": "keyword", "index": False}
_TEXT: Final[Mapping[str, Any]] = {"type": "text", "similarity": "mentions", "norms": False}
_FOLDED: Final[Mapping[str, Any]] = {**_TEXT, "analyzer": "folded", "search_analyzer": "folded_query"}
_CODES: Final[Mapping[str, Any]] = {**_TEXT, "analyzer": "codes", "index_options": "freqs"}


def properties() -> dict[str, Any]:
    """The fields of a document."""
    return {
        "id": _KEYWORD,
        "version": {"type": "long", "index": False},
        "hash": _UNSEARCHED,
        "visible": {"type": "boolean"},
        "keys": _KEYWORD,
        "facets": _KEYWORD,
        "met": _UNCOUNTED,
        "own": _KEYWORD,
        "wish": _KEYWORD,
        "c_title": _CODES,
        "c_topic": _CODES,
        "c_body": _CODES,
        "title": _FOLDED,
        "topic": _FOLDED,
        "name": _FOLDED,
        "body": _FOLDED,
        **{f"text_{language}": {**_TEXT, "analyzer": language} for language in STEMMED},
        "reading": {**_TEXT, "analyzer": "reading"},
        "periods": {"type": "date_range", "format": "strict_date"},
        "students": {"type": "integer"},
        "published_at": {"type": "date"},
        "expires_on": {"type": "date", "format": "strict_date"},
    }


def index_body(
    lexicon_version: str, *, shards: int = 1, percolator: bool = False, refresh: str = REFRESH
) -> dict[str, Any]:
    """Settings and mapping of a new index.

    lexicon_version: kept beside the documents with a digest of the form, to tell an index built with other ones.
    percolator: also take stored queries (`query`), for an index that asks which searches a document answers. refresh:
    when writes become findable.
    """
    fields = properties()
    if percolator:
        fields["query"] = {"type": "percolator"}
    order = {} if percolator else _NEWEST_FIRST
    form = [fields, _ANALYSIS, _SIMILARITY, order]
    return {
        "settings": {
            "number_of_shards": shards,
            "auto_expand_replicas": "0-1",
            "refresh_interval": refresh,
            "analysis": _ANALYSIS,
            "similarity": _SIMILARITY,
            **order,
        },
        "mappings": {
            "dynamic": "strict",
            "_meta": {"lexicon": lexicon_version, "form": _digest(form)},
            "_source": {"includes": ["id", "version", "hash"]},
            "properties": fields,
        },
    }


def _digest(form: Any) -> str:
    """Stands for fields and analysers: an index with another one has to be built anew."""
    return hashlib.sha256(json.dumps(form, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def source_of(document: Document, lexicon: Lexicon) -> dict[str, Any]:
    """The engine's form of a document; of one that may not be found nothing is left but its version."""
    source: dict[str, Any] = {
        "id": document.id,
        "version": document.version,
        "hash": document.content_hash,
        "visible": document.visible,
    }
    if not document.visible:
        return source
    folded = _folded(document)
    source |= _texts_of(document, folded) | _codes_of(document, folded, lexicon)
    source |= {
        "facets": [f"{facet}:{code}" for facet, codes in document.facets.items() for code in codes],
        "keys": [key.casefold() for key in document.keys],
        "periods": [{"gte": _day(period.start), "lte": _day(period.end)} for period in document.periods],
        "students": document.students,
        "published_at": document.published_at.astimezone(UTC).isoformat() if document.published_at else None,
        "expires_on": _day(document.expires_on or FOREVER),
    }
    return source


def _day(day: date) -> str:
    return day.isoformat()


@dataclass(frozen=True, slots=True)
class _Folded:
    """The texts of a document, folded once for all that is made of them: titles and bodies with their language."""

    titles: tuple[tuple[str, str], ...]
    bodies: tuple[tuple[str, str], ...]
    topics: tuple[str, ...]


def _folded(document: Document) -> _Folded:
    languages = [subtag(text.language) for text in document.texts]
    return _Folded(
        tuple(zip(languages, (fold(text.title) for text in document.texts), strict=True)),
        tuple(zip(languages, (fold(text.body) for text in document.texts), strict=True)),
        tuple(map(fold, document.topics)),
    )


def _texts_of(document: Document, folded: _Folded) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "title": [title for _, title in folded.titles],
        "body": [body for _, body in folded.bodies],
        "topic": list(folded.topics),
        "name": [fold(name) for name in (*document.names, document.region) if name],
    }
    for text, (language, title), (_, body) in zip(document.texts, folded.titles, folded.bodies, strict=True):
        if language in STEMMED:
            parts = [title, body] if language == "zh" else [text.title, text.body]
            fields.setdefault(f"text_{language}", []).extend(parts)
    fields.setdefault("text_en", []).extend(document.topics)
    han = [part for text in document.texts if subtag(text.language) in ("zh", "ja") for part in (text.title, text.body)]
    fields["reading"] = [traditional(part) for part in han]
    return fields


def subtag(language: str) -> str:
    """The language alone, without script or country."""
    return language.split("-")[0].lower()


@cache
def _converters() -> tuple[opencc.OpenCC, opencc.OpenCC]:
    return opencc.OpenCC("s2t"), opencc.OpenCC("jp2t")


def traditional(text: str) -> str:
    """Han text as Korean dictionaries of Han characters write it."""
    from_simplified, from_japanese = _converters()
    return str(from_japanese.convert(from_simplified.convert(text)))


def _codes_of(document: Document, folded: _Folded, lexicon: Lexicon) -> dict[str, Any]:
    """Codes by what they say of the document: what it is, what it looks for, what it speaks of, and where."""
    own = [f"{facet}:{code}" for facet, codes in document.facets.items() for code in codes]
    own += [f"place:{code}" for code in document.places]
    own += [f"month:{month:02}" for month in sorted(_months(document))]
    if document.region:
        own += sorted(lexicon.mentions(fold(document.region), "en"))
    wish = [f"{facet}:{code}" for facet, codes in document.wished.items() for code in codes]
    is_so, is_wished = lexicon.expand(own), lexicon.expand(wish)
    said = {
        "c_title": _most(
            _mentions(lexicon, language, title, text.title)
            for (language, title), text in zip(folded.titles, document.texts, strict=True)
        ),
        "c_topic": _most(lexicon.mentions(topic, "en") for topic in folded.topics),
        "c_body": _most(
            _mentions(lexicon, language, body, text.body)
            for (language, body), text in zip(folded.bodies, document.texts, strict=True)
        ),
    }
    spoken_of = {code for counter in said.values() for code in counter}
    met = spoken_of | {code for code in is_so | is_wished if not is_topic(code)} | set(map(as_spoken_of, spoken_of))
    return {
        "own": sorted(is_so),
        "wish": sorted(is_wished),
        "met": sorted(met),
        **{name: _repeated(counter) for name, counter in said.items()},
    }


def _mentions(lexicon: Lexicon, language: str, folded: str, written: str) -> Counter[str]:
    if language == "vi":
        return lexicon.mentions_as_written(fold_with_offsets(written))
    return lexicon.mentions(folded, language)


def as_spoken_of(code: str) -> str:
    """How `met` holds a code that texts speak of: apart from the same code where it says what the document is."""
    return code if is_topic(code) else f"said:{code}"


def _most(mentions: Iterable[Counter[str]]) -> Counter[str]:
    """Each code as often as the version that says it most.

    That a post speaks of schools abroad says nothing of the side its own school is on.
    """
    most: Counter[str] = Counter()
    for counter in mentions:
        most |= counter
    return Counter({code: count for code, count in most.items() if not is_side(code)})


def _repeated(mentions: Counter[str]) -> str:
    """The codes as words of a text, each as often as it is said, up to a bound."""
    return " ".join(code for code in sorted(mentions) for _ in range(min(mentions[code], MENTIONS_COUNTED)))


def _months(document: Document) -> set[int]:
    """The months that a short period touches; a period of more than a third of a year names no month."""
    found: set[int] = set()
    for period in document.periods:
        count = (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1
        if 0 < count <= 4:
            found.update((period.start.month + step - 1) % 12 + 1 for step in range(count))
    return found
