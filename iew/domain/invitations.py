"""The life of an invitation, and of the revision of a published one, as tables.

An invitation is a school's public offer or wish to exchange. Its text is public only after an administrator read
exactly that text; a change to a published post is a *revision* with a life of its own, while the old text stays public.
"""

from enum import StrEnum
from typing import Final

from iew.domain.lifecycle import Lifecycle, Row


class Status(StrEnum):
    DRAFT = "draft"  # seen by its school alone
    SUBMITTED = "submitted"  # waits for an administrator
    RETURNED = "returned"  # sent back with remarks; the school corrects it
    PUBLISHED = "published"  # public
    REJECTED = "rejected"  # will not be published
    CLOSED = "closed"  # the school has found what it sought, or never came back to its remarks
    WITHDRAWN = "withdrawn"  # taken down by its school or the administrator
    EXPIRED = "expired"  # its day has passed; can be renewed


class RevisionStatus(StrEnum):
    DRAFT = "draft"  # the school is still changing it
    SUBMITTED = "submitted"  # waits for an administrator
    RETURNED = "returned"  # sent back with remarks
    REJECTED = "rejected"  # the old text stays
    PUBLISHED = "published"  # its text replaced the old one
    DROPPED = "dropped"  # its post left the public before the revision was read


class Party(StrEnum):
    """What the actor is to this post."""

    OWNER = "owner"
    ADMIN = "admin"
    SYSTEM = "system"


S, R, P = Status, RevisionStatus, Party
OPEN_TO_REVIEW: Final = frozenset({S.SUBMITTED})
PUBLIC: Final = frozenset({S.PUBLISHED})

INVITATION: Final = Lifecycle(
    #   action      kind  from                                     to            who                  needs       fact
    Row("submit",   None, {S.DRAFT, S.RETURNED},                   S.SUBMITTED,  {P.OWNER},           set(),      "InvitationSubmitted"),
    Row("publish",  None, {S.SUBMITTED},                           S.PUBLISHED,  {P.ADMIN},           set(),      "InvitationPublished"),
    Row("return",   None, {S.SUBMITTED},                           S.RETURNED,   {P.ADMIN},           {"reason"}, "InvitationReturned"),
    Row("reject",   None, {S.SUBMITTED},                           S.REJECTED,   {P.ADMIN},           {"reason"}, "InvitationRejected"),
    Row("withdraw", None, {S.SUBMITTED, S.RETURNED, S.PUBLISHED},  S.WITHDRAWN,  {P.OWNER},           set(),      "InvitationWithdrawn"),
    Row("withdraw", None, {S.SUBMITTED, S.RETURNED, S.PUBLISHED},  S.WITHDRAWN,  {P.ADMIN},           {"reason"}, "InvitationTakenDown"),
    Row("close",    None, {S.PUBLISHED},                           S.CLOSED,     {P.OWNER},           set(),      "InvitationClosed"),
    Row("close",    None, {S.RETURNED},                            S.CLOSED,     {P.SYSTEM},          set(),      "InvitationLapsed"),
    Row("renew",    None, {S.PUBLISHED, S.EXPIRED},                S.PUBLISHED,  {P.OWNER},           set(),      "InvitationRenewed"),
    Row("expire",   None, {S.PUBLISHED},                           S.EXPIRED,    {P.SYSTEM},          set(),      "InvitationExpired"),
    Row("import",   None, {S.DRAFT, S.SUBMITTED, S.RETURNED, S.EXPIRED}, S.PUBLISHED, {P.SYSTEM},     set(),      "InvitationImported"),
)  # fmt: skip

REVISION: Final = Lifecycle(
    Row("submit",   None, {R.DRAFT, R.RETURNED},                   R.SUBMITTED,  {P.OWNER},           set(),      "RevisionSubmitted"),
    Row("recall",   None, {R.SUBMITTED},                           R.DRAFT,      {P.OWNER, P.SYSTEM}, set(),      "RevisionRecalled"),
    Row("publish",  None, {R.SUBMITTED},                           R.PUBLISHED,  {P.ADMIN},           set(),      "RevisionPublished"),
    Row("return",   None, {R.SUBMITTED},                           R.RETURNED,   {P.ADMIN},           {"reason"}, "RevisionReturned"),
    Row("reject",   None, {R.SUBMITTED},                           R.REJECTED,   {P.ADMIN},           {"reason"}, "RevisionRejected"),
    Row("drop",     None, {R.DRAFT, R.SUBMITTED, R.RETURNED},      R.DROPPED,    {P.OWNER, P.ADMIN, P.SYSTEM}, set(), "RevisionDropped"),
)  # fmt: skip

REVISION_OPEN: Final = frozenset({R.DRAFT, R.SUBMITTED, R.RETURNED})
