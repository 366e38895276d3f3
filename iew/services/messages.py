"""What the schools and the unit write to each other inside a match, before and after they agree.

Contact data stays hidden until both have agreed, so this thread is where they talk until then; it also keeps what was
said for whoever takes the case over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from iew import i18n
from iew.db import Page, keyset_page, new_id
from iew.domain.actors import NAMES_WITHOUT_BODY, Actor, Role
from iew.domain.matches import OPEN, Party, Status
from iew.errors import N_, Invalid, InvalidTransition, NotAllowed
from iew.models import Body, Match, Message, MessageReading, bodies_of, find_match, messages_of
from iew.uow import UnitOfWork

_WRITERS: Final = frozenset({Party.ASKING, Party.INVITED, Party.PROPOSED, Party.PARTNER, Party.HANDLER, Party.KEEPER})
_TALKING: Final = OPEN | {Status.COMPLETED}


@dataclass(frozen=True)
class MessageSeen:
    """A message as a reader sees it; its author stands for a school, a unit or the administrator."""

    id: str
    text: str
    created_at: datetime
    by: Body
    mine: bool


def write(uow: UnitOfWork, match_id: str, text: str | None, actor: Actor, *, language: str) -> MessageSeen:
    """Write to the others of a match; they get a mail that there is something to read.

    Raises NotFound, NotAllowed (only a reader), InvalidTransition (the case has ended), Invalid (no text).
    """
    match = find_match(uow.session, match_id, actor)
    if not match.parties_of(actor) & _WRITERS:
        raise NotAllowed(N_("Only the schools of a case and whoever handles it write here."))
    if match.status not in _TALKING:
        raise InvalidTransition(N_("This case has ended, so nobody reads here any more."))
    if not text:
        raise Invalid.field("text", N_("This is needed."))
    message = Message(
        id=new_id(),
        match_id=match.id,
        author_id=actor.user_id,
        school_id=actor.school_id if actor.role is Role.SCHOOL else None,
        unit_code=actor.unit_code if actor.is_unit else None,
        text=text,
        created_at=uow.now,
    )
    uow.session.add(message)
    uow.record("MessageWritten", match, actor, action="message", message_id=message.id)
    return _seen(uow, [message], actor, language)[0]


def read(
    uow: UnitOfWork, match_id: str, actor: Actor, *, language: str, cursor: str | None = None, limit: int = 20
) -> Page[MessageSeen]:
    """The messages that the actor may read, oldest first; what is shown counts as read.

    An administrator's reading is recorded, since the thread is not addressed to it. Raises NotFound, BadRequest.
    """
    match = find_match(uow.session, match_id, actor)
    page = keyset_page(
        uow.session,
        select(Message).where(messages_of(match, actor)),
        [Message.created_at, Message.id],
        key=lambda message: (message.created_at, message.id),
        cursor=cursor,
        limit=limit,
    )
    if actor.is_admin:
        uow.record(None, match, actor, action="messages_read")
    if page.items and actor.user_id is not None:
        _mark_read(uow, match, actor.user_id, page.items[-1].created_at)
    return Page(_seen(uow, page.items, actor, language), page.next_cursor, page.total)


def _mark_read(uow: UnitOfWork, match: Match, user_id: str, until: datetime) -> None:
    """Never backwards: an older page read later unreads nothing."""
    statement = insert(MessageReading).values(match_id=match.id, user_id=user_id, read_at=until)
    uow.session.execute(
        statement.on_conflict_do_update(
            index_elements=["match_id", "user_id"],
            set_={"read_at": func.greatest(MessageReading.read_at, statement.excluded.read_at)},
        )
    )


def _seen(uow: UnitOfWork, messages: Sequence[Message], actor: Actor, language: str) -> list[MessageSeen]:
    others = {kind: i18n.say(name, language) for kind, name in NAMES_WITHOUT_BODY.items()}
    writers = {message.id: _writer(message) for message in messages}
    bodies = bodies_of(uow.session, writers.values(), language, others)
    return [
        MessageSeen(
            id=message.id,
            text=message.text,
            created_at=message.created_at,
            by=bodies[writers[message.id]],
            mine=message.author_id is not None and message.author_id == actor.user_id,
        )
        for message in messages
    ]


def _writer(message: Message) -> tuple[str, str | None]:
    if message.school_id is not None:
        return Role.SCHOOL.value, message.school_id
    if message.unit_code is not None:
        return "unit", message.unit_code
    return Role.IEW_ADMIN.value, None
