"""Signing up, approval by the unit of the place, and who sees which school."""

from typing import Any

import pytest
from sqlalchemy import select

from iew.domain.schools import Status
from iew.models import CoverageRow, Event, Invitation, School, User
from tests.accounts.bodies import GOOD_PASSWORD, sign_up_body
from tests.world import Client, World, problem


def signed_up(world: World, country: str = "JP", **school: Any) -> tuple[School, User]:
    body = sign_up_body(country, **school)
    reply = world.as_(None).post("/schools", body)
    assert (reply.status_code, reply.json) == (201, {"status": "pending"}), reply.data
    with world.unit_of_work() as uow:
        user = uow.session.scalars(select(User).where(User.email == body["user"]["email"])).one()
        return uow.get(School, user.school_id or ""), user


class TestSignUp:
    def test_a_school_and_its_first_user_wait(self, world: World) -> None:
        school, user = signed_up(world, about="We build robots.", website="https://school.example/")

        assert (school.status, school.about, school.website) == (
            "pending",
            "We build robots.",
            "https://school.example/",
        )
        assert (user.role, user.school_id, user.email_confirmed_at) == ("school", school.id, None)
        assert world.jobs() == [("notify_school_signed_up", school.id), ("notify_confirm_address", user.id)]

    def test_the_new_user_signs_in_at_once(self, world: World) -> None:
        _, user = signed_up(world)
        client = Client(world.app, None)

        reply = client.post("/session", {"email": user.email, "password": GOOD_PASSWORD})

        assert reply.status_code == 200
        assert client.get("/me").json["email_confirmed"] is False

    def test_a_known_address_gets_the_same_reply_and_no_second_account(self, world: World) -> None:
        body = sign_up_body(user={"email": world.osaka.email.upper()})
        fresh = world.as_(None).post("/schools", sign_up_body())
        before = world.snapshot()

        reply = world.as_(None).post("/schools", body)

        after = world.snapshot()
        assert (reply.status_code, reply.data) == (fresh.status_code, fresh.data)
        assert (after["users"], after["schools"]) == (before["users"], before["schools"])
        assert world.jobs()[-1] == ("notify_known_address", world.osaka.id)

    @pytest.mark.parametrize(
        ("country", "place", "approver"),
        [
            ("JP", {"subdivision": "JP-27"}, "JP-OSA"),
            ("US", {"subdivision": "US-CA"}, "US-LAX"),
            ("TW", {"county": "TNN"}, None),
            ("AQ", {}, None),
        ],
    )
    def test_the_office_of_the_place_approves(
        self, world: World, country: str, place: dict[str, str], approver: str | None
    ) -> None:
        school, _ = signed_up(world, country, **place)

        assert school.approver_code == approver

    def test_an_unverified_row_of_coverage_leaves_it_to_the_administrator(self, world: World) -> None:
        with world.unit_of_work() as uow:
            row = uow.session.scalars(select(CoverageRow).where(CoverageRow.status == "unverified")).first()
        assert row is not None
        place = {} if row.subdivision == "*" else {"subdivision": row.subdivision}

        school, _ = signed_up(world, row.country, **place)

        assert school.approver_code is None

    @pytest.mark.parametrize(
        ("country", "language"), [("TW", "zh-Hant"), ("JP", "ja"), ("KR", "ko"), ("US", "en"), ("AQ", "en")]
    )
    def test_the_language_is_that_of_the_place(self, world: World, country: str, language: str) -> None:
        _, user = signed_up(world, country)

        assert user.language == language

    def test_a_chosen_language_goes_first(self, world: World) -> None:
        body = sign_up_body("JP", user={"language": "en"})
        world.as_(None).post("/schools", body)

        with world.unit_of_work() as uow:
            assert uow.session.scalars(select(User.language).where(User.email == body["user"]["email"])).one() == "en"

    @pytest.mark.parametrize(
        ("country", "place", "field"),
        [
            ("TW", {"county": None}, "school.county"),
            ("TW", {"county": "XXX"}, "school.county"),
            ("TW", {"county": "tnn"}, "school.county"),
            ("JP", {"county": "TNN"}, "school.county"),
            ("JP", {"subdivision": "US-CA"}, "school.subdivision"),
            ("JP", {"subdivision": "Osaka"}, "school.subdivision"),
            ("JP", {"country": "jp"}, "school.country"),
        ],
    )
    def test_a_place_that_does_not_fit_is_refused(
        self, world: World, country: str, place: dict[str, Any], field: str
    ) -> None:
        reply = world.as_(None).post("/schools", sign_up_body(country, **place))

        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == [field]

    @pytest.mark.parametrize(
        "website",
        [
            "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://school.example", "//school.example",
            "https://school.example\n", "https://user:pw@school.example", "https://127.0.0.1", "https://[::1]/",
            "https://169.254.169.254/latest", "https://2130706433/", "https://0x7f.1/", "https://127.1/",
            "https://①②⑦.0.0.1/", "https://localhost/", "https://localhost./", "https://x.internal/", "https://intranet/",
            "https://school.example:22/", "https://exa mple.org/", "https://", "school.example", "https:\\\\a.example",
            "https://school.example\\@evil.example/", "https://-school.example/",
        ],
    )  # fmt: skip
    def test_a_website_is_an_address_of_the_public_web(self, world: World, website: str) -> None:
        reply = world.as_(None).post("/schools", sign_up_body(website=website))

        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == ["school.website"]

    @pytest.mark.parametrize(
        "website", ["https://school.example", "http://www.school.example:8080/a?b=c#d", "https://學校.example/"]
    )
    def test_an_ordinary_website_is_taken_as_it_is(self, world: World, website: str) -> None:
        school, _ = signed_up(world, website=website)

        assert school.website == website

    @pytest.mark.parametrize("name", ["O'Brien", "Null", "陳", "𠮷𠀋𡘙", "a b", "👨‍👩‍👧‍👦", "ﾊﾝｶｸ ＡＢＣ", "{{7*7}}"])
    def test_names_are_kept_as_typed(self, world: World, name: str) -> None:
        school, _ = signed_up(world, name=name)

        assert school.name == name


class TestStanding:
    def test_a_pending_school_may_draft_read_and_correct_itself_but_nothing_else(self, world: World) -> None:
        school, user = signed_up(world)
        client = world.as_(user)

        assert client.get("/me").status_code == 200
        assert client.get(f"/schools/{school.id}").status_code == 200
        assert client.patch(f"/schools/{school.id}", {"about": "x"}, version=1).status_code == 200
        colleague = client.post(f"/schools/{school.id}/colleagues", {"email": "c@d.example", "name": "C"})
        assert problem(colleague) == (403, "school_unverified")

    def test_an_unconfirmed_address_of_an_approved_school_may_not_act_either(self, world: World) -> None:
        user = world.user(email_confirmed_at=None)

        reply = world.as_(user).post(f"/schools/{user.school_id}/colleagues", {"email": "c@d.example", "name": "C"})

        assert problem(reply) == (403, "email_unverified")

    def test_rights_tell_what_is_open_now(self, world: World) -> None:
        _, pending = signed_up(world)

        waiting, full = world.as_(pending).get("/me").json["rights"], world.as_(world.osaka).get("/me").json["rights"]

        assert "invitation.draft" in waiting and "match.ask" not in waiting
        assert {"invitation.draft", "match.ask"} <= set(full)
        assert "review.read" not in full


class TestDeciding:
    def test_the_office_of_the_place_approves_and_says_so(self, world: World) -> None:
        school, user = signed_up(world)

        reply = world.as_(world.office_osaka).post(f"/schools/{school.id}/actions/approve")

        assert (reply.status_code, reply.json["status"], reply.json["verified_by"]) == (200, "approved", "JP-OSA")
        assert reply.json["verified_on"] and reply.json["version"] == 2 and reply.json["available_actions"] == []
        assert world.jobs()[-2:] == [("notify_sign_up_decided", school.id), ("index_school", school.id)]
        assert world.as_(user).get("/me").json["school"]["status"] == "approved"

    def test_the_administrator_approves_in_taiwan(self, world: World) -> None:
        school, _ = signed_up(world, "TW")

        reply = world.as_(world.admin).post(f"/schools/{school.id}/actions/approve")

        assert (reply.status_code, reply.json["verified_by"]) == (200, "iew_admin")

    @pytest.mark.parametrize("action", ["ask", "reject"])
    def test_a_question_and_a_refusal_need_a_reason(self, world: World, action: str) -> None:
        school, _ = signed_up(world)
        address = f"/schools/{school.id}/actions/{action}"
        office = world.as_(world.office_osaka)
        before = world.snapshot()

        reply = office.post(address, {})

        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == ["reason"]
        assert world.snapshot() == before

    def test_a_school_that_was_asked_answers_by_correcting_itself(self, world: World) -> None:
        school, user = signed_up(world)
        asked = world.as_(world.office_osaka).post(f"/schools/{school.id}/actions/ask", {"reason": "Which ward?"})
        assert (asked.json["status"], asked.json["reason"]) == ("asked", "Which ward?")
        assert world.as_(user).get(f"/schools/{school.id}").json["reason"] == "Which ward?"

        reply = world.as_(user).patch(f"/schools/{school.id}", {"region": "Kita"}, version=2)

        assert (reply.status_code, reply.json["status"], reply.json["region"]) == (200, "pending", "Kita")
        assert [event.action for event in world.events_of(school)] == ["sign_up", "ask", "answer"]
        assert world.jobs()[-1] == ("notify_school_signed_up", school.id)

    def test_a_decision_stands(self, world: World) -> None:
        school = world.school(status=Status.APPROVED)

        reply = world.as_(world.admin).post(f"/schools/{school.id}/actions/approve")

        assert problem(reply) == (409, "invalid_transition")

    @pytest.mark.parametrize("action", ["approve", "ask", "reject"])
    @pytest.mark.parametrize(
        ("who", "expected"),
        [
            ("visitor", (404, "not_found")),
            ("stranger", (404, "not_found")),
            ("own", (403, "school_unverified")),
            ("office_seoul", (404, "not_found")),
            ("ierc_tainan", (404, "not_found")),
            ("system_admin", (404, "not_found")),
        ],
    )
    def test_nobody_else_decides(self, world: World, action: str, who: str, expected: tuple[int, str]) -> None:
        school, user = signed_up(world)
        actor = {"visitor": None, "stranger": world.tainan, "own": user}.get(who) or getattr(world, who, None)
        client = world.as_(actor)
        before = world.snapshot()

        reply = client.post(f"/schools/{school.id}/actions/{action}", {"reason": "because"})

        assert problem(reply) == expected
        assert world.snapshot() == before

    @pytest.mark.parametrize("who", ["osaka", "office_osaka", "ierc_tainan"])
    def test_an_approved_school_is_visible_and_still_not_theirs_to_decide(self, world: World, who: str) -> None:
        school = world.school("TW")

        reply = world.as_(getattr(world, who)).post(f"/schools/{school.id}/actions/reject", {"reason": "x"})

        assert problem(reply) == (403, "not_allowed")

    def test_an_unknown_action_does_not_exist(self, world: World) -> None:
        school, _ = signed_up(world)

        assert world.as_(world.admin).post(f"/schools/{school.id}/actions/answer").status_code == 404


class TestReading:
    @pytest.mark.parametrize("status", list(Status))
    def test_who_sees_one_school(self, world: World, status: str) -> None:
        school = world.school(status=status, approver_code="JP-OSA", reason="a remark", address="1-2-3")
        own = world.user(school=school)
        everybody = {"own": own, "approver": world.office_osaka, "admin": world.admin}
        others = {"visitor": None, "school": world.tainan, "unit": world.office_seoul, "machine": world.system_admin}

        for actor in everybody.values():
            shown = world.as_(actor).get(f"/schools/{school.id}")
            assert (shown.status_code, shown.json["reason"], shown.json["address"]) == (200, "a remark", "1-2-3")
        for name, actor in others.items():
            shown = world.as_(actor).get(f"/schools/{school.id}")
            if status != Status.APPROVED:
                assert problem(shown) == (404, "not_found")
            else:
                assert (shown.status_code, shown.json["reason"], shown.json["approver"]) == (200, None, None)
                assert (shown.json["address"] is None) is (name == "visitor")

    def test_an_office_lists_those_it_approves_and_the_approved_of_its_places(self, world: World) -> None:
        waiting = world.school(status="pending", approver_code="JP-OSA")
        approved = world.school("JP")
        world.school("KR")
        world.school("TW")
        world.school(status="pending", approver_code=None)
        world.school(subdivision="JP-13")

        reply = world.as_(world.office_osaka).get("/schools")

        assert [row["id"] for row in reply.json["items"]] == [waiting.id, approved.id]
        assert reply.json["total"] == 2
        only = world.as_(world.office_osaka).get("/schools?status=pending").json
        assert [row["id"] for row in only["items"]] == [waiting.id]

    def test_a_centre_lists_the_approved_of_its_county(self, world: World) -> None:
        ours = world.school("TW", county="TNN")
        world.school("TW", county="TPE")
        world.school("TW", county="TNN", status="pending")
        world.school("JP")

        reply = world.as_(world.ierc_tainan).get("/schools")

        assert [row["id"] for row in reply.json["items"]] == [ours.id]

    def test_a_zone_lists_the_national_senior_highs_of_its_counties(self, world: World) -> None:
        ours = world.school("TW", county="TPE", ownership="national", level="senior_high_technical")
        world.school("TW", county="TPE", ownership="public")
        world.school("TW", county="TPE", ownership="national", level="junior_high")
        world.school("TW", county="TNN", ownership="national")

        reply = world.as_(world.user("ierc", unit="K12-1")).get("/schools")

        assert [row["id"] for row in reply.json["items"]] == [ours.id]

    def test_the_administrator_lists_all_in_pieces(self, world: World) -> None:
        for status in Status:
            world.school(status=status)
        client = world.as_(world.admin)
        seen, address = [], "/schools?limit=3"
        while address:
            page = client.get(address).json
            seen += [row["id"] for row in page["items"]]
            address = f"/schools?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else ""

        assert len(seen) == len(set(seen)) == page["total"] == len(Status)

    @pytest.mark.parametrize(
        ("who", "expected"), [(None, 401), ("osaka", 403), ("system_admin", 403), ("admin", 200), ("office_osaka", 200)]
    )
    def test_the_list_is_for_units_and_the_administrator(self, world: World, who: str | None, expected: int) -> None:
        assert world.as_(getattr(world, who) if who else None).get("/schools").status_code == expected


class TestChanging:
    def test_facets_take_the_posts_along(self, world: World) -> None:
        invitation = world.invitation(world.osaka)

        reply = world.as_(world.osaka).patch(f"/schools/{world.osaka.school_id}", {"level": "primary"}, version=1)

        assert reply.status_code == 200
        assert world.now_is(invitation).index_version == 2
        assert world.now_is(invitation).version == 1
        assert world.jobs()[-1] == ("index_school", world.osaka.school_id)

    def test_what_no_search_shows_leaves_the_posts_alone(self, world: World) -> None:
        invitation = world.invitation(world.osaka)

        world.as_(world.osaka).patch(f"/schools/{world.osaka.school_id}", {"about": "New words"}, version=1)

        assert world.now_is(invitation).index_version == 1
        assert world.jobs() == []

    def test_the_country_of_an_approved_school_stays(self, world: World) -> None:
        reply = world.as_(world.osaka).patch(
            f"/schools/{world.osaka.school_id}", {"country": "KR", "subdivision": None}, version=1
        )

        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == ["country"]

    def test_a_waiting_school_that_moves_gets_another_approver(self, world: World) -> None:
        school, user = signed_up(world, "JP")

        world.as_(user).patch(f"/schools/{school.id}", {"country": "KR", "subdivision": None}, version=1)

        with world.unit_of_work() as uow:
            assert uow.get(School, school.id).approver_code == "KR-SEL"

    def test_the_administrator_corrects_a_school_without_answering_for_it(self, world: World) -> None:
        school = world.school(status="asked", approver_code="JP-OSA")

        reply = world.as_(world.admin).patch(f"/schools/{school.id}", {"name": "Corrected"}, version=1)

        assert (reply.status_code, reply.json["status"], reply.json["name"]) == (200, "asked", "Corrected")

    def test_the_approver_changes_nothing(self, world: World) -> None:
        school = world.school(status="pending", approver_code="JP-OSA")

        reply = world.as_(world.office_osaka).patch(f"/schools/{school.id}", {"name": "x"}, version=1)

        assert problem(reply) == (403, "not_allowed")

    @pytest.mark.parametrize("field", ["status", "ref", "version", "verified_by", "approver", "id", "reason"])
    def test_read_only_fields_are_refused(self, world: World, field: str) -> None:
        reply = world.as_(world.osaka).patch(f"/schools/{world.osaka.school_id}", {field: "x"}, version=1)

        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == [field]


class TestColleagues:
    def test_a_colleague_gets_an_account_of_the_same_school(self, world: World) -> None:
        reply = world.as_(world.osaka).post(
            f"/schools/{world.osaka.school_id}/colleagues", {"email": "New@School.example", "name": "N"}
        )

        assert (reply.status_code, reply.json) == (201, {"status": "invited"})
        with world.unit_of_work() as uow:
            user = uow.session.scalars(select(User).where(User.email == "new@school.example")).one()
        assert (user.school_id, user.role, user.language) == (world.osaka.school_id, "school", "ja")
        assert (user.password_hash, user.email_confirmed_at) == (None, None)
        assert world.jobs() == [("notify_colleague_invited", user.id)]

    def test_a_known_address_is_not_told_from_a_new_one(self, world: World) -> None:
        address = f"/schools/{world.osaka.school_id}/colleagues"
        fresh = world.as_(world.osaka).post(address, {"email": "fresh@school.example", "name": "F"})

        reply = world.as_(world.osaka).post(address, {"email": world.tainan.email, "name": "T"})

        assert (reply.status_code, reply.data) == (fresh.status_code, fresh.data)
        assert world.jobs()[-1] == ("notify_known_address", world.tainan.id)
        with world.unit_of_work() as uow:
            assert uow.get(User, world.tainan.id).school_id == world.tainan.school_id

    @pytest.mark.parametrize(
        ("who", "expected"),
        [
            (None, (401, "not_signed_in")),
            ("osaka", (404, "not_found")),
            ("ierc_tainan", (403, "not_allowed")),
            ("office_osaka", (403, "not_allowed")),
            ("system_admin", (403, "not_allowed")),
        ],
    )
    def test_nobody_invites_into_another_school(self, world: World, who: str | None, expected: tuple[int, str]) -> None:
        address, client = (
            f"/schools/{world.tainan.school_id}/colleagues",
            world.as_(getattr(world, who) if who else None),
        )
        before = world.snapshot()

        reply = client.post(address, {"email": "x@y.example", "name": "X"})

        assert problem(reply) == expected
        assert world.snapshot() == before

    def test_the_administrator_invites_into_any_and_it_is_on_record(self, world: World) -> None:
        reply = world.as_(world.admin).post(
            f"/schools/{world.tainan.school_id}/colleagues", {"email": "x@y.example", "name": "X"}
        )

        assert reply.status_code == 201
        with world.unit_of_work() as uow:
            event = uow.session.scalars(select(Event).where(Event.action == "invite")).one()
        assert (event.actor_id, event.details["school_id"]) == (world.admin.id, world.tainan.school_id)


def test_approval_makes_the_posts_new_for_the_index(world: World) -> None:
    school = world.school(status="pending", approver_code="JP-OSA")
    invitation: Invitation = world.invitation(school=school)

    world.as_(world.office_osaka).post(f"/schools/{school.id}/actions/approve")

    assert world.now_is(invitation).index_version == 2
