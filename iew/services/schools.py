"""Schools: signing up, being approved by the unit of their place, correcting their entry.

A school abroad is approved by the office that covers its place; where no confirmed office does, and for schools in
Taiwan, the administrator approves it.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, or_, select, true, update

from iew.db import Page, keyset_page, new_id
from iew.domain.actors import SYSTEM, VISITOR, Actor, Role
from iew.domain.matches import HandlerKind
from iew.domain.schools import Party, Status
from iew.errors import N_, Conflict, Invalid, NotAllowed, NotFound
from iew.models import Invitation, School, Unit, User, in_area, office_of_place
from iew.uow import UnitOfWork

SHOWN_IN_SEARCH: Final = (
    "name", "name_en", "country", "subdivision", "region", "county", "level", "ownership", "composition",
    "affiliations",
)  # fmt: skip
FIELDS: Final = (*SHOWN_IN_SEARCH, "address", "website", "about")
"""What a school says of itself."""
_LONGEST_ID: Final = 64


# signing up


def sign_up(uow: UnitOfWork, school: Mapping[str, Any], user: Mapping[str, Any], *, password_hash: str) -> None:
    """A new school that waits for approval, and its first user, who gets a mail to confirm the address.

    An address that has an account makes nothing: its owner gets a mail. Whoever asks is not told the difference.
    Raises Invalid, with the names of fields below `school`.
    """
    values = {name: school.get(name) for name in FIELDS}
    values["affiliations"] = list(values["affiliations"] or ())
    _check_place(uow, values, at="school.")
    uow.hold(f"address {user['email']}")
    known = uow.session.scalar(select(User).where(User.email == user["email"]))
    if known is not None:
        uow.record("KnownAddressSignedUp", known, VISITOR, action="sign_up")
        return
    office, is_sure = office_of_place(uow.session, school["country"], values["subdivision"])
    row = School(**values, approver_code=office.code if office and is_sure else None)
    person = _first_user(uow, user, row, office, password_hash)
    uow.start(row, Status.PENDING, VISITOR, action="sign_up", fact="SchoolSignedUp")
    person.school_id = row.id
    uow.session.add(person)
    uow.session.flush()
    uow.record("AddressConfirmationAsked", person, VISITOR, action="ask_confirmation")


def _first_user(
    uow: UnitOfWork, user: Mapping[str, Any], school: School, office: Unit | None, password_hash: str
) -> User:
    own = "zh-Hant" if school.country == "TW" else office.ui_language if office else "en"
    return User(
        id=new_id(),
        email=user["email"],
        password_hash=password_hash,
        name=user["name"],
        role=str(Role.SCHOOL),
        language=user.get("language") or own,
        timezone=user.get("timezone") or (office.timezone if office else uow.zone),
        created_at=uow.now,
        updated_at=uow.now,
    )


def _check_place(uow: UnitOfWork, values: Mapping[str, Any], *, at: str = "") -> None:
    """Raise Invalid where country, county and subdivision do not belong together. at: what goes before the names."""
    country, county, subdivision = values["country"], values["county"], values["subdivision"]
    if country == "TW":
        if county is None:
            raise Invalid.field(f"{at}county", N_("A school in Taiwan names its county."))
        unit = uow.session.get(Unit, county)
        if unit is None or unit.area != "county":
            raise Invalid.field(f"{at}county", N_("This is none of the possible values."))
        if subdivision is not None and unit.county_iso != subdivision:
            raise Invalid.field(f"{at}subdivision", N_("In Taiwan the county says it all; leave this empty."))
    else:
        if county is not None:
            raise Invalid.field(f"{at}county", N_("Only schools in Taiwan have a county."))
        if subdivision is not None and not subdivision.startswith(f"{country}-"):
            raise Invalid.field(f"{at}subdivision", N_("This place is not in that country."))


# reading


def find_school(uow: UnitOfWork, school_id: str, actor: Actor) -> School:
    """The school, where `actor` may know of it: approved ones are public. Raises NotFound."""
    if len(school_id) > _LONGEST_ID or not school_id.isalnum():
        raise NotFound
    school = uow.session.get(School, school_id)
    if school is None or not (school.approved or school.parties_of(actor)):
        raise NotFound
    return school


def permit(uow: UnitOfWork, school_id: str, actor: Actor, act: str) -> School:
    """The school, where `actor` might do `act` to it: an action, or `change`. Raises NotFound, NotAllowed."""
    school = find_school(uow, school_id, actor)
    parties = school.parties_of(actor)
    if act != "change":
        school.lifecycle.permit(act, kind=school.kind, parties=parties)
    elif not parties & {Party.OWNER, Party.ADMIN}:
        raise NotAllowed
    return school


def schools_for(uow: UnitOfWork, actor: Actor, *, status: str | None, cursor: str | None, limit: int) -> Page[School]:
    """The schools a unit works with, or all for the administrator, oldest first. status: only those in this state.

    An office: those it approves, in any state, and the approved ones of its places. A centre: the approved ones of its
    ground. Raises NotAllowed.
    """
    wanted = School.status == status if status else true()
    statement = select(School).where(_listed_for(uow, actor), wanted)
    return keyset_page(
        uow.session,
        statement,
        (School.created_at, School.id),
        key=lambda school: (school.created_at, school.id),
        cursor=cursor,
        limit=limit,
    )


def _listed_for(uow: UnitOfWork, actor: Actor) -> ColumnElement[bool]:
    if actor.is_admin:
        return true()
    if not actor.is_unit:
        raise NotAllowed
    unit = uow.session.get(Unit, actor.unit_code or "")
    if unit is None:
        return false()
    own = School.approver_code == unit.code if unit.kind == HandlerKind.OFFICE else false()
    return or_(own, and_(School.status == Status.APPROVED, in_area(uow.session, unit)))


# deciding


def decide(
    uow: UnitOfWork,
    school_id: str,
    action: str,
    actor: Actor,
    *,
    seen_version: int | None = None,
    reason: str | None = None,
) -> School:
    """Approve a school, ask it something, or reject it; the last two need a reason.

    Raises NotFound, NotAllowed, InvalidTransition, Conflict, Invalid.
    """
    school = find_school(uow, school_id, actor)
    details = {"reason": reason} if reason else {}
    uow.transition(school, action, actor, seen_version=seen_version, **details)
    school.reason = reason if action != "approve" else None
    if action == "approve":
        school.verified_by = actor.unit_code or str(actor.role)
        school.verified_on = uow.today
    _renew_posts(uow, school)
    return school


def change(
    uow: UnitOfWork, school_id: str, values: Mapping[str, Any], actor: Actor, *, seen_version: int | None = None
) -> School:
    """Correct a school's entry: by itself or by the administrator. A school that was asked waits for approval again.

    Raises NotFound, NotAllowed, Conflict, Invalid.
    """
    school = permit(uow, school_id, actor, "change")
    if seen_version is not None and seen_version != school.version:
        raise Conflict
    changed = {name: value for name, value in values.items() if getattr(school, name) != value}
    _check_change(uow, school, changed)
    _begin_change(uow, school, changed, actor, seen_version)
    for name, value in changed.items():
        setattr(school, name, value)
    if not school.approved:
        office, is_sure = office_of_place(uow.session, school.country, school.subdivision)
        school.approver_code = office.code if office and is_sure else None
    if _shows_in_search(changed):
        _renew_posts(uow, school)
    uow.session.flush()
    return school


def _check_change(uow: UnitOfWork, school: School, changed: Mapping[str, Any]) -> None:
    if "country" in changed and school.approved:
        raise Invalid.field("country", N_("The country of an approved school stays. Ask the administrator."))
    if changed.keys() & {"country", "county", "subdivision"}:
        place = {name: changed.get(name, getattr(school, name)) for name in ("country", "county", "subdivision")}
        _check_place(uow, place)


def _begin_change(
    uow: UnitOfWork, school: School, changed: Mapping[str, Any], actor: Actor, seen_version: int | None
) -> None:
    """Lock the row and write the history; a school that was asked answers by this."""
    fields = sorted(changed)
    if school.status == Status.ASKED and Party.OWNER in school.parties_of(actor):
        uow.transition(school, "answer", actor, seen_version=seen_version, fields=fields)
        return
    fact = "SchoolChanged" if _shows_in_search(changed) and school.approved else None
    uow.amend(school, actor, action="change", fact=fact, seen_version=seen_version, fields=fields)


def _shows_in_search(changed: Mapping[str, Any]) -> bool:
    return bool(changed.keys() & set(SHOWN_IN_SEARCH))


def _renew_posts(uow: UnitOfWork, school: School) -> None:
    """The index takes the posts of this school anew, by their next version."""
    uow.session.execute(
        update(Invitation)
        .where(Invitation.school_id == school.id)
        .values(index_version=Invitation.index_version + 1)
        .execution_options(synchronize_session=False)
    )


def refresh_approvers(uow: UnitOfWork) -> int:
    """After the coverage table changed: give waiting schools to the unit that covers them now; how many moved."""
    moved = 0
    for school in uow.session.scalars(select(School).where(School.status.in_((Status.PENDING, Status.ASKED)))).all():
        office, is_sure = office_of_place(uow.session, school.country, school.subdivision)
        code = office.code if office and is_sure else None
        if code != school.approver_code:
            uow.amend(school, SYSTEM, action="move_approval", fact=None, approver=code)
            school.approver_code = code
            moved += 1
    return moved
