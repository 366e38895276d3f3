"""Rows from and for files: schools and posts that come in under an outside key, and everything that goes out.

`ref` is the key under which an outside system knows a thing: importing again updates, never doubles. A thing that was
made here has no ref and goes out under its id, so that a file that comes back finds it again. What is imported was
checked elsewhere; it is the operator's word, so it stands only in the shell.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.orm import selectinload

from iew.domain.actors import SYSTEM
from iew.domain.invitations import RevisionStatus, Status
from iew.domain.posts import DEFAULTS, NEVER_PUBLIC, Body, changed_fields, faults_of_expiry, missing, with_agent_contact
from iew.domain.schools import Status as SchoolStatus
from iew.errors import N_, Text
from iew.models import CONTENT, Contact, Event, Invitation, Match, Meeting, Report, Revision, School, Term, User
from iew.uow import UnitOfWork

BATCH: Final = 500
"""Rows handled in one go; the callers cut their files into pieces of this size."""

_CONTACT_COLUMNS: Final = ("name", "role", "email", "phone")
_NEEDED_OF_A_SCHOOL: Final = ("name", "country", "level")
_OF_SCHOOL: Final = (
    "name", "name_en", "country", "subdivision", "region", "county", "level", "ownership", "composition",
    "affiliations",
)  # fmt: skip
_SCHOOL_COLUMNS: Final = (*_OF_SCHOOL, "address", "website", "about")
_VERIFIER: Final = "iew_admin"
_PUBLISHED_BY_IMPORT: Final = (Status.DRAFT, Status.SUBMITTED, Status.RETURNED, Status.EXPIRED)


class Line(NamedTuple):
    """A row of a file, in its right form, with the number of its line."""

    number: int
    row: Mapping[str, Any]


class Fault(NamedTuple):
    """What is wrong at a field of a line."""

    number: int
    field: str
    text: Text


@dataclass
class Tally:
    """What an import did. `ended`: posts that left the public here and stay out of it, whatever the file says."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    ended: int = 0

    def add(self, other: "Tally") -> None:
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.ended += other.ended


# checking


class _Known(NamedTuple):
    """What a check needs to know of a post that is here already."""

    id: str
    ref: str | None
    school_id: str
    expires_on: date | None


@dataclass
class Checked:
    """What the lines before have told already, so that a school described once may be named by its ref alone."""

    schools: set[str] = field(default_factory=set)


def faults_of_schools(uow: UnitOfWork, lines: Sequence[Line]) -> list[Fault]:
    """What the database knows against these lines; nothing is written."""
    counties = _counties(uow)
    return [
        Fault(line.number, "county", Text(N_("There is no county %(code)s."), {"code": line.row["county"]}))
        for line in lines
        if line.row.get("county") and line.row["county"] not in counties
    ]


def faults_of_invitations(
    uow: UnitOfWork, lines: Sequence[Line], seen: Checked, *, publish: bool = False
) -> list[Fault]:
    """What the database knows against these lines; nothing is written.

    publish: whether they are to be published, and so must hold what readers need.
    """
    counties = _counties(uow)
    posts = _known_posts(uow, lines)
    schools = _schools_by_ref(uow, [line.row["school"] for line in lines])
    faults: list[Fault] = []
    for line in lines:
        found = list(_faults_of_post(line, posts.get(line.row["ref"]), counties, uow.today, publish=publish))
        found += _faults_of_school_in_post(line, schools, posts.get(line.row["ref"]), seen, counties)
        faults += found
        if not found and _describes(line.row["school"]):
            seen.schools.add(line.row["school"]["ref"])
    return faults


def _faults_of_post(
    line: Line, post: _Known | None, counties: frozenset[str], today: date, *, publish: bool
) -> Iterator[Fault]:
    row = line.row
    named = {
        "target_counties": row.get("target_counties") or [],
        "travel.destination_counties": (row.get("travel") or {}).get("destination_counties") or [],
    }
    for name, codes in named.items():
        for code in sorted(set(codes) - counties):
            yield Fault(line.number, name, Text(N_("There is no county %(code)s."), {"code": code}))
    if publish:
        yield from (Fault(line.number, name, text) for name, texts in missing(row).items() for text in texts)
    last_day = _last_day(row)
    stays = post is not None and post.expires_on == last_day
    if last_day is not None and not stays:
        for texts in faults_of_expiry(last_day, today=today, months_ahead=None).values():
            yield Fault(line.number, "expires_on", texts[0])


def _faults_of_school_in_post(
    line: Line, schools: Mapping[str, School], post: _Known | None, seen: Checked, counties: frozenset[str]
) -> Iterator[Fault]:
    given = line.row["school"]
    school = schools.get(given["ref"])
    if school is None and given["ref"] not in seen.schools:
        for name in _NEEDED_OF_A_SCHOOL:
            if not given.get(name):
                yield Fault(line.number, f"school.{name}", Text(N_("This is needed.")))
    if given.get("county") and given["county"] not in counties:
        text = Text(N_("There is no county %(code)s."), {"code": given["county"]})
        yield Fault(line.number, "school.county", text)
    if post is not None and (school is None or school.id != post.school_id):
        yield Fault(line.number, "school.ref", Text(N_("This post belongs to another school.")))


def _last_day(row: Mapping[str, Any]) -> date | None:
    return date.fromisoformat(row["expires_on"]) if row.get("expires_on") else None


def _describes(school: Mapping[str, Any]) -> bool:
    return all(school.get(name) for name in _NEEDED_OF_A_SCHOOL)


def _counties(uow: UnitOfWork) -> frozenset[str]:
    return frozenset(uow.session.scalars(select(Term.code).where(Term.vocabulary == "county")))


def _schools_by_ref(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> dict[str, School]:
    """Outside key (or id) -> school."""
    refs = {row["ref"] for row in rows}
    found = uow.session.scalars(select(School).where(or_(School.ref.in_(refs), School.id.in_(refs))))
    return {(school.ref if school.ref in refs else school.id) or school.id: school for school in found}


def _known_posts(uow: UnitOfWork, lines: Sequence[Line]) -> dict[str, _Known]:
    """Outside key (or id) -> what is known of the post."""
    refs = {line.row["ref"] for line in lines}
    columns = (Invitation.id, Invitation.ref, Invitation.school_id, Invitation.expires_on)
    rows = uow.session.execute(select(*columns).where(or_(Invitation.ref.in_(refs), Invitation.id.in_(refs))))
    found = (_Known(*row) for row in rows)
    return {(post.ref if post.ref in refs else post.id) or post.id: post for post in found}


def _posts_by_ref(uow: UnitOfWork, lines: Sequence[Line]) -> dict[str, Invitation]:
    """Outside key (or id) -> post."""
    refs = {line.row["ref"] for line in lines}
    found = uow.session.scalars(
        select(Invitation)
        .where(or_(Invitation.ref.in_(refs), Invitation.id.in_(refs)))
        .options(
            selectinload(Invitation.contact),
            selectinload(Invitation.revised_contact),
            selectinload(Invitation.revisions),
        )
    )
    return {(post.ref if post.ref in refs else post.id) or post.id: post for post in found}


# writing


def import_schools(uow: UnitOfWork, lines: Sequence[Line]) -> Tally:
    """Make schools, or correct them; those made are approved. The lines must have passed `faults_of_schools`."""
    tally, _ = _put_schools(uow, [line.row for line in lines])
    uow.session.flush()
    return tally


def import_invitations(uow: UnitOfWork, lines: Sequence[Line], *, publish: bool = False) -> Tally:
    """Make posts, or bring new text to them; their schools come with them.

    publish: at once and unread. Without it new posts are drafts, and a published one gets a draft revision. The lines
    must have passed `faults_of_invitations`.
    """
    _, schools = _put_schools(uow, [line.row["school"] for line in lines])
    posts = _posts_by_ref(uow, lines)
    new = [line.row for line in lines if line.row["ref"] not in posts]
    tally = Tally(created=len(new))
    _start_posts(uow, new, schools, publish=publish)
    plain = []
    for line in lines:
        post = posts.get(line.row["ref"])
        if post is not None:
            plain += _bring(uow, post, _told(line.row), tally, publish=publish)
    _rewrite(uow, plain)
    uow.session.flush()
    return tally


def _put_schools(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> tuple[Tally, dict[str, School]]:
    """Make or correct the schools of these rows; of several rows about one school the later adds to the earlier."""
    told: dict[str, dict[str, Any]] = {}
    for row in rows:
        told.setdefault(row["ref"], {}).update({n: v for n, v in row.items() if n != "ref"})
    schools = _schools_by_ref(uow, rows)
    changed = [
        school
        for ref, school in schools.items()
        if any(getattr(school, name) != value for name, value in told[ref].items())
    ]
    uow.amend_all(changed, SYSTEM, action="import", fact="SchoolChanged")
    for ref, school in schools.items():
        for name, value in told[ref].items():
            setattr(school, name, value)
    _renew_posts(uow, changed)
    new = {ref: _new_school(uow, ref, values) for ref, values in told.items() if ref not in schools}
    uow.start_all(list(new.values()), SchoolStatus.APPROVED, SYSTEM, action="import")
    tally = Tally(created=len(new), updated=len(changed), unchanged=len(schools) - len(changed))
    return tally, schools | new


def _new_school(uow: UnitOfWork, ref: str, values: Mapping[str, Any]) -> School:
    columns = {name: values.get(name) for name in _SCHOOL_COLUMNS} | {"affiliations": values.get("affiliations") or []}
    return School(ref=ref, verified_by=_VERIFIER, verified_on=uow.today, **columns)


def _renew_posts(uow: UnitOfWork, schools: Sequence[School]) -> None:
    """The index takes the posts of these schools anew, by their next version."""
    if schools:
        uow.session.execute(
            update(Invitation)
            .where(Invitation.school_id.in_([school.id for school in schools]))
            .values(index_version=Invitation.index_version + 1)
            .execution_options(synchronize_session=False)
        )


class _Told(NamedTuple):
    """What a row says: the whole body, and the columns of the contact that it names."""

    body: Body
    contact: dict[str, Any]


def _told(row: Mapping[str, Any]) -> _Told:
    body: Body = dict(DEFAULTS) | {name: row[name] for name in CONTENT if name in row}
    contact: dict[str, Any] = {}
    if row.get("contact"):
        contact |= {column: row["contact"].get(column) for column in _CONTACT_COLUMNS}
    agent = (body["travel"] or {}).get("agent")
    if agent is not None:
        if "contact" in agent:
            contact["agent_contact"] = agent["contact"]
        body["travel"] = body["travel"] | {"agent": {"name": agent["name"]}}
    return _Told(body, contact)


def _start_posts(
    uow: UnitOfWork, rows: Sequence[Mapping[str, Any]], schools: Mapping[str, School], *, publish: bool
) -> None:
    contacts = []
    posts = []
    for row in rows:
        told = _told(row)
        post = Invitation(ref=row["ref"], school_id=schools[row["school"]["ref"]].id, remarks=[])
        post.take_body(told.body)
        if publish:
            post.submitted_at = post.published_at = uow.now
            post.reviewed_body = told.body
        posts.append(post)
        if any(told.contact.values()):
            contacts.append((post, told.contact))
    status, fact = (Status.PUBLISHED, "InvitationImported") if publish else (Status.DRAFT, None)
    uow.start_all(posts, status, SYSTEM, action="import", fact=fact)
    uow.session.add_all(Contact(invitation_id=post.id, of_revision=False, **contact) for post, contact in contacts)


Plain = tuple[Invitation, _Told]


def _bring(uow: UnitOfWork, post: Invitation, told: _Told, tally: Tally, *, publish: bool) -> list[Plain]:
    """Bring a known post to what its row says. Returns it where nothing but its content is to change, to be batched."""
    if post.status == Status.PUBLISHED and not publish:
        _revise(uow, post, told, tally)
        return []
    fields = _differing(post.body, post.contact, told)
    is_over = bool(faults_of_expiry(_last_day(told.body), today=uow.today, months_ahead=None))
    becomes_public = publish and not is_over and post.status in _PUBLISHED_BY_IMPORT
    if publish and not becomes_public and post.status != Status.PUBLISHED:
        tally.ended += 1
    if not fields and not becomes_public:
        tally.unchanged += 1
        return []
    tally.updated += 1
    if not becomes_public:
        return [(post, told)]
    uow.transition(post, "import", SYSTEM, fields=fields)
    _write(uow, post, told)
    post.published_at = post.published_at or uow.now
    post.reviewed_body = told.body
    return []


def _rewrite(uow: UnitOfWork, plain: Sequence[Plain]) -> None:
    """New content for posts that stay in their states; of what the public reads anew, search and readers are told."""
    public = [(post, told) for post, told in plain if post.status == Status.PUBLISHED]
    revised = [post for post, told in public if set(changed_fields(post.body, told.body)) - NEVER_PUBLIC]
    ids = {post.id for post in revised}
    others = [post for post, _ in plain if post.id not in ids]
    uow.amend_all(revised, SYSTEM, action="import", fact="InvitationRevised")
    uow.amend_all(others, SYSTEM, action="import", fact=None)
    for post, told in public:
        post.reviewed_body = told.body
    for post, told in plain:
        _write(uow, post, told)


def _write(uow: UnitOfWork, post: Invitation, told: _Told) -> None:
    post.take_body(told.body)
    _write_contact(uow, post, told.contact, of_revision=False)


def _revise(uow: UnitOfWork, post: Invitation, told: _Told, tally: Tally) -> None:
    """The text of a published post waits in its revision until the school sends it and an administrator has read it."""
    revision = post.revision
    before = revision.body if revision is not None else post.body
    fields = _differing(before, post.revised_contact or post.contact, told)
    if not fields:
        tally.unchanged += 1
        return
    tally.updated += 1
    uow.amend(post, SYSTEM, action="revise", fact=None, fields=fields)
    if revision is None:
        revision = Revision(invitation_id=post.id, body=told.body, remarks=[])
        uow.start(revision, RevisionStatus.DRAFT, SYSTEM, action="revise")
    elif revision.status == RevisionStatus.SUBMITTED:
        uow.transition(revision, "recall", SYSTEM)
    else:
        uow.amend(revision, SYSTEM, action="revise", fact=None)
    revision.body = told.body
    _write_contact(uow, post, told.contact, of_revision=True)


def _differing(before: Body, contact: Contact | None, told: _Told) -> list[str]:
    fields = changed_fields(before, told.body)
    if any(getattr(contact, column, None) != value for column, value in told.contact.items()):
        fields.append("contact")
    return fields


def _write_contact(uow: UnitOfWork, post: Invitation, contact: Mapping[str, Any], *, of_revision: bool) -> None:
    """Set the named columns; the contact of a revision begins as a copy of the post's own."""
    if not contact:
        return
    row = post.revised_contact if of_revision else post.contact
    if row is None:
        base = post.contact if of_revision else None
        copied = {column: getattr(base, column, None) for column in (*_CONTACT_COLUMNS, "agent_contact")}
        row = Contact(invitation_id=post.id, of_revision=of_revision, **copied)
        uow.session.add(row)
    for column, value in contact.items():
        setattr(row, column, value)


# going out


def export_schools(uow: UnitOfWork) -> Iterator[dict[str, Any]]:
    """The approved schools as rows of an import file, in the order they came."""
    statement = select(School).where(School.status == SchoolStatus.APPROVED).order_by(School.created_at, School.id)
    for school in uow.session.scalars(statement, execution_options={"yield_per": BATCH}):
        yield {"ref": school.ref or school.id} | {name: getattr(school, name) for name in _SCHOOL_COLUMNS}


def export_invitations(
    uow: UnitOfWork, *, statuses: Sequence[str] = (), with_contact: bool = False
) -> Iterator[dict[str, Any]]:
    """The posts of approved schools as rows of an import file. statuses: only those in these states."""
    statement = (
        select(Invitation)
        .join(Invitation.school)
        .where(School.status == SchoolStatus.APPROVED)
        .order_by(Invitation.serial)
        .options(selectinload(Invitation.school), selectinload(Invitation.contact))
    )
    if statuses:
        statement = statement.where(Invitation.status.in_(statuses))
    for post in uow.session.scalars(statement, execution_options={"yield_per": BATCH}):
        yield _row_of_post(post, with_contact=with_contact)


def _row_of_post(post: Invitation, *, with_contact: bool) -> dict[str, Any]:
    school = {"ref": post.school.ref or post.school.id} | {name: getattr(post.school, name) for name in _OF_SCHOOL}
    row: dict[str, Any] = {"ref": post.ref or post.id, "school": school} | post.body
    contact = post.contact if with_contact else None
    if contact is not None and any(getattr(contact, column) for column in _CONTACT_COLUMNS):
        row["contact"] = {column: getattr(contact, column) for column in _CONTACT_COLUMNS}
    if contact is not None and contact.agent_contact:
        row["travel"] = with_agent_contact(row["travel"], contact.agent_contact)
    return row


def export_matches(uow: UnitOfWork, *, with_contact: bool = False) -> Iterator[dict[str, Any]]:
    """All matches, oldest first. What the schools wrote to each other stays inside, since it may hold contact data."""
    statement = (
        select(Match)
        .order_by(Match.serial)
        .options(
            selectinload(Match.asking_school),
            selectinload(Match.partner_school),
            selectinload(Match.invitation).selectinload(Invitation.contact),
            selectinload(Match.from_invitation).selectinload(Invitation.contact),
            selectinload(Match.reports),
        )
    )
    for batch in uow.session.scalars(statement, execution_options={"yield_per": BATCH}).partitions():
        meetings = _meetings_by_match(uow, [match.id for match in batch])
        for match in batch:
            row = _row_of_match(match) | {"meetings": [_time(meeting) for meeting in meetings.get(match.id, ())]}
            if with_contact:
                row["asking_contact"] = _person(uow, match.from_invitation, match.asked_by_id)
                row["partner_contact"] = _person(uow, match.invitation, match.agreed_by_id) if match.agreed_at else None
            yield row


def _meetings_by_match(uow: UnitOfWork, match_ids: Sequence[str]) -> dict[str, list[Meeting]]:
    """Their meetings, the first one first."""
    found: dict[str, list[Meeting]] = {}
    statement = select(Meeting).where(Meeting.match_id.in_(match_ids)).order_by(Meeting.created_at, Meeting.id)
    for meeting in uow.session.scalars(statement):
        found.setdefault(meeting.match_id, []).append(meeting)
    return found


def _person(uow: UnitOfWork, post: Invitation | None, user_id: str | None) -> dict[str, Any] | None:
    """From the post, else the user who asked or agreed."""
    if post is not None and post.contact is not None and post.contact.complete:
        return {"name": post.contact.name, "email": post.contact.email}
    user = uow.session.get(User, user_id) if user_id else None
    return {"name": user.name, "email": user.email} if user else None


def _row_of_match(match: Match) -> dict[str, Any]:
    posts = {"invitation": match.invitation, "from_invitation": match.from_invitation}
    times = {name: getattr(match, name) for name in ("created_at", "agreed_at", "ended_at")}
    plain = ("number", "direction", "via", "status", "handler_kind", "handler_code", "reason_code")
    return {
        **{name: getattr(match, name) for name in plain},
        **{name: (post.ref or post.id) if post else None for name, post in posts.items()},
        **{name: at.isoformat() if at else None for name, at in times.items()},
        "asking_school": _side(match.asking_school),
        "partner_school": _side(match.partner_school),
        "reports": [_result(report) for report in match.reports],
    }


def _result(report: Report) -> dict[str, Any]:
    return {
        "school": report.school_id,
        "held_on": report.held_on.isoformat(),
        "students": report.students,
        "teachers": report.teachers,
    }


def _time(meeting: Meeting) -> dict[str, Any]:
    """When two schools meant to meet online; the room and why it was called off are theirs."""
    return {
        "proposed_by": meeting.proposed_by_id,
        "status": meeting.status,
        "starts": [start.isoformat() for start in meeting.starts],
        "minutes": meeting.minutes,
        "agreed_start": meeting.agreed_start.isoformat() if meeting.agreed_start else None,
        "agreed_minutes": meeting.agreed_minutes,
    }


def _side(school: School | None) -> dict[str, Any] | None:
    if school is None:
        return None
    return {"ref": school.ref or school.id} | {name: getattr(school, name) for name in ("name", "country", "county")}


def record_export(uow: UnitOfWork, kind: str, rows: int, *, with_contact: bool) -> None:
    """Leave a line in the audit: how many rows of what went out, and whether with contact data."""
    uow.session.add(
        Event(
            at=uow.now,
            action="export",
            subject_type="export",
            subject_id=kind,
            actor_role="system",
            details={"rows": rows, "with_contact": with_contact},
        )
    )
