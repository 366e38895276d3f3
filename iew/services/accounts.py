"""People who sign in: their passwords, sign-ins, tokens, and what they may ask of their own account.

A stranger must not learn here which addresses have an account: every refusal of a sign-in looks and lasts the same.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import joinedload

from iew.db import Page, keyset_page, new_id
from iew.domain.actors import SYSTEM, Actor, Role
from iew.errors import N_, Conflict, Invalid, NotAllowed, NotFound, Text
from iew.models import (
    ApiToken,
    Contact,
    Event,
    Invitation,
    MailLink,
    Match,
    Meeting,
    Message,
    Question,
    QuestionMessage,
    Report,
    SavedSearch,
    School,
    SignInSession,
    SuggestionTelling,
    Unit,
    User,
    office_of_place,
)
from iew.uow import UnitOfWork

SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD_BYTES: Final = 1024
SEEN_SECONDS: Final = 60
"""A sign-in notes that it was used at most this often."""
RESETS_A_DAY: Final = 5
RESET_PAUSE: Final = timedelta(minutes=10)
_MADE_PASSWORD_BYTES: Final = 12
_TOKEN_MARK: Final = "iew_"  # noqa: S105 - lets scanners of leaked keys recognise ours


# passwords


def hash_password(hasher: PasswordHasher, password: str) -> str:
    """The password as it is kept. Raises Invalid for one that is too short or too long."""
    check_password(password)
    return hasher.hash(_folded(password))


def check_password(password: str) -> None:
    """Raise Invalid for a password that cannot be used."""
    if len(_folded(password)) < SHORTEST_PASSWORD:
        raise Invalid.field("password", N_("Use at least %(least)s characters."), least=SHORTEST_PASSWORD)
    if len(password.encode("utf-8", "surrogatepass")) > LONGEST_PASSWORD_BYTES:
        raise Invalid.field("password", N_("Use at most %(most)s bytes."), most=LONGEST_PASSWORD_BYTES)


def _folded(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


@lru_cache
def _nobodys_hash(hasher: PasswordHasher) -> str:
    """Compared with where there is no account, so that the answer takes the same time."""
    return hasher.hash(secrets.token_urlsafe(16))


def _matches(hasher: PasswordHasher, kept: str | None, password: str) -> bool:
    try:
        return hasher.verify(kept or _nobodys_hash(hasher), _folded(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


# signing in


def sign_in(
    uow: UnitOfWork,
    email: str,
    password: str,
    *,
    hasher: PasswordHasher,
    user_agent: str | None = None,
    address: str | None = None,
) -> tuple[SignInSession, str] | None:
    """A new sign-in and its key, or None: unknown, wrong, locked or disabled, nobody is told which.

    Keep the unit of work also after None: it has counted the failure.
    """
    user = uow.session.scalar(select(User).where(User.email == email.strip().lower()).with_for_update())
    matches = _matches(hasher, user.password_hash if user else None, password)
    if user is None or not user.active or _locked(user, uow.now):
        if user is not None:
            uow.record(None, user, SYSTEM, action="sign_in_refused")
        return None
    if not matches:
        _count_failure(uow, user)
        return None
    if hasher.check_needs_rehash(user.password_hash or ""):
        user.password_hash = hasher.hash(_folded(password))
    user.sign_in_failures, user.locked_until, user.last_sign_in_at = 0, None, uow.now
    return _new_sign_in(uow, user, user_agent, address)


def sign_in_vouched(
    uow: UnitOfWork, email: str, *, by: str, user_agent: str | None = None, address: str | None = None
) -> tuple[SignInSession, str] | None:
    """A new sign-in for the person whose address a provider vouches for, and its key; None where we know none.

    by: the provider. A password's lock does not matter here: no password was guessed.
    """
    user = find_user(uow, email)
    if user is None or not user.active:
        return None
    user.last_sign_in_at = uow.now
    user.email_confirmed_at = user.email_confirmed_at or uow.now
    return _new_sign_in(uow, user, user_agent, address, by=by)


def _locked(user: User, now: datetime) -> bool:
    return user.locked_until is not None and user.locked_until > now


def _count_failure(uow: UnitOfWork, user: User) -> None:
    user.sign_in_failures += 1
    uow.record(None, user, SYSTEM, action="sign_in_failed", failures=user.sign_in_failures)
    if user.sign_in_failures >= uow.limits.sign_in_failures:
        user.locked_until = uow.now + timedelta(minutes=uow.limits.sign_in_lock_minutes)
        user.sign_in_failures = 0
        uow.record(None, user, SYSTEM, action="locked")


def _new_sign_in(
    uow: UnitOfWork, user: User, user_agent: str | None, address: str | None, *, by: str = "password"
) -> tuple[SignInSession, str]:
    key = secrets.token_urlsafe(32)
    opened = SignInSession(
        id=new_id(),
        key_hash=_hash_of_key(key),
        user_id=user.id,
        created_at=uow.now,
        last_seen_at=uow.now,
        expires_at=uow.now + timedelta(hours=uow.limits.session_hours),
        user_agent=(user_agent or "")[:200] or None,
        address=address,
    )
    opened.user = user
    uow.session.add(opened)
    uow.record(None, user, user.as_actor(), action="signed_in", session=opened.id, by=by)
    return opened, key


def _hash_of_key(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def sign_in_of(uow: UnitOfWork, key: str) -> SignInSession | None:
    """The sign-in that a browser's key stands for; None where it has ended, lain idle or its person is disabled."""
    found = uow.session.scalar(
        select(SignInSession)
        .where(SignInSession.key_hash == _hash_of_key(key))
        .options(joinedload(SignInSession.user).joinedload(User.school))
    )
    if found is None or found.ended_at is not None or found.expires_at <= uow.now or not found.user.active:
        return None
    idle_minutes = (
        uow.limits.session_idle_operator_minutes
        if found.user.as_actor().is_operator
        else uow.limits.session_idle_school_minutes
    )
    return found if found.last_seen_at > uow.now - timedelta(minutes=idle_minutes) else None


def is_due_to_be_seen(sign_in: SignInSession, now: datetime) -> bool:
    return now - sign_in.last_seen_at >= timedelta(seconds=SEEN_SECONDS)


def mark_seen(uow: UnitOfWork, session_id: str) -> None:
    """The browser was used now; its idle time begins anew."""
    uow.session.execute(update(SignInSession).where(SignInSession.id == session_id).values(last_seen_at=uow.now))


def token_of(uow: UnitOfWork, key: str) -> ApiToken | None:
    """The token with this key, its person by the same rules as behind a browser's sign-in."""
    found = uow.session.scalar(
        select(ApiToken)
        .where(ApiToken.key_hash == _hash_of_key(key))
        .options(joinedload(ApiToken.user).joinedload(User.school))
    )
    if found is None or found.ended_at is not None or not found.user.active:
        return None
    return None if found.expires_at is not None and found.expires_at <= uow.now else found


def is_due_to_be_noted(token: ApiToken, now: datetime) -> bool:
    return token.last_used_at is None or now - token.last_used_at >= timedelta(seconds=SEEN_SECONDS)


def mark_used(uow: UnitOfWork, token_id: str) -> None:
    """The token was used now, for its owner to see."""
    uow.session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=uow.now))


def sign_out(uow: UnitOfWork, session_id: str, actor: Actor) -> None:
    """End the sign-in of this browser."""
    end_session(uow, session_id, actor)


def sessions_of(uow: UnitOfWork, actor: Actor) -> Sequence[SignInSession]:
    """The open sign-ins of a person, latest first."""
    return uow.session.scalars(
        select(SignInSession)
        .where(
            SignInSession.user_id == actor.user_id,
            SignInSession.ended_at.is_(None),
            SignInSession.expires_at > uow.now,
        )
        .order_by(SignInSession.created_at.desc(), SignInSession.id)
    ).all()


def end_session(uow: UnitOfWork, session_id: str, actor: Actor) -> None:
    """End one of one's own sign-ins. Raises NotFound for anybody else's."""
    found = uow.session.get(SignInSession, session_id)
    if found is None or found.user_id != actor.user_id or found.ended_at is not None:
        raise NotFound
    found.ended_at = uow.now
    uow.record(None, found.user, actor, action="signed_out", session=found.id)


def tokens_of(uow: UnitOfWork, actor: Actor) -> Sequence[ApiToken]:
    """The keys for programs of a person that still work, latest first."""
    return uow.session.scalars(
        select(ApiToken)
        .where(
            ApiToken.user_id == actor.user_id,
            ApiToken.ended_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > uow.now),
        )
        .order_by(ApiToken.created_at.desc(), ApiToken.id)
    ).all()


def end_token(uow: UnitOfWork, token_id: str, actor: Actor) -> None:
    """End one of one's own keys for programs. Raises NotFound for anybody else's."""
    found = uow.session.get(ApiToken, token_id)
    if found is None or found.user_id != actor.user_id or found.ended_at is not None:
        raise NotFound
    found.ended_at = uow.now
    uow.record(None, found.user, actor, action="token_ended", name=found.name)


def _end_all_keys(uow: UnitOfWork, user: User) -> None:
    for table in (SignInSession, ApiToken):
        uow.session.execute(
            update(table).where(table.user_id == user.id, table.ended_at.is_(None)).values(ended_at=uow.now)
        )


# people, from the shell


@dataclass(frozen=True)
class NewUser:
    """An account that an operator makes. school_ref: the outside key of a school, or its id."""

    email: str
    role: Role
    name: str | None = None
    school_ref: str | None = None
    unit_code: str | None = None
    language: str | None = None


def add_user(
    uow: UnitOfWork, new: NewUser, password: str | None, *, hasher: PasswordHasher, actor: Actor = SYSTEM
) -> tuple[User, str]:
    """A confirmed account, and its password, made up where none is given. Raises Invalid."""
    password = password or secrets.token_urlsafe(_MADE_PASSWORD_BYTES)
    uow.hold(f"address {new.email.strip().lower()}")
    school, unit = _body_of(uow, new)
    office = office_of_place(uow.session, school.country, school.subdivision)[0] if school else unit
    user = User(
        id=new_id(),
        email=new.email.strip().lower(),
        password_hash=hash_password(hasher, password),
        name=new.name or new.email.partition("@")[0],
        role=str(new.role),
        school_id=school.id if school else None,
        unit_code=unit.code if unit else None,
        language=new.language or default_language(school, office),
        timezone=office.timezone if office else uow.zone,
        email_confirmed_at=uow.now,
        created_at=uow.now,
        updated_at=uow.now,
    )
    if find_user(uow, user.email) is not None:
        raise Invalid.field("email", N_("There is an account with this address already."))
    uow.session.add(user)
    uow.session.flush()
    uow.record(None, user, actor, action="user_added", role=user.role)
    return user, password


def _body_of(uow: UnitOfWork, new: NewUser) -> tuple[School | None, Unit | None]:
    if new.role is Role.SCHOOL:
        found = uow.session.scalar(select(School).where(or_(School.ref == new.school_ref, School.id == new.school_ref)))
        if found is None:
            raise Invalid.field("school", N_("There is no school with this key."))
        return found, None
    if new.role in (Role.IERC, Role.OFFICE):
        unit = uow.session.get(Unit, new.unit_code or "")
        if unit is None or unit.kind != new.role:
            raise Invalid.field("unit", N_("There is no such centre or office."))
        return None, unit
    return None, None


def default_language(school: School | None, unit: Unit | None) -> str:
    """Chinese in Taiwan, else what the office speaks, else English; operators work in Taiwan."""
    if school is not None:
        return "zh-Hant" if school.country == "TW" else unit.ui_language if unit else "en"
    return unit.ui_language if unit is not None else "zh-Hant"


def find_user(uow: UnitOfWork, email: str) -> User | None:
    return uow.session.scalar(select(User).where(User.email == email.strip().lower()))


def users(uow: UnitOfWork) -> Sequence[User]:
    """Everybody, by address."""
    return uow.session.scalars(select(User).order_by(User.email)).all()


def disable(uow: UnitOfWork, email: str, actor: Actor = SYSTEM) -> User:
    """Close an account; its sign-ins and tokens end at once. Raises NotFound."""
    user = _known(uow, email)
    user.disabled_at = user.disabled_at or uow.now
    user.updated_at = uow.now
    _end_all_keys(uow, user)
    uow.record(None, user, actor, action="user_disabled")
    return user


def create_token(uow: UnitOfWork, email: str, *, name: str, days: int | None) -> str:
    """A new key for programs, shown this once. days: until it expires; None: never. Raises NotFound."""
    user = _known(uow, email)
    if not user.active:
        raise NotAllowed(N_("This account is disabled."))
    key = _TOKEN_MARK + secrets.token_urlsafe(32)
    uow.session.add(
        ApiToken(
            id=new_id(),
            key_hash=_hash_of_key(key),
            user_id=user.id,
            name=name,
            created_at=uow.now,
            expires_at=uow.now + timedelta(days=days) if days is not None else None,
        )
    )
    uow.record(None, user, SYSTEM, action="token_created", name=name)
    return key


def _known(uow: UnitOfWork, email: str) -> User:
    user = find_user(uow, email)
    if user is None:
        raise NotFound(Text(N_("There is no account with the address %(email)s."), {"email": email}))
    return user


# addresses and forgotten passwords


def confirm_address(uow: UnitOfWork, link: MailLink) -> User:
    """The person who got the link confirms the address. The caller has found the link valid."""
    user = uow.get(User, link.user_id or "")
    if user.email == link.address:
        _mail_arrives(uow, user)
    link.used_at = uow.now
    uow.record(None, user, user.as_actor(), action="address_confirmed")
    return user


def _mail_arrives(uow: UnitOfWork, user: User) -> None:
    """A link in a mail was used: the address is the person's, and takes our mails."""
    user.email_confirmed_at = user.email_confirmed_at or uow.now
    user.mail_refused_at = None


def ask_new_address(uow: UnitOfWork, actor: Actor, address: str, password: str, *, hasher: PasswordHasher) -> None:
    """Send a link to `address` that makes it the one of the actor's account; the answer never tells whose it is.

    Raises Invalid for a wrong password.
    """
    user = uow.get(User, actor.user_id or "")
    if not _matches(hasher, user.password_hash, password):
        raise Invalid.field("password", N_("This is not your present password."))
    known = find_user(uow, address)
    if known is not None and known.id != user.id:
        uow.record("KnownAddressSignedUp", known, actor, action="ask_new_address")
        return
    link = MailLink(
        id=new_id(),
        purpose="change_address",
        user_id=user.id,
        address=address,
        created_at=uow.now,
        expires_at=uow.now + timedelta(days=uow.limits.mail_link_days),
    )
    uow.session.add(link)
    uow.record("AddressChangeAsked", user, actor, action="ask_new_address", link=link.id)


def change_address(uow: UnitOfWork, link: MailLink) -> User:
    """Make the address that the link was sent to the one of the account. The caller has found the link valid.

    Raises Invalid where somebody else has signed up with it meanwhile.
    """
    uow.hold(f"address {link.address}")
    user, known = uow.get(User, link.user_id or ""), find_user(uow, link.address)
    if known is not None and known.id != user.id:
        raise Invalid.field("email", N_("There is an account with this address already."))
    user.email, user.version, user.updated_at = link.address, user.version + 1, uow.now
    _mail_arrives(uow, user)
    link.used_at = uow.now
    uow.record(None, user, user.as_actor(), action="address_changed")
    return user


def ask_confirmation(uow: UnitOfWork, actor: Actor) -> None:
    """Send the link that confirms one's own address once more; not more often than every ten minutes.

    For an address that is not confirmed yet, and for one that refused a mail.
    """
    user = uow.get(User, actor.user_id or "")
    missing = user.email_confirmed_at is None or user.mail_refused_at is not None
    if missing and not _asked_lately(uow, user, "ask_confirmation"):
        uow.record("AddressConfirmationAsked", user, actor, action="ask_confirmation")


def ask_reset(uow: UnitOfWork, email: str) -> None:
    """Send a link to choose a new password, if there is such an account; nobody is told whether.

    One mail in ten minutes, five a day for an address.
    """
    user = uow.session.scalar(select(User).where(User.email == email.strip().lower()).with_for_update())
    if user is None or not user.active or _asked_lately(uow, user, "ask_reset"):
        return
    uow.record("PasswordResetAsked", user, SYSTEM, action="ask_reset")


def _asked_lately(uow: UnitOfWork, user: User, action: str) -> bool:
    asked = uow.session.scalars(
        select(Event.at)
        .where(
            Event.subject_type == User.subject_type,
            Event.subject_id == user.id,
            Event.action == action,
            Event.at > uow.now - timedelta(days=1),
        )
        .order_by(Event.id.desc())
    ).all()
    return len(asked) >= RESETS_A_DAY or (bool(asked) and asked[0] > uow.now - RESET_PAUSE)


def reset_password(uow: UnitOfWork, link: MailLink, password: str, *, hasher: PasswordHasher) -> User:
    """Set a new password by a link from a mail; all sign-ins and tokens end, and the address counts as confirmed.

    The caller has found the link valid. Raises Invalid for a password that cannot be used.
    """
    user = uow.get(User, link.user_id or "")
    user.password_hash = hash_password(hasher, password)
    user.sign_in_failures, user.locked_until, user.updated_at = 0, None, uow.now
    if user.email == link.address:
        _mail_arrives(uow, user)
    link.used_at = uow.now
    _end_all_keys(uow, user)
    uow.record(None, user, user.as_actor(), action="password_changed")
    return user


def change_password(
    uow: UnitOfWork, actor: Actor, old: str, new: str, *, hasher: PasswordHasher, session_id: str | None
) -> None:
    """Change one's own password; every other sign-in ends. Raises Invalid."""
    user = uow.get(User, actor.user_id or "")
    if not _matches(hasher, user.password_hash, old):
        raise Invalid.field("old_password", N_("This is not your present password."))
    user.password_hash, user.updated_at = hash_password(hasher, new), uow.now
    uow.session.execute(
        update(SignInSession)
        .where(SignInSession.user_id == user.id, SignInSession.ended_at.is_(None), SignInSession.id != session_id)
        .values(ended_at=uow.now)
    )
    uow.record(None, user, actor, action="password_changed")


# colleagues


def invite_colleague(uow: UnitOfWork, school_id: str, values: Mapping[str, Any], actor: Actor) -> None:
    """Give a colleague of a school an account; the mail leads to a page where they choose their password.

    values: `email`, `name`, `language`. An address that has an account is not told: its owner gets a mail. Raises
    NotFound for a school that is not the actor's own (the administrator may invite for any).
    """
    school = uow.session.get(School, school_id)
    if school is None or not (actor.is_admin or actor.school_id == school.id):
        raise NotFound
    uow.hold(f"address {values['email']}")
    known = find_user(uow, values["email"])
    if known is not None:
        fact = "ColleagueInvited" if _waits_for_first_password(known, school) else "KnownAddressSignedUp"
        uow.record(fact, known, actor, action="invite")
        return
    inviter = uow.get(User, actor.user_id or "")
    colleague = User(
        id=new_id(),
        email=values["email"],
        password_hash=None,
        name=values["name"],
        role=str(Role.SCHOOL),
        school_id=school.id,
        language=values.get("language") or inviter.language,
        timezone=inviter.timezone,
        created_at=uow.now,
        updated_at=uow.now,
    )
    uow.session.add(colleague)
    uow.session.flush()
    uow.record("ColleagueInvited", colleague, actor, action="invite", school_id=school.id)


def _waits_for_first_password(user: User, school: School) -> bool:
    return user.school_id == school.id and user.password_hash is None and user.active


# one's own account


def change_me(uow: UnitOfWork, actor: Actor, values: Mapping[str, Any], *, seen_version: int | None = None) -> User:
    """Set one's language, time zone, name, or what the one mail a day holds and when it comes. Raises Conflict."""
    user = uow.session.get(User, actor.user_id, with_for_update=True)
    if user is None:
        raise NotFound
    if seen_version is not None and seen_version != user.version:
        raise Conflict
    for name in ("language", "timezone", "name"):
        if values.get(name):
            setattr(user, name, values[name])
    for name in ("news_hour", "suggestions_wanted"):
        if values.get(name) is not None:
            setattr(user, name, values[name])
    user.version += 1
    user.updated_at = uow.now
    uow.record(None, user, actor, action="change_me", fields=sorted(values))
    return user


def contact_access_log(uow: UnitOfWork, actor: Actor, *, cursor: str | None, limit: int) -> Page[Event]:
    """Who has read the contact data of one's own school, latest first."""
    own_posts = select(Invitation.id).where(Invitation.school_id == actor.school_id)
    own_matches = select(Match.id).where(
        or_(
            Match.asking_school_id == actor.school_id,
            Match.posting_school_id == actor.school_id,
            Match.partner_school_id == actor.school_id,
        )
    )
    readings = select(Event).where(
        Event.action == "contact_read",
        Event.details["school_id"].astext == actor.school_id,
        or_(
            (Event.subject_type == Invitation.subject_type) & Event.subject_id.in_(own_posts),
            (Event.subject_type == Match.subject_type) & Event.subject_id.in_(own_matches),
        ),
        or_(Event.actor_body.is_(None), Event.actor_body != actor.school_id),
    )
    return keyset_page(
        uow.session, readings, (Event.id,), key=lambda event: (event.id,), cursor=cursor, limit=limit, descending=True
    )


@dataclass(frozen=True)
class OwnData:
    """All that is kept about a person, for the person."""

    user: User
    school: School | None
    sessions: Sequence[SignInSession]
    tokens: Sequence[ApiToken]
    invitations: Sequence[Invitation]
    contacts: Sequence[Contact]
    matches: Sequence[Match]
    meetings: Sequence[Meeting]
    reports: Sequence[Report]
    messages: Sequence[Message]
    questions: Sequence[Question]
    question_messages: Sequence[QuestionMessage]
    saved_searches: Sequence[SavedSearch]
    suggestion_tellings: Sequence[SuggestionTelling]
    events: Sequence[Event]


def own_data(uow: UnitOfWork, actor: Actor) -> OwnData:
    """What one wrote, did and was recorded as. Raises NotFound for a visitor."""
    user, own = uow.get(User, actor.user_id or ""), uow.session
    return OwnData(
        user=user,
        school=user.school,
        sessions=own.scalars(select(SignInSession).where(SignInSession.user_id == user.id)).all(),
        tokens=own.scalars(select(ApiToken).where(ApiToken.user_id == user.id)).all(),
        invitations=own.scalars(select(Invitation).where(Invitation.author_id == user.id)).all(),
        contacts=own.scalars(
            select(Contact)
            .join(Invitation, Contact.invitation_id == Invitation.id)
            .where(Invitation.author_id == user.id)
        ).all(),
        matches=own.scalars(select(Match).where(_has_part(user))).all(),
        meetings=own.scalars(
            select(Meeting)
            .join(Match, Meeting.match_id == Match.id)
            .where(or_(_has_part(user), Meeting.id.in_(_acted_on(user, Meeting.subject_type))))
            .order_by(Meeting.created_at, Meeting.id)
        ).all(),
        reports=own.scalars(
            select(Report)
            .where(
                Report.school_id == user.school_id,
                Report.match_id.in_(_acted_on(user, Match.subject_type, action="report")),
            )
            .order_by(Report.created_at, Report.id)
        ).all(),
        messages=own.scalars(select(Message).where(Message.author_id == user.id)).all(),
        questions=own.scalars(select(Question).where(Question.asker_id == user.id)).all(),
        question_messages=own.scalars(select(QuestionMessage).where(QuestionMessage.author_id == user.id)).all(),
        saved_searches=own.scalars(select(SavedSearch).where(SavedSearch.user_id == user.id)).all(),
        suggestion_tellings=own.scalars(select(SuggestionTelling).where(SuggestionTelling.user_id == user.id)).all(),
        events=own.scalars(select(Event).where(Event.actor_id == user.id).order_by(Event.id)).all(),
    )


def _has_part(user: User) -> ColumnElement[bool]:
    """The matches that a person asked for or agreed to."""
    return or_(Match.asked_by_id == user.id, Match.agreed_by_id == user.id)


def _acted_on(user: User, subject_type: str, *, action: str | None = None) -> Select[str]:
    """Ids of what a person did something to, by the record."""
    did = select(Event.subject_id).where(Event.actor_id == user.id, Event.subject_type == subject_type)
    return did if action is None else did.where(Event.action == action)
