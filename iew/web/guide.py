"""The guided way in: one question at a time, each answer with the number of posts behind it.

Who does not know what to type is led from the channel to the kind of school, as at the window's counter. Each step is a
page of its own address; no script is needed, every question may be skipped, and the way ends at the search page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import request

from iew.errors import N_
from iew.i18n import say
from iew.web.context import current_language, house
from iew.web.rendering import label, page_url
from iew.web.results import FACET_NAMES, VOCABULARY_OF


@dataclass(frozen=True)
class Question:
    """One step: its short name, what it asks, the facets it fills."""

    name: str
    short: str
    text: str
    facets: tuple[str, ...]


QUESTIONS: Final = (
    Question("channel", N_("Channel"), N_("Which kind of exchange do you come for?"), ("channel",)),
    Question("language", N_("Language"), N_("In which language can you work together?"), ("language",)),
    Question("country", N_("Country"), N_("Where should the partner school be?"), ("country",)),
    Question("type", N_("Type"), N_("What would you like to do together?"), ("type",)),
    Question("level", N_("Level"), N_("Which level should the school have?"), ("level",)),
    Question(
        "school", N_("School"), N_("What kind of school should it be?"), ("ownership", "composition", "affiliation")
    ),
)
_BY_NAME: Final = {question.name: question for question in QUESTIONS}
FACETS: Final = tuple(facet for question in QUESTIONS for facet in question.facets)


@dataclass(frozen=True)
class Answer:
    label: str
    count: int
    url: str


@dataclass(frozen=True)
class Group:
    """Answers under one heading; a question with one group needs none."""

    label: str
    choices: list[Answer]


@dataclass(frozen=True)
class Step:
    label: str
    state: str
    """`done`, `now` or nothing."""
    url: str | None


@dataclass(frozen=True)
class Chosen:
    label: str
    without: str


@dataclass
class Guide:
    """The step that is asked now. `available` is False while the search engine is away."""

    available: bool
    total: int = 0
    question: str = ""
    steps: list[Step] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)
    show_url: str = ""
    skip_url: str | None = None
    restart_url: str | None = None


def answers_so_far() -> dict[str, list[str]]:
    """The facets that were answered, as parameters of a search."""
    return {facet: request.args.getlist(facet) for facet in FACETS if request.args.get(facet)}


def guide_of(reply: Mapping[str, Any]) -> Guide:
    """The step this request asks for, from the reply of a search with the answers so far."""
    answers = answers_so_far()
    question = _BY_NAME.get(request.args.get("step", "")) or _first_open(answers)
    following = _following(question)
    language = current_language()
    return Guide(
        available=True,
        total=reply["total"],
        question=say(question.text, language),
        steps=[_step(each, question, answers) for each in QUESTIONS],
        groups=[_group(facet, question, reply["facets"].get(facet, ()), answers) for facet in question.facets],
        chosen=list(_chosen(answers, question)),
        show_url=page_url("search.results", **answers),
        skip_url=_address(following, answers) if following else None,
        restart_url=page_url("home.start") if answers or question is not QUESTIONS[0] else None,
    )


def _first_open(answers: Mapping[str, list[str]]) -> Question:
    return next((question for question in QUESTIONS if not set(question.facets) & set(answers)), QUESTIONS[-1])


def _following(question: Question) -> Question | None:
    place = QUESTIONS.index(question) + 1
    return QUESTIONS[place] if place < len(QUESTIONS) else None


def _address(question: Question, answers: Mapping[str, list[str]]) -> str:
    return page_url("home.start", step=question.name, **answers, _anchor="guided")


def _step(each: Question, now: Question, answers: Mapping[str, list[str]]) -> Step:
    state = "now" if each is now else "done" if set(each.facets) & set(answers) else ""
    return Step(say(each.short, current_language()), state, _address(each, answers))


def _group(
    facet: str, question: Question, counted: Iterable[Mapping[str, Any]], answers: Mapping[str, list[str]]
) -> Group:
    counts = {code["code"]: int(code["count"]) for code in counted}
    known = house().labels.codes(VOCABULARY_OF[facet])
    codes = [*(code for code in counts if code not in known), *known] if facet != "country" else list(counts)
    heading = say(FACET_NAMES[facet], current_language()) if len(question.facets) > 1 else ""
    following = _following(question)
    return Group(heading, [_answer(facet, code, counts.get(code, 0), following, answers) for code in codes])


def _answer(facet: str, code: str, count: int, following: Question | None, answers: Mapping[str, list[str]]) -> Answer:
    chosen = {**answers, facet: [code]}
    url = _address(following, chosen) if following else page_url("search.results", **chosen)
    return Answer(label(code, VOCABULARY_OF[facet]), count, url)


def _chosen(answers: Mapping[str, list[str]], question: Question) -> Iterable[Chosen]:
    for facet, codes in answers.items():
        rest = {name: values for name, values in answers.items() if name != facet}
        words = ", ".join(label(code, VOCABULARY_OF[facet]) for code in codes)
        yield Chosen(words, _address(question, rest))
