"""Letters about cases: who is asked, who has it, what was answered, what is late.

They name the case, never what the schools wrote to each other, and never a contact.
"""

from typing import Final

from iew.domain.matches import HandlerKind, Status, Via
from iew.errors import N_
from iew.mail import paths
from iew.mail.letter import Button, Fact, Item, Letter, Section
from iew.mail.stationery import Writer
from iew.models import Match, School
from iew.services import candidates

_YOUR_CASE: Final = N_("You get this mail because your school takes part in this case.")
_YOUR_UNIT: Final = N_("You get this mail because you work for the office or centre that handles this case.")
_YOU_ADMINISTER: Final = N_("You get this mail because you are an IEW administrator.")


def requested(w: Writer, match: Match) -> Letter:
    """Tell the invited school that another school would like to exchange with it."""
    return Letter(
        subject=w.say(N_("%(school)s would like to exchange with you: %(title)s"), **_named(w, match)),
        opening=(
            w.say(
                N_("%(school)s has read your invitation “%(title)s” and asks you for an exchange."), **_named(w, match)
            ),
            w.say(N_("You can accept or decline. A clear answer, also a no, helps the other school to plan.")),
        ),
        facts=_facts_of(w, match, due=N_("Please answer by")),
        button=Button(w.say(N_("Read and answer")), w.act_page(match)),
        closing=(w.say(N_("Contact data of both schools are shown only after you accept.")),),
        why=w.say(N_("You get this mail because it is about an invitation of your school.")),
    )


def reminder(w: Writer, match: Match) -> Letter:
    """Remind the invited school of a request that it has not answered."""
    return Letter(
        subject=w.say(N_("Reminder: %(school)s waits for your answer: %(title)s"), **_named(w, match)),
        opening=(
            w.say(N_("%(school)s has asked you for an exchange and has had no answer yet."), **_named(w, match)),
            w.say(N_("Without an answer by the day below the request ends, and the school will look elsewhere.")),
        ),
        facts=_facts_of(w, match, due=N_("Please answer by")),
        button=Button(w.say(N_("Read and answer")), w.act_page(match)),
        why=w.say(_YOUR_CASE),
    )


def routed(w: Writer, match: Match) -> Letter:
    """Give a case to the unit that shall find a partner."""
    return Letter(
        subject=w.say(N_("A new case for you: %(number)s, %(school)s"), **_named(w, match)),
        opening=(
            w.say(
                N_("%(school)s asks for help in finding a partner school, and the case falls to your area."),
                **_named(w, match),
            ),
            w.say(N_("Please take it up, or hand it back with a reason if it is not yours.")),
        ),
        facts=_facts_of(w, match, due=N_("Please take it up by")),
        button=Button(w.say(N_("Open the case")), w.act_page(match)),
        why=w.say(_YOUR_UNIT),
    )


def with_admin(w: Writer, match: Match) -> Letter:
    """Tell the administrators that a case has no unit yet."""
    facts = _facts_of(w, match, due=N_("Please decide by"))
    if match.suggested_code:
        facts = (*facts, Fact(w.say(N_("Suggested office or centre")), w.unit(match.suggested_code)))
    return Letter(
        subject=w.say(N_("A case waits for a unit: %(number)s, %(school)s"), **_named(w, match)),
        opening=(
            w.say(
                N_("%(school)s asks for help in finding a partner school. No unit covers the place, so it is yours."),
                **_named(w, match),
            ),
        ),
        facts=facts,
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        why=w.say(_YOU_ADMINISTER),
    )


def handed_back(w: Writer, match: Match, unit_code: str | None, reason: str) -> Letter:
    """Tell the administrators that a unit gave a case back."""
    return Letter(
        subject=w.say(N_("Handed back: case %(number)s, %(school)s"), **_named(w, match)),
        opening=(w.say(N_("%(unit)s has handed this case back. It lies with you now."), unit=w.unit(unit_code)),),
        facts=_facts_of(w, match, due=N_("Please decide by")),
        said=(Fact(w.say(N_("Reason")), reason),) if reason else (),
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        why=w.say(_YOU_ADMINISTER),
    )


def taken_up(w: Writer, match: Match) -> Letter:
    """Tell the asking school who looks for a partner now."""
    unit = w.unit(match.handler_code)
    return Letter(
        subject=w.say(N_("Your request is taken up: %(title)s"), **_named(w, match)),
        opening=(
            w.say(N_("%(unit)s has taken up your request and is looking for a partner school for you."), unit=unit),
            w.say(N_("You can follow the progress and write to the people in charge on the page of the case.")),
        ),
        facts=_facts_of(w, match, due=None),
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        why=w.say(_YOUR_CASE),
    )


def proposed(w: Writer, match: Match) -> Letter:
    """Ask a school whether it would be the partner of a case."""
    return Letter(
        subject=w.say(N_("Would this exchange suit your school? %(school)s"), **_named(w, match)),
        opening=(
            w.say(
                N_("%(unit)s proposes your school as a partner for %(school)s."),
                unit=w.unit(match.handler_code),
                school=_asking(w, match),
            ),
            w.say(
                N_("Please look at it and answer with yes or no. Several schools may be asked; the first yes counts.")
            ),
        ),
        facts=_facts_of(w, match, due=None),
        button=Button(w.say(N_("Read and answer")), w.act_page(match)),
        closing=(w.say(N_("Contact data of both schools are shown only after you accept.")),),
        why=w.say(N_("You get this mail because your school was proposed as a partner.")),
    )


def paired(w: Writer, match: Match) -> Letter:
    """Tell the asking school of a pairing which school it was brought together with, and that this one is asked."""
    unit, partner = w.unit(match.handler_code), w.school(match.posting_school)
    return Letter(
        subject=w.say(N_("A partner is proposed for you: %(school)s"), school=partner),
        opening=(
            w.say(
                N_("%(unit)s has compared your invitation with those of many schools and proposes %(school)s."),
                unit=unit,
                school=partner,
            ),
            w.say(N_("That school is being asked whether it agrees. You need not do anything until it has answered.")),
        ),
        facts=(
            Fact(w.say(N_("Case number")), match.number),
            Fact(w.say(N_("Invitation")), w.title(match)),
            Fact(w.say(N_("In charge")), unit),
        ),
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        closing=(w.say(N_("If it does not suit you, call it off on the page of the case, or write to us there.")),),
        why=w.say(_YOUR_CASE),
    )


def proposal_declined(w: Writer, match: Match, school: School | None, reason_code: str | None) -> Letter:
    """Tell the handling unit that a proposed school said no."""
    return Letter(
        subject=w.say(N_("Declined: %(school)s in case %(number)s"), school=w.school(school), number=match.number),
        opening=(
            w.say(N_("%(school)s, which you proposed, cannot take part."), school=w.school(school)),
            w.say(N_("The case stays with you. You can propose another school.")),
        ),
        facts=(*_facts_of(w, match, due=N_("Due by")), *_reason(w, reason_code)),
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        why=w.say(_YOUR_UNIT),
    )


def proposal_superseded(w: Writer, match: Match) -> Letter:
    """Release a proposed school that had not answered."""
    return Letter(
        subject=w.say(N_("No answer needed any more: case %(number)s"), **_named(w, match)),
        opening=(
            w.say(
                N_("You were asked about an exchange with %(school)s. It was settled otherwise; no answer is needed."),
                **_named(w, match),
            ),
            w.say(N_("Thank you for your time. There are other schools that look for a partner.")),
        ),
        facts=(Fact(w.say(N_("Case number")), match.number),),
        button=Button(w.say(N_("Find a partner school")), w.page(paths.search(w.language))),
        why=w.say(N_("You get this mail because your school was proposed as a partner.")),
    )


def agreed(w: Writer, match: Match, other: School | None) -> Letter:
    """Tell a school that both said yes, and that it may write to the other one now."""
    return Letter(
        subject=w.say(N_("Agreed: your exchange with %(school)s"), school=w.school(other)),
        opening=(
            w.say(N_("You and %(school)s have agreed on an exchange. Congratulations!"), school=w.school(other)),
            w.say(N_("On the page of the case you now find how to reach each other.")),
        ),
        facts=_facts_of(w, match, due=N_("Please tell the result by")),
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        why=w.say(_YOUR_CASE),
    )


def agreed_for_unit(w: Writer, match: Match) -> Letter:
    """Tell the handling unit that a school it proposed said yes."""
    return Letter(
        subject=w.say(N_("Agreed: case %(number)s"), **_named(w, match)),
        opening=(
            w.say(
                N_("%(partner)s and %(school)s have agreed on an exchange. Your search is done."),
                partner=w.school(match.partner_school),
                school=_asking(w, match),
            ),
        ),
        facts=_facts_of(w, match, due=None),
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        why=w.say(_YOUR_UNIT),
    )


def declined(w: Writer, match: Match) -> Letter:
    """Tell the asking school that the invited one said no, and what it can do."""
    return Letter(
        subject=w.say(N_("Declined: %(title)s"), **_named(w, match)),
        opening=(
            w.say(
                N_("%(school)s thanks you for your request, but cannot take part this time."),
                school=w.school(match.posting_school),
            ),
            w.say(N_("One click lets an office or a centre look for a partner with you; or write to another school.")),
        ),
        facts=(*_facts_of(w, match, due=None), *_reason(w, match.reason_code)),
        sections=_second_choices(w, match),
        button=Button(w.say(N_("Ask for help, with the same message")), w.act_page(match)),
        why=w.say(_YOUR_CASE),
    )


def not_found(w: Writer, match: Match, reason: str) -> Letter:
    """Tell the asking school that no partner was found, and why."""
    return Letter(
        subject=w.say(N_("No partner found: %(title)s"), **_named(w, match)),
        opening=(
            w.say(N_("We have looked for a partner school for you and have not found one this time.")),
            w.say(N_("You can let somebody look once more, change your wish first, or write to a school yourself.")),
        ),
        facts=_facts_of(w, match, due=None),
        said=(Fact(w.say(N_("Reason")), reason),) if reason else (),
        sections=_second_choices(w, match),
        button=Button(w.say(N_("Ask for help, with the same message")), w.act_page(match)),
        why=w.say(_YOUR_CASE),
    )


def no_reply(w: Writer, match: Match) -> Letter:
    """Tell the asking school that the invited one let the deadline pass, and what it can do."""
    return Letter(
        subject=w.say(N_("No reply by the deadline: %(title)s"), **_named(w, match)),
        opening=(
            w.say(
                N_("%(school)s has not answered your request in time, so it has ended."),
                school=w.school(match.posting_school),
            ),
            w.say(N_("One click lets an office or a centre look for a partner with you; or write to another school.")),
        ),
        facts=_facts_of(w, match, due=None),
        sections=_second_choices(w, match),
        button=Button(w.say(N_("Ask for help, with the same message")), w.act_page(match)),
        why=w.say(_YOUR_CASE),
    )


def cancelled(w: Writer, match: Match, reason: str | None, *, for_unit: bool) -> Letter:
    """Tell the others that a case was called off."""
    return Letter(
        subject=w.say(N_("Called off: case %(number)s, %(school)s"), **_named(w, match)),
        opening=(w.say(N_("This case has been called off. You need not do anything more.")),),
        facts=_facts_of(w, match, due=None),
        said=(Fact(w.say(N_("Reason")), reason),) if reason else (),
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        why=w.say(_YOUR_UNIT if for_unit else _YOUR_CASE),
    )


def reported(w: Writer, match: Match, by: School | None, *, may_add: bool, for_unit: bool) -> Letter:
    """Tell the others that a school told the result. may_add: the reader's school has not told its own yet."""
    more = (w.say(N_("You can add your own report; that takes five minutes.")),) if may_add else ()
    add = Button(w.say(N_("Add your report")), w.act_page(match)) if may_add else None
    return Letter(
        subject=w.say(N_("Result reported: case %(number)s"), **_named(w, match)),
        opening=(w.say(N_("%(school)s has told what came of the exchange."), school=w.school(by)), *more),
        facts=_facts_of(w, match, due=None),
        button=add or Button(w.say(N_("Open the case")), w.match_page(match)),
        closing=(w.say(N_("On the page of the case you can print a proof of this exchange that anybody can check.")),),
        why=w.say(_YOUR_UNIT if for_unit else _YOUR_CASE),
    )


def message_written(w: Writer, match: Match, author: str, *, for_unit: bool) -> Letter:
    """Tell that there is a new message, and nothing of what it says."""
    return Letter(
        subject=w.say(N_("New message in case %(number)s: %(title)s"), **_named(w, match)),
        opening=(
            w.say(N_("%(author)s has written to you. The message stands on the page of the case."), author=author),
        ),
        facts=_facts_of(w, match, due=None),
        button=Button(w.say(N_("Read the message")), w.match_page(match)),
        why=w.say(_YOUR_UNIT if for_unit else _YOUR_CASE),
    )


def overdue(w: Writer, match: Match) -> Letter:
    """Tell the administrators that somebody let a deadline pass."""
    first = {
        Status.REQUESTED: N_("This case has waited in your queue longer than it should."),
        Status.ROUTED: N_("This case was not taken up in time by %(unit)s."),
        Status.IN_PROGRESS: N_("%(unit)s has been looking for a partner longer than it should."),
        Status.AGREED: N_("Neither school has told the result of this exchange in time."),
    }[Status(match.status)]
    return Letter(
        subject=w.say(N_("Overdue: case %(number)s, %(school)s"), **_named(w, match)),
        opening=(
            w.say(first, unit=w.unit(match.handler_code)),
            w.say(N_("You can route the case to another unit, or remind the people in charge.")),
        ),
        facts=_facts_of(w, match, due=N_("Was due by")),
        button=Button(w.say(N_("Open the case")), w.match_page(match)),
        why=w.say(_YOU_ADMINISTER),
    )


def report_due(w: Writer, match: Match, other: School | None, *, again: bool) -> Letter:
    """Ask a school to tell the result; again: it was asked before."""
    subject = (
        N_("Reminder: how was your exchange with %(school)s?")
        if again
        else N_("How was your exchange with %(school)s?")
    )
    return Letter(
        subject=w.say(subject, school=w.school(other)),
        opening=(
            w.say(N_("Your exchange with %(school)s should have taken place by now."), school=w.school(other)),
            w.say(N_("Please tell in a few lines what came of it. If it did not take place, call the case off.")),
        ),
        facts=_facts_of(w, match, due=None),
        button=Button(w.say(N_("Tell the result")), w.act_page(match)),
        why=w.say(_YOUR_CASE),
    )


def _second_choices(w: Writer, match: Match) -> tuple[Section, ...]:
    """Posts of the next best schools, for whoever has lost one."""
    items = tuple(
        Item(
            found.invitation.title,
            w.invitation_page(found.invitation),
            w.say(
                N_("%(school)s, %(country)s"),
                school=w.school(found.school),
                country=w.label("country", found.school.country),
            ),
        )
        for found in candidates.second_choices(w.uow, match)
    )
    return (Section(w.say(N_("Other schools that could fit")), items),) if items else ()


def _asking(w: Writer, match: Match) -> str:
    return w.school(match.asking_school)


def _named(w: Writer, match: Match) -> dict[str, str]:
    return {"number": match.number, "title": w.title(match), "school": _asking(w, match)}


def _facts_of(w: Writer, match: Match, *, due: str | None) -> tuple[Fact, ...]:
    """What the case is; due: what the deadline is called, where the reader shall keep it."""
    facts = [Fact(w.say(N_("Case number")), match.number), Fact(w.say(N_("Asking school")), _asking(w, match))]
    if match.invitation is not None:
        facts.append(Fact(w.say(N_("Invitation")), match.invitation.title))
    if match.via == Via.ASSISTED and match.handler_kind != HandlerKind.ADMIN:
        facts.append(Fact(w.say(N_("In charge")), w.unit(match.handler_code)))
    if due is not None and match.due_at is not None:
        facts.append(Fact(w.say(due), w.day_of(match.due_at)))
    return tuple(facts)


def _reason(w: Writer, reason_code: str | None) -> tuple[Fact, ...]:
    return (Fact(w.say(N_("Reason")), w.label("decline_reason", reason_code)),) if reason_code else ()
