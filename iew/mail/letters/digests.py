"""The digest of a unit: what is new for its ground, and what waits on its desk."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from iew.errors import N_
from iew.mail import paths
from iew.mail.letter import Button, Item, Letter, Section
from iew.mail.stationery import Writer
from iew.models import Invitation, Match, School, Unit
from iew.services.digests import MOST_SHOWN, Desk

LISTED: Final = MOST_SHOWN

_ABOUT_LINKS: Final = N_(
    "A link that passes an invitation on shows it first and asks you; it is for you alone and works once, for "
    "%(days)s days."
)


@dataclass(frozen=True)
class Issue:
    """What one digest says."""

    unit: Unit
    for_area: Sequence[Invitation]
    by_area: Sequence[Invitation]
    desk: Desk

    @property
    def empty(self) -> bool:
        return not (self.for_area or self.by_area) and self.desk.empty


def digest(w: Writer, issue: Issue) -> Letter:
    """Everything new and waiting for the reader's unit, in one mail."""
    unit = issue.unit.name(w.language)
    return Letter(
        subject=w.say(N_("%(unit)s: %(summary)s"), unit=unit, summary=_summary(w, issue)),
        opening=(w.say(N_("This is what is new for %(unit)s, and what waits for you."), unit=unit),),
        sections=tuple(section for section in _sections(w, issue) if section.items),
        button=Button(w.say(N_("Open my inbox")), w.page(paths.inbox(w.language))),
        closing=(
            *((w.say(_ABOUT_LINKS, days=w.uow.limits.mail_link_days),) if issue.for_area else ()),
            w.say(N_("How often this digest comes is set on the page of your unit.")),
        ),
        why=w.say(N_("You get this digest because you work for %(unit)s."), unit=unit),
        unsubscribe_url=w.unsubscribe_page(),
    )


def _summary(w: Writer, issue: Issue) -> str:
    posts = len(issue.for_area) + len(issue.by_area)
    tasks = len(issue.desk.overdue) + len(issue.desk.waiting) + len(issue.desk.sign_ups)
    parts = []
    if posts:
        parts.append(w.ngettext("%(count)s new invitation", "%(count)s new invitations", posts))
    if tasks:
        parts.append(w.ngettext("%(count)s task", "%(count)s tasks", tasks))
    return w.say(N_("%(first)s and %(second)s"), first=parts[0], second=parts[1]) if len(parts) == 2 else parts[0]


def _sections(w: Writer, issue: Issue) -> tuple[Section, ...]:
    desk = issue.desk
    return (
        section(w, w.say(N_("Overdue")), [_case(w, case) for case in desk.overdue]),
        section(w, w.say(N_("Your cases")), [_case(w, case) for case in desk.waiting]),
        section(w, w.say(N_("Schools that wait for your approval")), [_sign_up(w, s) for s in desk.sign_ups]),
        section(
            w,
            w.say(N_("New invitations for your area")),
            [_offer(w, post) for post in issue.for_area[:LISTED]],
            len(issue.for_area),
        ),
        section(w, w.say(N_("New invitations by schools of your area")), [post_line(w, p) for p in issue.by_area]),
    )


def _offer(w: Writer, post: Invitation) -> Item:
    """A post that the unit may pass on, with the link to do so."""
    line = post_line(w, post)
    return replace(line, act=Button(w.say(N_("Pass it on to schools of your area")), w.pass_on_page(post)))


def section(w: Writer, heading: str, items: list[Item], total: int | None = None) -> Section:
    """A list with its heading, cut where a mail would grow too long. total: of them, where not all were made."""
    left = (len(items) if total is None else total) - LISTED
    more = w.ngettext("and %(count)s more", "and %(count)s more", left) if left > 0 else None
    return Section(heading, tuple(items[:LISTED]), more)


def _case(w: Writer, case: Match) -> Item:
    text = w.say(N_("%(number)s, %(school)s"), number=case.number, school=w.school(case.asking_school))
    note = w.label("match_status", case.status)
    if case.due_at is not None:
        note = w.say(N_("%(status)s, due by %(day)s"), status=note, day=w.day_of(case.due_at))
    return Item(text, w.match_page(case), note)


def _sign_up(w: Writer, school: School) -> Item:
    url = w.page(paths.school(w.language, school.id))
    return Item(w.school(school), url, w.label("country", school.country))


def post_line(w: Writer, post: Invitation) -> Item:
    """A post as a line of a list."""
    note = w.say(
        N_("%(school)s, %(country)s"), school=w.school(post.school), country=w.label("country", post.school.country)
    )
    return Item(post.title, w.invitation_page(post), note)
