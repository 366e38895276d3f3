"""Who may knock at which door: the one table of permissions.

Every route names exactly one of these rows with `@requires`. A row says which roles get in at all and what kind of act
it is; what an actor may do with one particular object is asked of that object, in the services. A row for everyone
leaves the refusal to the service too: a visitor gets 404 for what is hidden and 401 for what is visible.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from iew.domain.actors import Role


class Kind(StrEnum):
    """What an act means for people whose address or school is not confirmed yet."""

    READ = "read"  # changes nothing
    DRAFT = "draft"  # prepares what nobody else sees; open to schools that wait for approval
    WRITE = "write"  # others see it; needs a confirmed address and, for schools, an approved school
    OWN = "own"  # one's own account and one's questions to the administrator; open to whoever may sign in


@dataclass(frozen=True)
class Permission:
    """One row.

    who: the roles that get in; None stands for everyone, signed in or not.
    replays: whether a POST with an Idempotency-Key is answered once and then from memory.
    csrf: whether a page's form must carry a token; False where a signed link or a rule of mail stands in for it.
    csrf_in_api: whether a call of the API by cookie must carry one; signing in needs none, for it begins the session.
    identifies: whether the asker is looked up at all; the probes must answer while the database is away.
    limit: the name of a rate limit in `iew.web.limiter`.
    """

    who: frozenset[Role] | None
    kind: Kind
    replays: bool = True
    csrf: bool = True
    csrf_in_api: bool = True
    identifies: bool = True
    limit: str = "calls"

    @property
    def needs_sign_in(self) -> bool:
        return self.who is not None


R, D, W, O = Kind.READ, Kind.DRAFT, Kind.WRITE, Kind.OWN  # noqa: E741 - columns of the table below
EVERYONE: Final = None
SIGNED_IN: Final = frozenset(Role)
SCHOOLS: Final = frozenset({Role.SCHOOL})
UNITS: Final = frozenset({Role.IERC, Role.OFFICE})
IEW_ADMIN: Final = frozenset({Role.IEW_ADMIN})
SYSTEM_ADMIN: Final = frozenset({Role.SYSTEM_ADMIN})
ADMINS: Final = IEW_ADMIN | SYSTEM_ADMIN

PERMISSIONS: Final[dict[str, Permission]] = {
    # the house itself
    "page.read": Permission(EVERYONE, R),
    "meta.read": Permission(EVERYONE, R),
    "health.read": Permission(EVERYONE, R, identifies=False, limit="none"),
    "vocabulary.read": Permission(EVERYONE, R),
    "directory.read": Permission(EVERYONE, R),
    # the way in and out
    "session.open": Permission(EVERYONE, O, replays=False, csrf_in_api=False, limit="sign_in"),
    "session.open_vouched": Permission(EVERYONE, O, replays=False, limit="mail_link"),
    "session.close": Permission(EVERYONE, O, replays=False),
    "password.ask_reset": Permission(EVERYONE, O, replays=False, limit="reset"),
    "mail_link.open": Permission(EVERYONE, R),
    "mail_link.use": Permission(EVERYONE, O, csrf=False, limit="mail_link"),
    "mail.unsubscribe": Permission(EVERYONE, O, csrf=False),
    # one's own account
    "me.read": Permission(SIGNED_IN, R),
    "me.change": Permission(SIGNED_IN, O),
    "me.change_address": Permission(SIGNED_IN, O, replays=False, limit="reset"),
    # schools
    "school.sign_up": Permission(EVERYONE, O, limit="sign_up"),
    "school.list": Permission(UNITS | IEW_ADMIN, R),
    "school.read": Permission(EVERYONE, R),
    "school.change": Permission(EVERYONE, D),
    "school.act": Permission(EVERYONE, W),
    "school.invite_colleague": Permission(SCHOOLS | IEW_ADMIN, W),
    # invitations
    "invitation.draft": Permission(SCHOOLS, D),
    "invitation.read": Permission(EVERYONE, R),
    "invitation.own": Permission(SCHOOLS, R),
    "invitation.change": Permission(EVERYONE, D),
    "invitation.delete": Permission(EVERYONE, D),
    "invitation.act": Permission(EVERYONE, W),
    "invitation.history": Permission(EVERYONE, R),
    "invitation.contact": Permission(EVERYONE, R),
    "invitation.show_contact": Permission(EVERYONE, O),
    "invitation.suggestions": Permission(EVERYONE, R),
    "invitation.dismiss_suggestion": Permission(EVERYONE, W),
    "invitation.forward": Permission(UNITS, W),
    "invitation.forwards": Permission(SIGNED_IN, R),
    "invitation.overlooked": Permission(IEW_ADMIN, R),
    "review.read": Permission(IEW_ADMIN, R),
    # search
    "search.read": Permission(EVERYONE, R, limit="search"),
    "search.complete": Permission(EVERYONE, R),
    "saved_search.read": Permission(SIGNED_IN, R),
    "saved_search.write": Permission(SIGNED_IN, W),
    # matches
    "match.ask": Permission(SCHOOLS, W),
    "match.read": Permission(SIGNED_IN, R),
    "match.act": Permission(SIGNED_IN, W),
    "match.contacts": Permission(SIGNED_IN, R),
    "match.show_contacts": Permission(SIGNED_IN, O),
    "match.read_messages": Permission(SIGNED_IN, R),
    "match.write_message": Permission(SIGNED_IN, W),
    "proof.read": Permission(EVERYONE, R, limit="proofs"),
    # work and questions
    "inbox.read": Permission(SIGNED_IN, R),
    "question.ask": Permission(EVERYONE, O, limit="questions"),
    "question.read": Permission(SIGNED_IN, R),
    "question.write": Permission(SIGNED_IN, O),
    "pairing.read": Permission(UNITS | IEW_ADMIN, R),
    "pairing.write": Permission(UNITS | IEW_ADMIN, W),
    # figures, records, the machine
    "statistics.read": Permission(EVERYONE, R),
    "statistics.list": Permission(UNITS | IEW_ADMIN, R),
    "statistics.report": Permission(IEW_ADMIN, R),
    "statistics.close": Permission(IEW_ADMIN, W),
    "export.read": Permission(SIGNED_IN, R),
    "audit.read": Permission(ADMINS, R),
    "unit.read": Permission(UNITS, R),
    "unit.change": Permission(UNITS, W),
    "operations.read": Permission(ADMINS, R),
    "operations.write": Permission(SYSTEM_ADMIN, W),
    "users.read": Permission(ADMINS, R),
    "users.write": Permission(ADMINS, W),
}
