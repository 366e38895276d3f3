"""What happened to a case and what comes next, in words."""

from collections.abc import Mapping
from typing import Any, Final

from iew.domain.matches import SEEKS_ANOTHER
from iew.errors import N_
from iew.models import Match
from iew.web.rendering import gettext as _
from iew.web.rendering import label, said, school_name

PAGES_OF_STATES: Final[dict[str, tuple[str, ...]]] = {
    "open": ("requested", "routed", "in_progress", "agreed"),
    "ended": ("completed", "declined", "not_found", "no_reply", "cancelled"),
    "all": (),
}
SAID: Final = {
    "accept": N_("Done. The other side is told by mail."),
    "decline": N_("Your answer is with the other side. Thank you for not leaving them waiting."),
    "cancel": N_("The request is called off; everybody concerned is told."),
    "report": N_("Thank you. Your report is saved."),
    "hand_back": N_("The case lies with the IEW administrator now."),
    "propose": N_("The school is asked; you are told as soon as it answers."),
    "agree": N_("Both schools are told that they may write to each other now."),
    "not_found": N_("The case is closed; the asking school is told why."),
    "route": N_("The case is on its way to the unit you chose."),
}
_STEPS: Final = {
    "ask": N_("Asked"),
    "pair": N_("Brought together in a pairing"),
    "route": N_("Given to the unit"),
    "accept": N_("Accepted"),
    "hand_back": N_("Handed back to the administrator"),
    "propose": N_("Asked another school"),
    "agree": N_("Both schools agreed"),
    "decline": N_("Declined"),
    "not_found": N_("No partner found"),
    "no_reply": N_("The time to answer has passed"),
    "cancel": N_("Called off"),
    "report": N_("Result reported"),
    "supersede": N_("Another school was first"),
    "remind": N_("Reminded"),
    "overdue": N_("Became overdue"),
}


_HEADLINES: Final = {
    "agreed": N_("Both schools agreed. Write to each other; afterwards please report what came of it."),
    "completed": N_("This exchange took place and was reported."),
    "declined": N_("The school said no this time."),
    "not_found": N_("No partner was found."),
    "no_reply": N_("The school did not answer in time. This happens; it says nothing about your idea."),
    "cancelled": N_("The request was called off."),
}


def headline(match: Mapping[str, Any]) -> str:
    """One sentence on where a case stands."""
    if match["status"] in _HEADLINES:
        return said(_HEADLINES[match["status"]])
    if match["handler"]:
        return _("Lies with %(who)s.", who=match["handler"]["name"])
    return _("Waits for an answer of %(school)s.", school=school_name(match["invitation"]["school"]))


def help_with(match: Match, school_id: str | None) -> bool:
    """Whether this school asked, and the case ended so that it will look for another partner."""
    return school_id is not None and match.asking_school_id == school_id and match.status in SEEKS_ANOTHER


def said_of_step(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step of a case as the timeline shows it."""
    title = said(_STEPS.get(step["action"], step["action"]))
    about = step["school"] or step["unit"]
    if about:
        title = _("%(what)s: %(school)s", what=title, school=about["name"])
    reasons = (label(step["reason_code"], "decline_reason"), step["reason"] or "")
    return {
        "at": step["at"],
        "title": title,
        "by": step["by"]["name"],
        "text": " – ".join(part for part in reasons if part),
        "state": "late" if step["action"] in ("overdue", "no_reply") else "",
    }
