"""How a page comes out: templates that speak the reader's language and know the codes' labels.

Without one place that sets the templates up, every view would translate, format and escape in its own way.
"""

import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import available_timezones

import flask
from babel.dates import format_timedelta
from flask import Flask, Response, request
from markupsafe import Markup, escape
from werkzeug.routing import RequestRedirect

from iew import i18n
from iew.errors import NotFound, Text
from iew.models import Unit
from iew.web.carrying import carried_fields, carried_form, next_page
from iew.web.context import current_actor, current_language, current_timezone, house, unit_of_work
from iew.web.forms import Form, field_id
from iew.web.navigation import links_for

STATIC: Final = Path(__file__).parent / "static"
LANGUAGE_COOKIE: Final = "iew_language"
_TAGS: Final = {"zh-Hant": "zh-Hant-TW"}
_MARKS: Final = {"<mark>": Markup("<mark>"), "</mark>": Markup("</mark>")}
_MARK: Final = re.compile("(</?mark>)")
_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
# What each state means for the reader: done well, needs attention, ended without success; the rest goes on.
_TONES: Final = {
    "good": frozenset({"published", "approved", "agreed", "completed", "accepted", "answered", "sent"}),
    "warn": frozenset({"returned", "asked", "expired", "no_reply", "submitted", "pending", "requested", "open"}),
    "bad": frozenset({"rejected", "declined", "not_found", "cancelled", "withdrawn", "failed", "parked"}),
    "accent": frozenset({"routed", "in_progress"}),
}  # fmt: skip


def register(app: Flask) -> None:
    """Teach the templates of `app` the languages, the labels and the addresses."""
    app.url_value_preprocessor(_settle_language)
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]  # from the extension
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters.update(
        label=label,
        labels=labels,
        day=day,
        moment=moment,
        ago=ago,
        number=number,
        period=period,
        say=said,
        tag=language_tag,
        marked=marked,
        browser=browser,
        school_choice=school_choice,
    )
    environment.globals.update(
        actor=current_actor,
        blank_form=Form.blank,
        carried_fields=carried_fields,
        carried_form=carried_form,
        next_page=next_page,
        has_page=has_page,
        is_past=is_past,
        place_of=place_of,
        website_of=website_of,
        unit_name=unit_name,
        group_of=group_of,
        interface_languages=lambda: list(i18n.OWN_NAMES.items()),
        time_zones=time_zones,
        language=current_language,
        languages=i18n.OWN_NAMES,
        field_id=field_id,
        here_in=here_in,
        here_with=here_with,
        paragraphs=paragraphs,
        page_in=page_url,
        school_name=school_name,
        static=static_url,
        nav=links_for,
        choices=choices,
        tone=tone,
        today=today,
        house=house,
    )


def _settle_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Send `/zh-TW/…` to the language we call zh-Hant; no page is there in a language that we do not speak."""
    named = (values or {}).get("lang")
    if endpoint is None or values is None or named is None or named in i18n.LANGUAGES:
        return
    spoken = i18n.language_of_tag(named)
    if spoken is None or request.method not in ("GET", "HEAD"):
        values.pop("lang")
        raise NotFound
    raise RequestRedirect(flask.url_for(endpoint, **{**request.args.to_dict(flat=False), **values, "lang": spoken}))


def page(template: str, *, status: int = 200, form: Form | None = None, **values: Any) -> Response:
    """A template as a reply. A form that was refused brings its own status."""
    refused = form if form is not None and form.refused else None
    response = flask.make_response(
        flask.render_template(template, form=form, **values), refused.status if refused else status
    )
    if request.cookies.get(LANGUAGE_COOKIE) != current_language():
        _remember_language(response)
    if refused and refused.retry_after_seconds:
        response.headers["Retry-After"] = str(refused.retry_after_seconds)
    return response


def _remember_language(response: Response) -> None:
    response.set_cookie(
        LANGUAGE_COOKIE,
        current_language(),
        max_age=timedelta(days=365),
        secure=house().secure,
        httponly=True,
        samesite="Lax",
    )


def tell(message: str, kind: str = "good") -> None:
    """Say something on the next page the reader sees. kind: good, warn or bad."""
    flask.flash(message, kind)


def gettext(msgid: str, **values: object) -> str:
    """A sentence in the reader's language; imported as `_` by the pages."""
    return i18n.say(Text(msgid, values), current_language())


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """A sentence that depends on a number, which it may name as %(num)s."""
    return _ngettext(one, many, count) % {"num": number(count), **values}


_ = gettext


def _gettext(msgid: str) -> str:
    return str(i18n.translations(current_language()).gettext(msgid)) if msgid else ""


def _ngettext(one: str, many: str, count: int) -> str:
    return str(i18n.translations(current_language()).ngettext(one, many, count))


# filters


def label(code: str | int | None, vocabulary: str) -> str:
    """The word for a code in the reader's language."""
    return house().labels.label(vocabulary, None if code is None else str(code), current_language())


def labels(codes: Iterable[str | int] | None, vocabulary: str) -> list[str]:
    return [label(code, vocabulary) for code in codes or ()]


def day(value: date | str | None) -> str:
    """A day in words; takes a date or its ISO form, as view schemas give it."""
    if not value:
        return ""
    return i18n.say_date(date.fromisoformat(value) if isinstance(value, str) else value, current_language())


def moment(value: datetime | str | None) -> Markup:
    """A moment in the reader's zone, as a `time` element."""
    at = _moment(value)
    if at is None:
        return Markup("")
    words = i18n.say_moment(at, current_language(), current_timezone())
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), words)


def ago(value: datetime | str | None) -> str:
    """How long ago something was, roughly."""
    at = _moment(value)
    if at is None:
        return ""
    passed = at - datetime.now(at.tzinfo)
    return format_timedelta(passed, add_direction=True, locale=i18n.locale_of(current_language()))


def _moment(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else value or None


def number(value: float | None) -> str:
    return "" if value is None else i18n.say_number(value, current_language())


def period(value: Mapping[str, Any]) -> str:
    """`{start, end}` in words; one day is said once."""
    start, end = value.get("start"), value.get("end")
    return day(start) if start == end or not end else f"{day(start)} – {day(end)}"


def said(text: Text | str | None) -> str:
    return i18n.say(text, current_language()) if text else ""


def language_tag(language: str | None) -> str:
    """The tag to write into `lang` attributes."""
    return _TAGS.get(language or "", language or "")


def marked(text: str) -> Markup:
    """A highlight of a search, escaped text with `<mark>`. It is escaped again here, so no other tag can pass."""
    return Markup("").join(_MARKS.get(part) or escape(html.unescape(part)) for part in _MARK.split(text))


# globals


def choices(vocabulary: str) -> list[tuple[str, str]]:
    """Every code of a vocabulary with its label, in its order; countries by name, Taiwan first."""
    language = current_language()
    known = house().labels
    if vocabulary == "country":
        names = known.countries(language)
        return [("TW", names["TW"]), *((code, name) for code, name in names.items() if code != "TW")]
    return [(code, known.label(vocabulary, code, language)) for code in known.codes(vocabulary)]


def tone(status: str) -> str:
    """The colour class of a status badge; "" is neutral. The word always stands beside the colour."""
    return next((name for name, states in _TONES.items() if status in states), "")


def page_url(endpoint: str, **values: Any) -> str:
    """The address of a page in the language that is being read."""
    return flask.url_for(endpoint, lang=current_language(), **values)


def _of(thing: Any, name: str) -> Any:
    """A field of a view's mapping, or of a row."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def school_name(school: Any) -> str:
    """The name of a school for this reader: its English name on English pages, else its own."""
    own, english = str(_of(school, "name") or ""), str(_of(school, "name_en") or "")
    return english if english and current_language() == "en" else own


def school_choice(school: Any) -> tuple[str, str]:
    """A school as a choice of a list."""
    return str(_of(school, "id")), school_name(school)


def is_past(value: datetime | str) -> bool:
    """Whether a moment lies behind us."""
    at = _moment(value)
    return at is not None and at < datetime.now(at.tzinfo)


def place_of(school: Any) -> str:
    """Country and, where known, the finer place of a school."""
    finer = (
        label(_of(school, "county"), "county")
        or _of(school, "region")
        or label(_of(school, "subdivision"), "subdivision")
    )
    return _(", ").join(part for part in (label(_of(school, "country"), "country"), str(finer or "")) if part)


def unit_name(code: str | None) -> str:
    """The name of a centre or office by its code; of an administrator by the role."""
    if not code:
        return ""
    with unit_of_work() as uow:
        unit = uow.session.get(Unit, code)
        return unit.name(current_language()) if unit else label(code, "role")


def website_of(school: Any) -> Markup | str:
    """A link to a school's website that tells it nothing about the reader; plain text where it is no web address."""
    address = str(_of(school, "website") or "")
    if not address.startswith(("https://", "http://")):
        return address
    return Markup('<a href="{0}" rel="noopener noreferrer nofollow external">{0}</a>').format(address)


def group_of(group: Mapping[str, Any]) -> str:
    """The size of a group in words."""
    students, teachers = group.get("students"), group.get("teachers")
    if students == 0:
        parts = [_("teachers only")]
    else:
        parts = [ngettext("%(num)s student", "%(num)s students", students)] if students is not None else []
        if group.get("female") is not None or group.get("male") is not None:
            numbers = {"female": number(group.get("female") or 0), "male": number(group.get("male") or 0)}
            parts.append(_("%(female)s girls and %(male)s boys", **numbers))
    if teachers:
        parts.append(ngettext("%(num)s teacher", "%(num)s teachers", teachers))
    return _(", ").join(parts)


def has_page(endpoint: str) -> bool:
    """Whether a page is there, so that links to it can be left out where it is not."""
    return endpoint in flask.current_app.view_functions


@lru_cache
def time_zones() -> list[tuple[str, str]]:
    """The zones of the world's places, as (name, name with spaces)."""
    areas = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    names = sorted(name for name in available_timezones() if name.startswith(tuple(f"{area}/" for area in areas)))
    return [(name, name.replace("_", " ")) for name in [*names, "UTC"]]


def browser(user_agent: str | None) -> str:
    """A browser and its system, as far as the header lets one tell."""
    text = user_agent or ""
    name = next((name for sign, name in _BROWSERS if sign in text), "")
    system = next((name for sign, name in _SYSTEMS if sign in text), "")
    return " · ".join(part for part in (name, system) if part) or text[:40] or _("unknown")


def here_in(language: str) -> str:
    """The address of this page in another language; the start page where this one cannot be opened by a link."""
    rule = request.url_rule
    values = request.view_args or {}
    if request.endpoint is None or rule is None or "lang" not in values or "GET" not in (rule.methods or ()):
        return f"/{language}/"
    return flask.url_for(request.endpoint, **{**request.args.to_dict(flat=False), **values, "lang": language})


def here_with(**changes: str | list[str] | None) -> str:
    """The address of this page with other parameters; None takes one away."""
    values = {**request.args.to_dict(flat=False), **(request.view_args or {}), **changes}
    return flask.url_for(
        request.endpoint or "home.start", **{name: value for name, value in values.items() if value is not None}
    )


def static_url(name: str) -> str:
    """The address of a file of ours, changing with its content so that it can be kept for long."""
    return flask.url_for("static", filename=name, v=_fingerprint(name))


@lru_cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def today() -> date:
    """The day at the reader's."""
    return i18n.in_zone(datetime.now().astimezone(), current_timezone()).date()


def paragraphs(text: str | None) -> Markup:
    """A user's text as paragraphs, isolated from the direction of the text around it."""
    parts = [part for part in (text or "").split("\n\n") if part.strip()]
    return Markup("").join(
        Markup('<p class="prewrap"><bdi>{}</bdi></p>').format(escape(part.strip("\n"))) for part in parts
    )
