"""Whether two posts could become one exchange, how well, and why: one pure decision over two posts.

The hard rules say what is impossible; the weights say what speaks for a pair. Both sides get the same score, each with
the reasons as it reads them. What nobody has said rules nothing out, and speaks for nothing either.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from iew.domain.plans import Plan
from iew.domain.schools import SENIOR_HIGH_LEVELS, Side, side_of

COMPATIBLE: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    # the post in Taiwan    the posts abroad that fit it
    "online_exchange":      frozenset({"online_exchange", "joint_class", "sister_school"}),
    "joint_class":          frozenset({"joint_class", "online_exchange", "sister_school"}),
    "inbound_visit":        frozenset({"inbound_visit", "educational_travel", "preparatory_visit", "homestay"}),
    "outbound_visit":       frozenset({"outbound_visit", "homestay"}),
    "student_exchange":     frozenset({"student_exchange", "homestay", "sister_school"}),
    "homestay":             frozenset({"homestay", "inbound_visit", "outbound_visit", "student_exchange",
                                       "educational_travel"}),
    "sister_school":        frozenset({"sister_school", "online_exchange", "joint_class", "student_exchange"}),
    "teacher_exchange":     frozenset({"teacher_exchange"}),
    "preparatory_visit":    frozenset({"preparatory_visit", "outbound_visit"}),
    "educational_travel":   frozenset({"educational_travel", "outbound_visit", "homestay"}),
})  # fmt: skip
"""Which kinds of exchange can be one. `inbound_visit` and `outbound_visit` are named from Taiwan, whoever posts them; a
preparatory visit and educational travel go to the other side, so those of a Taiwan post need a host abroad."""

WEIGHTS: Final[Mapping[str, int]] = MappingProxyType({
    "language": 22,
    "level": 14,
    "grades": 12,
    "topics": 16,
    "type": 12,
    "dates": 12,
    "group": 6,
    "wishes": 3,
    "homestay": 3,
})  # fmt: skip
"""What each thing speaks for a pair, out of 100.

language: a language both can work in; with two, one can fail. level: schools of one level, or both senior high.
grades: pupils of one age. topics: the same subject, in whatever language it is written; less where only the texts speak
of it. type: how much of what each
side offers meets the other. dates: periods that overlap. group: groups of near size, so that nobody is left over.
wishes: a side named the other's country or county, and did not merely leave it open. homestay: one looks for host
families and the other has them.
"""

TWO_LANGUAGES: Final = 2
TWO_TOPICS: Final = 2
NEAREST_SHARE: Final = 0.5
"""The smaller group is at least this share of the larger one."""
CROSS_LEVEL: Final = "cross_level"
_NOT_A_LANGUAGE: Final = "other"

Period = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject as its school wrote it. keys: what it may be recognised by, its folded words and its concepts."""

    text: str
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Post:
    """What counts of a post and of the school behind it.

    level: of the school; levels, countries, counties: of the partners it looks for, empty where any will do.
    themes: what title and description speak of, as concepts. periods: the days that are still to come. students: None
    where it is not said.
    """

    id: str
    country: str
    level: str
    public: bool
    county: str | None = None
    exchange_types: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()
    grades: frozenset[int] = frozenset()
    countries: frozenset[str] = frozenset()
    counties: frozenset[str] = frozenset()
    topics: tuple[Topic, ...] = ()
    themes: frozenset[str] = frozenset()
    periods: tuple[Period, ...] = ()
    students: int | None = None
    homestay: str = "none"

    @property
    def side(self) -> Side:
        return side_of(self.country)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the other post fits: a code, and the values it is about."""

    code: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """score: 0 to 1, the same for both. reasons: as the first post reads them, what weighs most first."""

    score: float
    reasons: tuple[Reason, ...]


def fit(post: Post, other: Post) -> Fit | None:
    """How well `other` fits `post`; None where a hard rule forbids the pair."""
    if not possible(post, other):
        return None
    found = {name: aspect.measure(post, other) for name, aspect in ASPECTS.items()}
    total = 0.0
    for name, (value, _) in found.items():
        total += WEIGHTS[name] * value
    heaviest = sorted(found, key=lambda name: -WEIGHTS[name] * found[name][0])
    return Fit(in_full(total), tuple(reason for name in heaviest for reason in found[name][1]))


def in_full(weighed: float) -> float:
    """The score that a sum of weighed measures comes to, 0 to 1."""
    return round(weighed / sum(WEIGHTS.values()), 4)


# what is impossible


def possible(one: Post, other: Post) -> bool:
    """Whether no hard rule stands between two posts, whichever is asked about first."""
    return one.public and other.public and one.side is not other.side and all(rule.holds(one, other) for rule in RULES)


@dataclass(frozen=True, slots=True)
class Rule:
    """reads: all that `holds` looks at in a post; two posts that agree in it are alike to the rule."""

    reads: Callable[[Post], Hashable]
    holds: Callable[[Post, Post], bool]


def fitting_types(post: Post, other: Post) -> frozenset[str]:
    """The exchange types of `other` that go together with one of `post`."""
    return frozenset(theirs for theirs in other.exchange_types if _met(theirs, other, post))


@lru_cache(maxsize=4096)
def counterparts_of(exchange_types: frozenset[str], side: Side) -> frozenset[str]:
    """The exchange types on the other side that would go together with these."""
    known = frozenset(COMPATIBLE).union(*COMPATIBLE.values())
    if side is Side.DOMESTIC:
        return frozenset().union(*(COMPATIBLE.get(each, frozenset()) for each in exchange_types))
    return frozenset(each for each in known if COMPATIBLE.get(each, frozenset()) & exchange_types)


def _met(exchange_type: str, holder: Post, partner: Post) -> bool:
    return bool(counterparts_of(frozenset({exchange_type}), holder.side) & partner.exchange_types)


def _wishes_hold(wishing: Post, other: Post) -> bool:
    """Country, level and, for a school in Taiwan, county; a school of several levels is of each."""
    levels = wishing.levels
    return (
        (not wishing.countries or other.country in wishing.countries)
        and (not wishing.counties or other.side is Side.OVERSEAS or other.county in wishing.counties)
        and (not levels or other.level in levels or CROSS_LEVEL in levels | {other.level})
    )


def _homestay_possible(one: Post, other: Post) -> bool:
    """Two that both look for host families have none; who seeks nothing but homestay needs families on offer."""
    for wanting, partner in ((one, other), (other, one)):
        if wanting.homestay != "wanted":
            continue
        if partner.homestay == "wanted":
            return False
        if wanting.exchange_types == {"homestay"} and partner.homestay != "offered":
            return False
    return True


def _dates_possible(one: Post, other: Post) -> bool:
    return not one.periods or not other.periods or bool(_meeting(one, other))


def _meeting(one: Post, other: Post) -> Period | None:
    """The first days that both name."""
    if not Plan(periods=one.periods).competes_with(Plan(periods=other.periods)):
        return None
    shared = [
        (max(start, first), min(end, last))
        for start, end in one.periods
        for first, last in other.periods
        if start <= last and first <= end
    ]
    return min(shared, default=None)


RULES: Final = (
    Rule(lambda post: (post.side, post.exchange_types), lambda one, other: bool(fitting_types(one, other))),
    Rule(
        lambda post: (post.country, post.county, post.level, post.countries, post.counties, post.levels),
        lambda one, other: _wishes_hold(one, other) and _wishes_hold(other, one),
    ),
    Rule(lambda post: (post.homestay, post.exchange_types), _homestay_possible),
    Rule(lambda post: post.periods, _dates_possible),
)
"""What must hold between two public posts of different sides, beside that."""


# what speaks for a pair

Measure = tuple[float, tuple[Reason, ...]]
_NOTHING: Final[Measure] = (0.0, ())


def _languages(post: Post, other: Post) -> Measure:
    shared = sorted((post.languages & other.languages) - {_NOT_A_LANGUAGE})
    if not shared:
        return _NOTHING
    return (1.0 if len(shared) >= TWO_LANGUAGES else 0.8), (Reason("shared_language", tuple(shared)),)


def _level(post: Post, other: Post) -> Measure:
    if post.level == other.level:
        return 1.0, (Reason("same_level", (other.level,)),)
    if {post.level, other.level} <= SENIOR_HIGH_LEVELS:
        return 0.6, (Reason("near_level", (other.level,)),)
    return _NOTHING


def _grades(post: Post, other: Post) -> Measure:
    shared = sorted(post.grades & other.grades)
    if not shared:
        return _NOTHING
    return len(shared) / min(len(post.grades), len(other.grades)), (Reason("grades_overlap", tuple(shared)),)


def _topics(post: Post, other: Post) -> Measure:
    """Counted on the side that has fewer in common, or two words for one thing would count twice."""
    ours = [topic for topic in post.topics if any(topic.keys & theirs.keys for theirs in other.topics)]
    theirs = [topic for topic in other.topics if any(topic.keys & own.keys for own in post.topics)]
    if not ours:
        return _themes(post, other)
    value = 1.0 if min(len(ours), len(theirs)) >= TWO_TOPICS else 0.75
    return value, (Reason("topic_shared", tuple(topic.text for topic in theirs)),)


def _themes(post: Post, other: Post) -> Measure:
    """What the texts speak of, or the topic of one and the text of the other: it tells less than two topics."""
    shared = sorted(_spoken_of(post) & _spoken_of(other))
    if not shared:
        return _NOTHING
    return (0.75 if len(shared) >= TWO_TOPICS else 0.5), (Reason("theme_shared", tuple(shared)),)


def _spoken_of(post: Post) -> frozenset[str]:
    return post.themes.union(*(topic.keys for topic in post.topics))


def _types(post: Post, other: Post) -> Measure:
    ours, theirs = fitting_types(other, post), fitting_types(post, other)
    if not ours or not theirs:
        return _NOTHING
    value = (len(ours) / len(post.exchange_types) + len(theirs) / len(other.exchange_types)) / 2
    return value, (Reason("type_fits", tuple(sorted(post.exchange_types & theirs or theirs))),)


def _dates(post: Post, other: Post) -> Measure:
    meeting = _meeting(post, other) if post.periods and other.periods else None
    if meeting is None:
        return _NOTHING
    return 1.0, (Reason("dates_meet", tuple(day.isoformat() for day in meeting)),)


def _group(post: Post, other: Post) -> Measure:
    if not post.students or not other.students:
        return _NOTHING
    share = min(post.students, other.students) / max(post.students, other.students)
    return (share, (Reason("group_size", (other.students,)),)) if share >= NEAREST_SHARE else _NOTHING


def _wishes(post: Post, other: Post) -> Measure:
    """Half for what each side named."""
    ours = [*_wished(post, other)]
    theirs = [*_wished(other, post)]
    reasons = (*(Reason(f"wished_{name}", (code,)) for name, code in ours),
               *(Reason(f"wishes_{name}", (code,)) for name, code in theirs))  # fmt: skip
    return (bool(ours) + bool(theirs)) / 2, reasons


def _wished(wishing: Post, other: Post) -> Iterator[tuple[str, str]]:
    """The county where one was named, else the country."""
    if other.county is not None and other.county in wishing.counties:
        yield "county", other.county
    elif other.country in wishing.countries:
        yield "country", other.country


def _homestay(post: Post, other: Post) -> Measure:
    if {post.homestay, other.homestay} != {"wanted", "offered"}:
        return _NOTHING
    return 1.0, (Reason("homestay_fits", (other.homestay,)),)


@dataclass(frozen=True, slots=True)
class Aspect:
    """reads: all that `measure` looks at in a post; two posts that agree in it are alike to the measure."""

    reads: Callable[[Post], Hashable]
    measure: Callable[[Post, Post], Measure]


ASPECTS: Final[Mapping[str, Aspect]] = MappingProxyType({
    "language": Aspect(lambda post: post.languages, _languages),
    "level": Aspect(lambda post: post.level, _level),
    "grades": Aspect(lambda post: post.grades, _grades),
    "topics": Aspect(lambda post: (post.topics, post.themes), _topics),
    "type": Aspect(lambda post: (post.side, post.exchange_types), _types),
    "dates": Aspect(lambda post: post.periods, _dates),
    "group": Aspect(lambda post: post.students, _group),
    "wishes": Aspect(lambda post: (post.country, post.county, post.countries, post.counties), _wishes),
    "homestay": Aspect(lambda post: post.homestay, _homestay),
})  # fmt: skip
