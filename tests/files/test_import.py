"""Schools and posts come in from files: all or nothing, once and never twice, every bad line told."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from iew.models import Contact, Invitation, School
from tests.files.conftest import Shell
from tests.files.rows import post_row, school_row
from tests.invitations.bodies import TRAVEL
from tests.world import World

Ndjson = Callable[..., Path]
SAMPLES = Path(__file__).parents[2] / "config" / "samples"
TOLD = ("index_invitation", "announce_to_searches", "suggest_partners")
SHARED = Path(__file__).parents[3] / "shared" / "data" / "relevance" / "invitations.ndjson"


def posts(world: World) -> list[Invitation]:
    with world.unit_of_work() as uow:
        found = list(uow.session.scalars(select(Invitation).order_by(Invitation.serial)))
        for post in found:
            _ = post.contact, post.revised_contact, post.revisions, post.school
        return found


def schools(world: World) -> list[School]:
    with world.unit_of_work() as uow:
        return list(uow.session.scalars(select(School).order_by(School.ref)))


def count(world: World, table: type[Any]) -> int:
    with world.unit_of_work() as uow:
        return uow.session.scalar(select(func.count()).select_from(table)) or 0


def test_imported_schools_are_approved(world: World, shell: Shell, ndjson: Ndjson) -> None:
    result = shell("import", "schools", ndjson(school_row("a"), school_row("b", name="Another")))

    assert (result.exit_code, result.stdout) == (0, "schools: 2 new, 0 updated, 0 unchanged\n")
    first = schools(world)[0]
    assert (first.ref, first.status, first.name) == ("a", "approved", school_row()["name"])
    assert first.affiliations == ["bilingual"]
    assert first.verified_by == "iew_admin"
    assert first.verified_on is not None


def test_importing_again_updates_and_never_doubles(world: World, shell: Shell, ndjson: Ndjson) -> None:
    shell("import", "schools", ndjson(school_row("a"), school_row("b")))

    again = shell("import", "schools", ndjson(school_row("a"), school_row("b", name="New name", region="South")))
    short = {"ref": "b", "name": "New name", "country": "TW", "level": "primary"}
    once_more = shell("import", "schools", ndjson(short))

    assert again.stdout == "schools: 0 new, 1 updated, 1 unchanged\n"
    assert once_more.stdout == "schools: 0 new, 1 updated, 0 unchanged\n"
    second = schools(world)[1]
    assert (second.name, second.region, second.level, second.version) == ("New name", "South", "primary", 3)
    assert world.jobs().count(("index_school", second.id)) == 2
    assert count(world, School) == 2


def test_imported_posts_are_drafts_and_bring_their_school(world: World, shell: Shell, ndjson: Ndjson) -> None:
    result = shell("import", "invitations", ndjson(post_row("p-1"), post_row("p-2")))

    assert (result.exit_code, result.stdout) == (0, "invitations: 2 new, 0 updated, 0 unchanged\n")
    assert [(post.ref, post.status, post.school.ref) for post in posts(world)] == [
        ("p-1", "draft", "s-1"),
        ("p-2", "draft", "s-1"),
    ]
    assert count(world, School) == 1
    assert world.jobs() == []


def test_the_operator_publishes_without_a_review(world: World, shell: Shell, ndjson: Ndjson) -> None:
    contact = {"name": "Mika", "email": "Mika@School.Example"}
    far = "2049-12-31"
    file = ndjson(post_row("p-1", contact=contact, travel=TRAVEL, expires_on=far), post_row("p-2"))

    assert shell("import", "invitations", file, "--publish").exit_code == 0

    first, second = posts(world)
    assert (first.status, second.status) == ("published", "published")
    assert first.published_at is not None
    assert first.contact is not None
    assert (first.contact.email, first.contact.agent_contact) == ("mika@school.example", TRAVEL["agent"]["contact"])
    assert first.travel == TRAVEL | {"agent": {"name": "Seto Travel"}}
    assert second.contact is None
    assert world.jobs() == [(job, post.id) for post in (first, second) for job in TOLD]
    assert [(event.action, event.fact, event.before, event.after) for event in world.events_of(first)] == [
        ("import", "InvitationImported", None, "published")
    ]


def test_the_same_file_again_changes_nothing(world: World, shell: Shell, ndjson: Ndjson) -> None:
    contact = {"name": "Mika", "role": None, "email": "mika@school.example", "phone": None}
    file = ndjson(post_row("p-1", contact=contact, travel=TRAVEL), post_row("p-2"))
    shell("import", "invitations", file, "--publish")
    before = world.snapshot()

    for words in ((), ("--publish",)):
        result = shell("import", "invitations", file, *words)
        assert result.stdout == "invitations: 0 new, 0 updated, 2 unchanged\n"
    assert world.snapshot() == before


def test_new_text_for_a_published_post_waits_in_a_revision(world: World, shell: Shell, ndjson: Ndjson) -> None:
    shell("import", "invitations", ndjson(post_row("p-1")), "--publish")
    jobs = world.jobs()
    contact = {"name": "Canary", "email": "canary@import.example"}

    result = shell("import", "invitations", ndjson(post_row("p-1", title="Newer", contact=contact)))

    assert result.stdout == "invitations: 0 new, 1 updated, 0 unchanged\n"
    post = posts(world)[0]
    assert (post.status, post.title) == ("published", post_row()["title"])
    assert post.revision is not None
    assert (post.revision.status, post.revision.body["title"]) == ("draft", "Newer")
    assert post.contact is None
    assert post.revised_contact is not None
    assert world.jobs() == jobs
    again = shell("import", "invitations", ndjson(post_row("p-1", title="Newer", contact=contact)))
    assert again.stdout == "invitations: 0 new, 0 updated, 1 unchanged\n"


def test_a_waiting_revision_goes_back_to_draft_with_new_text(world: World, shell: Shell, ndjson: Ndjson) -> None:
    shell("import", "invitations", ndjson(post_row("p-1")), "--publish")
    revision = world.revision(posts(world)[0], title="Waiting")

    shell("import", "invitations", ndjson(post_row("p-1", title="Newest")))

    row = world.now_is(revision)
    assert (row.status, row.body["title"]) == ("draft", "Newest")


def test_publishing_again_brings_the_new_text_at_once(world: World, shell: Shell, ndjson: Ndjson) -> None:
    shell("import", "invitations", ndjson(post_row("p-1")), "--publish")
    index_version = posts(world)[0].index_version

    shell("import", "invitations", ndjson(post_row("p-1", title="Newer")), "--publish")

    post = posts(world)[0]
    assert (post.title, post.status, post.version, post.index_version) == ("Newer", "published", 2, index_version + 1)
    assert post.reviewed_body is not None
    assert post.reviewed_body["title"] == "Newer"
    assert [world.jobs().count((job, post.id)) for job in TOLD] == [2, 2, 2]


def test_what_the_public_never_reads_is_no_news(world: World, shell: Shell, ndjson: Ndjson) -> None:
    shell("import", "invitations", ndjson(post_row("p-1")), "--publish")
    jobs = world.jobs()
    contact = {"name": "Mika", "email": "mika@school.example"}

    shell("import", "invitations", ndjson(post_row("p-1", contact=contact)), "--publish")
    result = shell("import", "invitations", ndjson(post_row("p-1", contact_visibility="approved_schools")), "--publish")

    assert result.stdout == "invitations: 0 new, 1 updated, 0 unchanged\n"
    assert posts(world)[0].contact_visibility == "approved_schools"
    assert world.jobs() == jobs


@pytest.mark.parametrize("status", ["draft", "submitted", "returned", "expired"])
def test_the_operator_publishes_what_is_on_its_way(world: World, shell: Shell, ndjson: Ndjson, status: str) -> None:
    row = post_row("p-1")
    shell("import", "schools", ndjson(row["school"], name="schools.ndjson"))
    world.invitation(school=schools(world)[0], ref="p-1", status=status)

    result = shell("import", "invitations", ndjson(row), "--publish")

    assert result.stdout == "invitations: 0 new, 1 updated, 0 unchanged\n"
    assert posts(world)[0].status == "published"


@pytest.mark.parametrize("status", ["withdrawn", "closed", "rejected"])
def test_what_was_ended_here_stays_ended(world: World, shell: Shell, ndjson: Ndjson, status: str) -> None:
    row = post_row("p-1")
    shell("import", "schools", ndjson(row["school"], name="schools.ndjson"))
    world.invitation(school=schools(world)[0], ref="p-1", status=status)

    result = shell("import", "invitations", ndjson(row), "--publish")

    assert "1 left out of the public, as they had ended" in result.stdout
    assert posts(world)[0].status == status


@pytest.mark.parametrize("status", ["draft", "submitted", "returned", "closed"])
def test_without_publishing_a_post_keeps_its_state(world: World, shell: Shell, ndjson: Ndjson, status: str) -> None:
    row = post_row("p-1", title="From the file")
    shell("import", "schools", ndjson(row["school"], name="schools.ndjson"))
    world.invitation(school=schools(world)[0], ref="p-1", status=status)

    shell("import", "invitations", ndjson(row))

    assert [(post.title, post.status) for post in posts(world)] == [("From the file", status)]


def test_a_contact_that_the_file_does_not_name_stays(world: World, shell: Shell, ndjson: Ndjson) -> None:
    contact = {"name": "Mika", "email": "mika@school.example"}
    shell("import", "invitations", ndjson(post_row("p-1", contact=contact, travel=TRAVEL)), "--publish")
    without = TRAVEL | {"agent": {"name": "Seto Travel"}}

    shell("import", "invitations", ndjson(post_row("p-1", title="Newer", travel=without)), "--publish")

    post = posts(world)[0]
    assert post.title == "Newer"
    assert post.contact is not None
    assert (post.contact.name, post.contact.agent_contact) == ("Mika", TRAVEL["agent"]["contact"])


def test_a_school_described_once_may_be_named_by_its_ref(world: World, shell: Shell, ndjson: Ndjson) -> None:
    result = shell("import", "invitations", ndjson(post_row("p-1"), post_row("p-2", school={"ref": "s-1"})))

    assert result.exit_code == 0
    assert [post.school.name for post in posts(world)] == [school_row()["name"]] * 2
    known = shell("import", "invitations", ndjson(post_row("p-3", school={"ref": "s-1"})))
    assert known.exit_code == 0


def test_a_corrected_school_brings_its_posts_into_the_index_again(world: World, shell: Shell, ndjson: Ndjson) -> None:
    shell("import", "invitations", ndjson(post_row("p-1")), "--publish")
    before = posts(world)[0]

    shell("import", "invitations", ndjson(post_row("p-1", school=school_row(name="Renamed"))), "--publish")

    after = posts(world)[0]
    assert (after.school.name, after.index_version) == ("Renamed", before.index_version + 1)
    assert ("index_school", after.school_id) in world.jobs()


# bad lines


YESTERDAY = "2020-01-01"
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no ref": ({"ref": None}, "line 2, ref: "),
    "empty ref": ({"ref": ""}, "line 2, ref: "),
    "no title": ({"title": None}, "line 2, title: "),
    "no school": ({"school": None}, "line 2, school: "),
    "school without ref": ({"school": {"name": "x"}}, "line 2, school.ref: "),
    "school nobody knows": ({"school": {"ref": "nosuch"}}, "line 2, school.name: "),
    "unknown country": ({"school": school_row(country="XX")}, "line 2, school.country: "),
    "unknown county": ({"school": school_row(county="ZZZ")}, "line 2, school.county: There is no county ZZZ."),
    "county abroad": ({"school": school_row(country="JP")}, "line 2, school.county: "),
    "subdivision elsewhere": ({"school": school_row("j", country="JP", county=None, subdivision="US-CA")}, "subdiv"),
    "unknown level of a school": ({"school": school_row(level="kindergarten")}, "line 2, school.level: "),
    "unknown target county": ({"target_counties": ["ZZZ"]}, "line 2, target_counties: There is no county ZZZ."),
    "past": ({"expires_on": YESTERDAY}, "line 2, expires_on: This day has passed."),
    "year of the republic": ({"expires_on": "116-01-05"}, "line 2, expires_on: "),
    "NUL": ({"title": "a\u0000b"}, "line 2"),
    "unknown field": ({"status": "published"}, "line 2, status: There is no such field."),
    "text for a list": ({"levels": "primary"}, "line 2, levels: "),
    "a number as text": ({"group": {"students": "24"}}, "line 2, group.students: "),
    "a period that runs backwards": ({"periods": [{"start": "2027-04-02", "end": "2027-04-01"}]}, "periods.0.end: "),
    "no address": ({"contact": {"name": "x", "email": "nobody"}}, "line 2, contact.email: "),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_line_is_told_and_changes_nothing(world: World, shell: Shell, ndjson: Ndjson, name: str) -> None:
    change, told = BAD[name]
    before = world.snapshot()

    result = shell("import", "invitations", ndjson(post_row("p-1"), post_row("p-2", **change), post_row("p-3")))

    assert result.exit_code == 1
    assert told in result.stderr, result.stderr
    assert result.stderr.splitlines()[-1] == (
        "iew: 1 line is bad; nothing was changed. Correct the file, or import the rest with --skip-bad."
    )
    assert result.stdout == ""
    assert world.snapshot() == before


@pytest.mark.parametrize("name", BAD)
def test_the_good_lines_can_be_had_without_the_bad_one(world: World, shell: Shell, ndjson: Ndjson, name: str) -> None:
    change, told = BAD[name]
    file = ndjson(post_row("p-1"), post_row("p-2", **change), post_row("p-3"))

    result = shell("import", "invitations", file, "--skip-bad")

    assert result.exit_code == 0, result.stderr
    assert told in result.stderr
    assert result.stdout == "invitations: 2 new, 0 updated, 0 unchanged, 1 bad line skipped\n"
    assert [post.ref for post in posts(world)] == ["p-1", "p-3"]
    assert [school.ref for school in schools(world)] == ["s-1"]


def test_every_bad_line_is_told_also_those_that_only_the_database_knows(shell: Shell, ndjson: Ndjson) -> None:
    rows = [
        post_row("p-1", title=None, levels=["x"]),
        post_row("p-2", expires_on=YESTERDAY),
        post_row("p-3"),
        post_row("p-4", target_counties=["ZZZ"]),
    ]

    result = shell("import", "invitations", ndjson(*rows))

    places = [line.split(":")[0] for line in result.stderr.splitlines()]
    assert places[:4] == ["line 1, title", "line 1, levels.0", "line 2, expires_on", "line 4, target_counties"]
    assert result.stderr.splitlines()[-1].startswith("iew: 3 lines are bad;")


@pytest.mark.parametrize("missing", ["description", "exchange_types", "languages", "levels", "expires_on"])
def test_what_is_published_holds_what_readers_need(shell: Shell, ndjson: Ndjson, missing: str) -> None:
    row = post_row("p-1")
    del row[missing]

    assert shell("import", "invitations", ndjson(row), "--publish").stderr.startswith(f"line 1, {missing}: ")
    assert shell("import", "invitations", ndjson(row)).exit_code == 0


@pytest.mark.parametrize("kind", ["schools", "invitations"])
def test_one_ref_twice_in_a_file_is_a_bad_line(world: World, shell: Shell, ndjson: Ndjson, kind: str) -> None:
    row = school_row if kind == "schools" else post_row

    result = shell("import", kind, ndjson(row("x"), row("y"), row("x")))

    assert result.exit_code == 1
    assert result.stderr.startswith("line 3, ref: Line 1 has this ref already.\n")
    assert (count(world, School), count(world, Invitation)) == (0, 0)


def test_a_post_does_not_move_to_another_school(world: World, shell: Shell, ndjson: Ndjson) -> None:
    shell("import", "invitations", ndjson(post_row("p-1")))

    result = shell("import", "invitations", ndjson(post_row("p-1", school=school_row("s-2"))))

    assert result.stderr.startswith("line 1, school.ref: This post belongs to another school.\n")
    assert count(world, School) == 1


def test_an_old_post_that_comes_back_unchanged_is_no_bad_line(world: World, shell: Shell, ndjson: Ndjson) -> None:
    shell("import", "schools", ndjson(school_row(), name="schools.ndjson"))
    with world.unit_of_work() as uow:
        yesterday = uow.today - timedelta(days=1)
    world.invitation(school=schools(world)[0], ref="p-1", status="expired", expires_on=yesterday)

    result = shell("import", "invitations", ndjson(post_row("p-1", expires_on=yesterday.isoformat())), "--publish")

    assert result.exit_code == 0
    assert posts(world)[0].status == "expired"


RAW: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{nope}\n", "line 1: This line is not a JSON object in UTF-8."),
    "a list": (b"[]\n", "line 1: "),
    "a number": (b"7\n", "line 1: "),
    "invalid UTF-8": (b'{"ref": "\xff"}\n', "line 1: This line is not a JSON object in UTF-8."),
    "UTF-16": ('{"ref": "a"}'.encode("utf-16") + b"\n", "line 1: "),
    "one key twice": (b'{"ref": "a", "ref": "b"}\n', "line 1: "),
    "NaN": (b'{"ref": NaN}\n', "line 1: "),
    "deep": (b'{"ref": ' + b"[" * 100_000 + b"\n", "line 1: "),
    "a line of 2 MB": (b'{"ref": "' + b"x" * 2_000_000 + b'"}\n', "line 1: This line is longer than 1 MB."),
    "a bad line after empty ones": (b"\n\n   \nnope\n", "line 4: "),
    "lone surrogate": (b'{"ref": "\\ud800", "name": "x", "country": "TW", "level": "primary"}\n', "line 1, ref: "),
}


@pytest.mark.parametrize("name", RAW)
def test_a_line_that_cannot_be_read_is_told_by_its_number(world: World, shell: Shell, name: str) -> None:
    body, told = RAW[name]
    good = json.dumps(school_row("good")).encode()

    result = shell("import", "schools", "-", "--skip-bad", given=body + good + b"\n")

    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith(told), result.stderr
    assert [school.ref for school in schools(world)] == ["good"]


def test_a_file_with_a_byte_order_mark_and_dos_lines_is_fine(world: World, shell: Shell) -> None:
    lines = b"\xef\xbb\xbf" + json.dumps(school_row("a")).encode() + b"\r\n" + json.dumps(school_row("b")).encode()

    assert shell("import", "schools", "-", given=lines).exit_code == 0
    assert [school.ref for school in schools(world)] == ["a", "b"]


def test_an_empty_file_is_no_fault(shell: Shell) -> None:
    assert shell("import", "schools", "-", given=b"").stdout == "schools: 0 new, 0 updated, 0 unchanged\n"


def test_a_name_without_a_known_ending_is_refused(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "rows.xml").write_text("<x/>")

    result = shell("import", "schools", tmp_path / "rows.xml")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "must end in .ndjson, .csv or .xlsx" in result.stderr
    assert shell("import", "schools", tmp_path / "nosuch.csv").exit_code == 2
    assert shell("import", "cats", tmp_path / "rows.xml").exit_code == 2


def test_contact_data_of_an_import_stands_only_in_its_table(world: World, shell: Shell, ndjson: Ndjson) -> None:
    contact = {"name": "Canary", "email": "canary@import.example"}
    for title in ("One", "Two"):
        for words in (("--publish",), ()):
            shell("import", "invitations", ndjson(post_row("p-1", title=title, contact=contact, travel=TRAVEL)), *words)
    with world.unit_of_work() as uow:
        tables = ("invitations", "revisions", "events", "outbox", "schools")
        rows = [str(row) for t in tables for row in uow.session.execute(text(f"select * from {t}"))]
    assert not [row for row in rows if "canary" in row.lower()]
    assert count(world, Contact) == 1


def test_the_sample_of_the_house_is_whole(world: World, shell: Shell) -> None:
    assert shell("import", "schools", SAMPLES / "schools.ndjson").exit_code == 0
    result = shell("import", "invitations", SAMPLES / "invitations.ndjson", "--publish")
    assert result.exit_code == 0, result.stderr
    assert {post.status for post in posts(world)} == {"published"}


@pytest.mark.skipif(not SHARED.is_file(), reason="the judged posts are not on this machine")
def test_the_judged_posts_come_in(world: World, shell: Shell) -> None:
    result = shell("import", "invitations", SHARED, "--publish")

    assert (result.exit_code, result.stdout) == (0, "invitations: 80 new, 0 updated, 0 unchanged\n")
    again = shell("import", "invitations", SHARED, "--publish")
    assert again.stdout == "invitations: 0 new, 0 updated, 80 unchanged\n"
