"""Letters about online meetings: times to choose from, the time for the calendar, the end of it.

Every time stands on both schools' clocks, the reader's first; what one reckons for oneself one reckons wrong.
"""

from collections.abc import Sequence
from typing import Final

from iew.domain.meetings import Status
from iew.errors import N_
from iew.mail.letter import Button, Fact, Item, Letter, Section
from iew.mail.stationery import Writer
from iew.models import Match, Meeting, School
from iew.services.meetings import Clock

_YOUR_CASE: Final = N_("You get this mail because your school takes part in this case.")


def proposed(w: Writer, meeting: Meeting, clocks: Sequence[Clock]) -> Letter:
    """Let the other school choose one of the times."""
    school = w.school(meeting.proposed_by)
    opening = [w.say(N_("%(school)s would like to talk with you by video and proposes these times."), school=school)]
    if meeting.agreed_start is not None:
        opening.append(w.say(N_("The meeting that you agreed on stays as it is until you choose one of them.")))
    return Letter(
        subject=w.say(N_("When shall we meet online? %(school)s"), school=school),
        opening=tuple(opening),
        facts=_facts(w, meeting.match, meeting.minutes),
        sections=(_times(w, meeting, clocks),),
        button=Button(w.say(N_("Choose a time")), w.act_page_of_meeting(meeting)),
        closing=(w.say(N_("If none of them suits you, propose others on the page of the meeting.")),),
        why=w.say(_YOUR_CASE),
    )


def agreed(w: Writer, meeting: Meeting, clocks: Sequence[Clock], other: School | None) -> Letter:
    """Give a school the time, and the file for its calendar."""
    moved = meeting.sequence > 0
    subject = N_("Moved: online meeting with %(school)s") if moved else N_("Agreed: online meeting with %(school)s")
    opening = (
        N_("Your online meeting with %(school)s takes place at another time now.")
        if moved
        else N_("You have found a time for your online meeting with %(school)s.")
    )
    return Letter(
        subject=w.say(subject, school=w.school(other)),
        opening=(
            w.say(opening, school=w.school(other)),
            w.say(
                N_("The file that comes with this mail puts it into your calendar, at the right time where you are.")
            ),
        ),
        facts=(*_when(w, meeting, clocks), *_facts(w, meeting.match, meeting.agreed_minutes or meeting.minutes)),
        button=Button(w.say(N_("Open the meeting")), w.meetings_page(meeting.match)),
        calendar=w.calendar_of(meeting, clocks),
        why=w.say(_YOUR_CASE),
    )


def lapsed(w: Writer, meeting: Meeting, other: School | None) -> Letter:
    """Tell the school that named the times that none was chosen."""
    stays = meeting.status == Status.AGREED
    then = (
        N_("The meeting that you had agreed on before stays as it is.")
        if stays
        else N_("You can propose other times, or write to the school on the page of the case.")
    )
    return Letter(
        subject=w.say(N_("No time chosen: online meeting with %(school)s"), school=w.school(other)),
        opening=(
            w.say(
                N_("The times that you proposed to %(school)s have passed without a choice."), school=w.school(other)
            ),
            w.say(then),
        ),
        facts=_facts(w, meeting.match, meeting.minutes),
        button=Button(w.say(N_("Propose other times")), w.meetings_page(meeting.match)),
        why=w.say(_YOUR_CASE),
    )


def cancelled(w: Writer, meeting: Meeting, clocks: Sequence[Clock], other: School | None) -> Letter:
    """Tell a school that there will be no meeting, and take it out of its calendar."""
    stood = meeting.agreed_start is not None
    more = (w.say(N_("The file that comes with this mail takes it out of your calendar.")),) if stood else ()
    return Letter(
        subject=w.say(N_("Called off: online meeting with %(school)s"), school=w.school(other)),
        opening=(w.say(N_("The online meeting with %(school)s was called off."), school=w.school(other)), *more),
        facts=(*_when(w, meeting, clocks), *_facts(w, meeting.match, None)),
        button=Button(w.say(N_("Open the meeting")), w.meetings_page(meeting.match)),
        calendar=w.calendar_of(meeting, clocks) if stood else None,
        why=w.say(_YOUR_CASE),
    )


def _times(w: Writer, meeting: Meeting, clocks: Sequence[Clock]) -> Section:
    """Each time on the reader's clock, with the other one below."""
    own, other = clocks
    items = tuple(
        Item(w.moment_in(start, own.zone), note=f"{w.school(other.school)}: {w.moment_in(start, other.zone)}")
        for start in meeting.starts
    )
    return Section(w.say(N_("Times to choose from")), items)


def _when(w: Writer, meeting: Meeting, clocks: Sequence[Clock]) -> tuple[Fact, ...]:
    start = meeting.agreed_start
    return tuple(Fact(w.school(clock.school), w.moment_in(start, clock.zone)) for clock in clocks) if start else ()


def _facts(w: Writer, match: Match, minutes: int | None) -> tuple[Fact, ...]:
    facts = [Fact(w.say(N_("Case number")), match.number)]
    if minutes is not None:
        facts.insert(0, Fact(w.say(N_("Length")), w.ngettext("%(count)s minute", "%(count)s minutes", minutes)))
    if match.invitation is not None:
        facts.append(Fact(w.say(N_("Invitation")), match.invitation.title))
    return tuple(facts)
