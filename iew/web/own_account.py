"""What a person sees of the own account: settings, sign-ins, keys, and who read the contact of the school."""

from collections.abc import Sequence
from typing import Any, Final

from iew.domain import rhythms
from iew.domain.actors import NAMES_WITHOUT_BODY
from iew.i18n import say
from iew.models import Event, Invitation, User, bodies_of
from iew.services import accounts
from iew.uow import UnitOfWork
from iew.web.context import current_actor, current_language, current_user, identity
from iew.web.forms import Form

READINGS: Final = 50


def account_of(
    uow: UnitOfWork,
    *,
    form: Form | None = None,
    news_form: Form | None = None,
    address_form: Form | None = None,
    password_form: Form | None = None,
    colleague_form: Form | None = None,
    token_form: Form | None = None,
    new_token: str | None = None,
) -> dict[str, Any]:
    """What the account page shows. A form that was refused takes the place of the fresh one."""
    user, actor, known = current_user(), current_actor(), identity()
    settings = {"language": user.language, "timezone": user.timezone, "name": user.name}
    news = {"news_hour": user.news_hour, "suggestions_wanted": "yes" if user.suggestions_wanted else ""}
    return {
        "user": user,
        "school": user.school,
        "form": form or Form.blank(settings, version=user.version),
        "news_form": news_form or Form.blank(news, version=user.version, name="news"),
        "hours": [(hour, f"{hour:02}:00") for hour in rhythms.HOURS],
        "address_form": address_form or Form.blank(name="address"),
        "password_form": password_form or Form.blank(name="password"),
        "colleague_form": colleague_form or Form.blank(name="colleague"),
        "token_form": token_form or Form.blank(name="token"),
        "new_token": new_token,
        "sessions": accounts.sessions_of(uow, actor),
        "this_session": known.session_id if known else None,
        "tokens": accounts.tokens_of(uow, actor),
        "colleagues": _colleagues(user),
        "readings": _readings(uow, accounts.contact_access_log(uow, actor, cursor=None, limit=READINGS).items),
    }


def _colleagues(user: User) -> list[User] | None:
    """The others of one's school; None for people of no school."""
    if user.school is None:
        return None
    return sorted((other for other in user.school.users if other.id != user.id and other.active), key=lambda u: u.name)


def _readings(uow: UnitOfWork, events: Sequence[Event]) -> list[dict[str, Any]]:
    language = current_language()
    others = {kind: say(name, language) for kind, name in NAMES_WITHOUT_BODY.items()}
    bodies = bodies_of(uow.session, [(event.actor_role, event.actor_body) for event in events], language, others)
    return [
        {
            "at": event.at,
            "who": bodies[event.actor_role, event.actor_body].name,
            "number": _number(uow, event),
            "reason": event.details.get("reason"),
        }
        for event in events
    ]


def _number(uow: UnitOfWork, event: Event) -> str | None:
    """The number of the post whose contact was read."""
    post = uow.session.get(Invitation, event.details.get("invitation_id") or event.subject_id)
    return post.number if post else None
