"""The shipped files keep their word: reference tables are complete, and the sample story can happen as it is told."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel import Locale

from config.settings import REFERENCE_DIR, SAMPLES_DIR
from iew.domain import invitations as invitation_rules
from iew.domain import matches as match_rules
from iew.domain import schools as school_rules
from iew.domain import vocabularies
from iew.domain.actors import Role
from iew.domain.matches import MATCH, HandlerKind, Party, Status
from iew.domain.routing import Coverage, Place, Territory, route
from iew.domain.schools import side_of
from iew.i18n import LANGUAGES
from iew.schemas.exchange import read_row

Row = dict[str, Any]
LABELS = ("zh-Hant", "en", "ja", "ko")
WRITTEN_ON = date(2026, 11, 24)


@cache
def table(name: str) -> list[dict[str, str]]:
    with (REFERENCE_DIR / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, strict=True))


@cache
def rows(name: str) -> list[Row]:
    with (SAMPLES_DIR / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@cache
def story() -> Row:
    with (SAMPLES_DIR / "story.json").open(encoding="utf-8") as text:
        told: Row = json.load(text)
    return told


def schools() -> dict[str, Row]:
    return {row["ref"]: row for row in rows("schools.ndjson")}


def posts() -> dict[str, Row]:
    return {row["ref"]: row for row in rows("invitations.ndjson")}


def refs_in(told: Any) -> Iterator[str]:
    """Every text that looks like a ref of the samples, wherever it stands."""
    if isinstance(told, Mapping):
        for name, value in told.items():
            yield from refs_in(name)
            yield from refs_in(value)
    elif isinstance(told, list):
        for value in told:
            yield from refs_in(value)
    elif isinstance(told, str) and told.removeprefix("proposed:").startswith("sample-"):
        yield told.removeprefix("proposed:")


# reference

MAY_BE_EMPTY = {
    "office_coverage.csv": {"note"},
    "iercs.csv": {"county_iso", "alliance_zone", "k12_zone"},
    "glossary.csv": {"note"},
}


@pytest.mark.parametrize("file", sorted(REFERENCE_DIR.glob("*.csv")), ids=lambda file: file.name)
def test_no_cell_is_empty_unless_it_may_be(file: Path) -> None:
    for row in table(file.name):
        assert None not in row, f"{row}: more cells than columns"
        empty = {column for column, cell in row.items() if not (cell or "").strip()}
        assert empty <= MAY_BE_EMPTY.get(file.name, set()), row
        assert all(cell == cell.strip() for cell in row.values()), row


KEYS = {
    "offices.csv": ("code",),
    "office_coverage.csv": ("country", "subdivision"),
    "iercs.csv": ("code",),
    "vocabularies.csv": ("vocabulary", "code"),
    "countries_override.csv": ("code",),
    "subdivisions.csv": ("code",),
    "glossary.csv": ("id",),
}


@pytest.mark.parametrize("name", KEYS)
def test_no_key_stands_twice(name: str) -> None:
    counted = Counter(tuple(row[column] for column in KEYS[name]) for row in table(name))
    assert counted
    assert max(counted.values()) == 1, counted.most_common(1)


CODES: Mapping[str, tuple[Any, ...]] = {
    "channel": vocabularies.CHANNELS,
    "exchange_type": vocabularies.EXCHANGE_TYPES,
    "level": vocabularies.LEVELS,
    "ownership": vocabularies.OWNERSHIPS,
    "composition": vocabularies.COMPOSITIONS,
    "affiliation": vocabularies.AFFILIATIONS,
    "homestay": vocabularies.HOMESTAYS,
    "decline_reason": vocabularies.DECLINE_REASONS,
    "role": tuple(Role),
    "language": vocabularies.LANGUAGES,
    "content_language": vocabularies.CONTENT_LANGUAGES,
    "interface_language": tuple(LANGUAGES),
    "side": tuple(school_rules.Side),
    "invitation_status": tuple(invitation_rules.Status),
    "match_status": tuple(match_rules.Status),
    "school_status": tuple(school_rules.Status),
    "contact_visibility": vocabularies.CONTACT_VISIBILITIES,
    "travel_length": vocabularies.TRAVEL_LENGTHS,
    "date_mode": vocabularies.DATE_MODES,
    "grade": vocabularies.GRADES,
    "via": tuple(match_rules.Via),
    "direction": tuple(match_rules.Direction),
    "handler_kind": tuple(match_rules.HandlerKind),
    "sort": ("relevance", "newest", "expiring"),
    "frequency": ("instant", "daily", "weekly"),
}


@pytest.mark.parametrize("vocabulary", CODES)
def test_every_code_the_program_knows_has_its_labels(vocabulary: str) -> None:
    listed = [row for row in table("vocabularies.csv") if row["vocabulary"] == vocabulary]
    assert {row["code"] for row in listed} == {str(code) for code in CODES[vocabulary]}
    assert [row["order"] for row in listed] == [str(n) for n in range(1, len(listed) + 1)]
    for language in LABELS:
        labels = [row[language] for row in listed]
        assert len(set(labels)) == len(labels), f"two codes read the same in {language}: {labels}"


def test_the_header_of_labelled_tables_names_the_four_languages() -> None:
    assert tuple(table("vocabularies.csv")[0]) == ("vocabulary", "code", "order", *LABELS)
    assert tuple(table("countries_override.csv")[0]) == ("code", *LABELS)


def test_each_label_is_in_the_script_of_its_language() -> None:
    for row in table("vocabularies.csv"):
        assert not set(row["zh-Hant"]) & set("国际网语韩学级双终台师单关"), row
        assert not set(row["ja"]) & set("國際臺學雙會單關團實體") - {"際"}, row
        assert any("가" <= letter <= "힣" for letter in row["ko"]), row
        assert row["en"].isascii() or set(row["en"]) & set("–é"), row


def test_coverage_names_known_offices_and_known_places() -> None:
    offices = {row["code"] for row in table("offices.csv")}
    places = {row["code"]: row["country"] for row in table("subdivisions.csv")}
    for row in table("office_coverage.csv"):
        assert row["office_code"] in offices, row
        assert row["status"] in ("confirmed", "unverified"), row
        assert row["subdivision"] == "*" or places.get(row["subdivision"]) == row["country"], row
    assert offices == {row["office_code"] for row in table("office_coverage.csv")}


def test_every_country_told_apart_by_place_has_all_its_places() -> None:
    counted = Counter(row["country"] for row in table("subdivisions.csv"))
    assert counted["US"] == 57
    assert counted["CA"] == 13
    assert counted["JP"] == 47
    assert counted["VN"] == 63
    assert counted["AU"] == 8
    assert all(row["code"].startswith(f"{row['country']}-") for row in table("subdivisions.csv"))


def test_every_county_lies_in_a_zone_that_exists() -> None:
    zones = {row["code"] for row in table("iercs.csv") if row["kind"] == "k12_zone"}
    counties = [row for row in table("iercs.csv") if row["kind"] == "county"]
    assert len(counties) == 22
    assert len(zones) == 4
    assert {row["k12_zone"] for row in counties} == zones


def test_an_override_differs_from_what_is_known_without_it() -> None:
    known = {
        language: Locale.parse(locale).territories
        for language, locale in (("zh-Hant", "zh_Hant_TW"), ("en", "en"), ("ja", "ja"), ("ko", "ko"))
    }
    for row in table("countries_override.csv"):
        assert any(known[language].get(row["code"]) != row[language] for language in LABELS), row


# schools and invitations


def test_every_sample_row_is_one_the_import_takes() -> None:
    faults = {
        (kind, row["ref"]): found
        for kind in ("schools", "invitations")
        for row in rows(f"{kind}.ndjson")
        if (found := read_row(kind, row)[1])
    }
    assert not faults


def test_refs_are_unique_and_there_are_as_many_as_promised() -> None:
    assert len(schools()) == len(rows("schools.ndjson")) >= 66
    assert len(posts()) == len(rows("invitations.ndjson")) >= 125
    assert sum(row["country"] == "TW" for row in rows("schools.ndjson")) >= 30
    assert len({row["country"] for row in rows("schools.ndjson")}) >= 15
    assert len({row["county"] for row in rows("schools.ndjson")} - {None}) >= 20
    assert sum("travel" in row for row in rows("invitations.ndjson")) >= 20
    languages = Counter(row["content_language"] for row in rows("invitations.ndjson"))
    assert {"zh-Hant", "en", "ja", "ko"} == {language for language, _ in languages.most_common(4)}
    assert len(languages) >= 9


def test_a_post_describes_its_school_as_the_school_describes_itself() -> None:
    for post in rows("invitations.ndjson"):
        school = schools()[post["school"]["ref"]]
        assert post["school"] == {name: school[name] for name in post["school"]}, post["ref"]


def test_no_two_posts_say_the_same() -> None:
    for field in ("title", "description"):
        counted = Counter(post[field] for post in rows("invitations.ndjson"))
        assert max(counted.values()) == 1, counted.most_common(1)


def test_every_day_in_a_post_is_in_order_and_to_come() -> None:
    for post in rows("invitations.ndjson"):
        assert WRITTEN_ON < date.fromisoformat(post["expires_on"]) <= date(2028, 10, 31), post["ref"]
        for period in post["periods"] + post.get("travel", {}).get("dates", []):
            assert date.fromisoformat(period["start"]) <= date.fromisoformat(period["end"]), post["ref"]
        assert max(period["end"] for period in post["periods"]) > WRITTEN_ON.isoformat(), post["ref"]


def test_a_post_seeks_the_other_side() -> None:
    for post in rows("invitations.ndjson"):
        at_home = post["school"]["country"] == "TW"
        assert all((country == "TW") != at_home for country in post["target_countries"]), post["ref"]
        assert not (at_home and post["target_counties"]), post["ref"]


def test_nobody_real_is_written_to() -> None:
    contacts = [post["contact"] for post in rows("invitations.ndjson")]
    agents = [p["travel"]["agent"] for p in rows("invitations.ndjson") if p.get("travel", {}).get("agent")]
    units = table("offices.csv") + table("iercs.csv")
    addresses = [
        *(contact["email"] for contact in contacts),
        *(agent["contact"] for agent in agents),
        *(unit["email"] for unit in units),
        *(account["email"] for account in story()["accounts"]),
        *(told["user"]["email"] for told in story()["sign_ups"]),
        *(asked["email"] for asked in story()["questions"] if asked["email"]),
    ]
    assert all(address.endswith(".example") for address in addresses)
    shown_to = {post["contact_visibility"] for post in rows("invitations.ndjson")}
    assert shown_to == set(vocabularies.CONTACT_VISIBILITIES)


# the story


def test_the_story_speaks_of_what_exists() -> None:
    known = schools().keys() | posts().keys()
    assert set(refs_in(story())) <= known
    accounts = {account["email"] for account in story()["accounts"]}
    speakers = [told.get("by") for told in story()["states"] + story()["saved_searches"] + story()["questions"]]
    assert {speaker for speaker in speakers if speaker} <= accounts
    keys = {match["key"] for match in story()["matches"]}
    abouts = [asked["about"] for asked in story()["questions"] if asked["about"]]
    assert all(about["ref"] in (keys if about["type"] == "match" else posts()) for about in abouts)


def test_every_role_can_be_signed_in_to() -> None:
    accounts = story()["accounts"]
    assert len({account["email"] for account in accounts}) == len(accounts)
    assert {account["role"] for account in accounts if account["shown"]} == {str(role) for role in Role}
    offices, centres = ({row["code"] for row in table(name)} for name in ("offices.csv", "iercs.csv"))
    for account in accounts:
        assert account["language"] in LABELS
        assert (account["school"] is not None) == (account["role"] == "school"), account
        if account["role"] in ("ierc", "office"):
            assert account["unit"] in (offices if account["role"] == "office" else centres), account


def test_a_post_is_public_or_has_a_state_that_says_why_not() -> None:
    unpublished = {s["ref"] for s in story()["states"] if s["state"] in ("draft", "submitted", "returned", "rejected")}
    assert story()["published"].keys() == posts().keys() - unpublished
    for told in story()["states"]:
        assert told["state"] not in ("returned", "rejected") or told["reason"], told
        assert told["state"] != "returned" or told["remarks"], told
        fields = {remark["field"] for remark in told.get("remarks", [])}
        assert fields | told.get("revision", {}).get("changes", {}).keys() <= posts()[told["ref"]].keys(), told
    revisions = {told["revision"]["state"] for told in story()["states"] if "revision" in told}
    assert revisions == {"draft", "submitted", "returned"}
    states = {told["state"] for told in story()["states"]}
    assert states == {str(status) for status in invitation_rules.Status} - {"expired"}


def test_a_post_is_submitted_at_most_two_years_before_it_ends() -> None:
    told = story()["published"] | {state["ref"]: state["days_ago"] for state in story()["states"]}
    for ref, days_ago in told.items():
        last_day = date.fromisoformat(posts()[ref]["expires_on"])
        assert last_day <= WRITTEN_ON - timedelta(days=days_ago) + timedelta(days=730), ref


@cache
def territory() -> Territory:
    coverage = [
        Coverage(*(row[n] for n in ("office_code", "country", "subdivision", "status")))
        for row in table("office_coverage.csv")
    ]
    return Territory(
        coverage=coverage,
        enabled_offices=frozenset(row["code"] for row in table("offices.csv") if row["enabled"] == "yes"),
        zone_of_county={row["code"]: row["k12_zone"] for row in table("iercs.csv") if row["kind"] == "county"},
    )


class Telling:
    """One match as its steps leave it, by the program's own rules."""

    def __init__(self, match: Row) -> None:
        self.match = match
        self.asking = schools()[match["asking"]]
        self.posting = posts()[match["invitation"]]["school"] if match["invitation"] else None
        other = self.posting or match["wish"]
        place = Place(**{name: other.get(name) for name in ("country", "subdivision", "county", "level", "ownership")})
        if not self.posting:
            place = Place(other.get("country"), other.get("subdivision"), other.get("county"))
        routing = route(side_of(self.asking["country"]), place, territory())
        self.direction, self.status = routing.direction, Status.REQUESTED
        assisted = match["via"] == "assisted"
        self.suggested = routing.suggested.code if assisted and routing.suggested else None
        self.handler = routing.handler.code if assisted else None
        if assisted and routing.handler.kind is not HandlerKind.ADMIN:
            self.status = Status.ROUTED
        self.open: set[str] = set()
        self.partner: str | None = None

    def parties(self, by: str) -> frozenset[Party]:
        if by == "admin":
            return frozenset({Party.ADMIN} | ({Party.KEEPER} if self.handler is None else set()))
        school = by.removeprefix("proposed:") if by.startswith("proposed:") else None
        if by == "invited":
            assert self.posting, self.match["key"]
            school = self.posting["ref"]
        held = {Party(by)} if by in ("asking", "handler", "system") else set()
        if by == "handler" and self.handler is None:
            return frozenset()
        if by == "invited" and self.match["via"] == "direct":
            held.add(Party.INVITED)
        if school and school in self.open:
            held.add(Party.PROPOSED)
        if school and school == self.partner:
            held.add(Party.PARTNER)
        return frozenset(held)

    def take(self, step: Row) -> None:
        """Take a step. Raises what the rules raise against it."""
        details = {**step, "school_id": step.get("school"), "held_on": step.get("held_days_ago")}
        row = MATCH.row_for(
            step["action"],
            status=self.status,
            kind=self.match["via"],
            parties=self.parties(step["by"]),
            details=details,
        )
        actor = step["by"].removeprefix("proposed:")
        if step["by"] == "invited" and self.posting:
            actor = self.posting["ref"]
        if step["action"] == "propose":
            assert side_of(schools()[step["school"]]["country"]) is not side_of(self.asking["country"])
            self.open.add(step["school"])
        elif step["action"] == "decline":
            self.open.discard(actor)
        elif step["action"] == "hand_back":
            self.handler = None
        elif step["action"] == "route":
            self.handler = step["handler"]["code"]
        if row.to is Status.AGREED:
            self.partner = step.get("school", actor)
            assert self.partner in self.open | ({self.posting["ref"]} if self.posting else set())
        self.status = Status(row.to or self.status)


@pytest.mark.parametrize("match", story()["matches"], ids=lambda match: match["key"])
def test_a_match_of_the_story_goes_by_the_rules(match: Row) -> None:
    told = Telling(match)
    people = {a["school"] or a["unit"] for a in story()["accounts"]}
    happened = [(step["days_ago"], 0, step) for step in match["steps"]]
    happened += [(message["days_ago"], 1, message) for message in match["messages"]]
    assert [s["days_ago"] for s in match["steps"]] == sorted((s["days_ago"] for s in match["steps"]), reverse=True)
    before = match["days_ago"]
    assert match["asking"] in people
    for days_ago, _, what in sorted(happened, key=lambda one: (-one[0], one[1])):
        assert days_ago <= before, what
        before = days_ago
        actor = told.handler if what["by"] == "handler" else what["by"].removeprefix("proposed:")
        if what["by"] == "invited":
            assert told.posting
            actor = told.posting["ref"]
        assert actor in people or actor in ("asking", "admin", "system"), what
        assert told.parties(what["by"]), what
        if "action" in what:
            told.take(what)
            assert what.get("held_days_ago", days_ago) >= days_ago, what
    ends = {"direction": told.direction, "status": told.status, "handler": told.handler, "suggested": told.suggested}
    assert match["ends"] == ends


def test_a_match_asks_about_posts_that_were_public_on_that_day() -> None:
    published = story()["published"]
    ended = {s["ref"]: s["ended_days_ago"] for s in story()["states"] if "ended_days_ago" in s}
    asked = Counter((match["asking"], match["invitation"]) for match in story()["matches"] if match["invitation"])
    assert max(asked.values()) == 1
    for match in story()["matches"]:
        assert bool(match["invitation"]) != bool(match["wish"]), match["key"]
        own = match["from_invitation"]
        assert own is None or posts()[own]["school"]["ref"] == match["asking"], match["key"]
        for ref in filter(None, (match["invitation"], own)):
            assert published[ref] >= match["days_ago"] > ended.get(ref, -1), match["key"]


def test_the_story_shows_every_way_a_match_can_go() -> None:
    matches = story()["matches"]
    assert len(matches) >= 22
    shown = {(m["via"], m["ends"]["direction"]) for m in matches}
    assert shown == {("direct", "inbound"), ("direct", "outbound"), ("assisted", "inbound"), ("assisted", "outbound")}
    assert {m["ends"]["status"] for m in matches} == {str(status) for status in Status}
    actions = {step["action"] for m in matches for step in m["steps"]}
    assert actions == set(MATCH.actions)
    assert any(m["ends"]["suggested"] for m in matches)


def test_a_unit_passes_posts_of_the_other_side_on_to_its_own_schools() -> None:
    for told in story()["forwards"]:
        for ref in told["schools"]:
            school = schools()[ref]
            assert side_of(school["country"]) is not side_of(posts()[told["ref"]]["school"]["country"]), told
            if school["country"] == "TW":
                assert school["county"] == told["unit"], told
            else:
                place = Place(school["country"], school["subdivision"])
                assert route(school_rules.Side.DOMESTIC, place, territory()).handler.code == told["unit"], told


def test_schools_of_their_own_sign_up_wait_for_the_unit_of_their_place() -> None:
    states = Counter(told["state"] for told in story()["sign_ups"])
    assert states == {"pending": 2, "asked": 1}
    for told in story()["sign_ups"]:
        assert not read_row("schools", {"ref": "sample-new", **told["school"]})[1]
        place = Place(told["school"]["country"], told["school"]["subdivision"])
        office = route(school_rules.Side.DOMESTIC, place, territory()).handler.code
        assert told["approver"] == ("admin" if told["school"]["country"] == "TW" else office), told
        assert told["state"] != "asked" or told["reason"], told


def test_a_question_is_told_with_its_answers_or_waits_for_one() -> None:
    questions = story()["questions"]
    assert len(questions) == 4
    assert {bool(asked["by"]) for asked in questions} == {True, False}
    for asked in questions:
        assert bool(asked["by"]) != bool(asked["email"]), asked
        days = [asked["days_ago"], *(message["days_ago"] for message in asked["messages"])]
        assert days == sorted(days, reverse=True), asked
        assert not asked["closed"] or any(message["by"] == "admin" for message in asked["messages"]), asked
