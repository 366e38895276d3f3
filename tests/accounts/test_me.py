"""One's own account: what one is, what one may set, who read one's contact, all of one's data."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from iew.domain.actors import Role
from iew.errors import IewError, Invalid, NotFound, StateConflict
from iew.models import ApiToken, MailLink, School, SignInSession, User
from iew.services import accounts, links
from iew.services.links import Purpose
from tests.accounts.bodies import GOOD_PASSWORD
from tests.web.houses import HASHER, SECRET
from tests.world import PASSWORD, Client, World, problem

NEW_PASSWORD = "another four words here"


class TestMe:
    @pytest.mark.parametrize(
        ("who", "role", "unit", "language"),
        [
            ("osaka", "school", None, "ja"),
            ("ierc_tainan", "ierc", "TNN", "zh-Hant"),
            ("office_osaka", "office", "JP-OSA", "ja"),
            ("admin", "iew_admin", None, "zh-Hant"),
            ("system_admin", "system_admin", None, "zh-Hant"),
        ],
    )
    def test_everybody_learns_what_they_are(
        self, world: World, who: str, role: str, unit: str | None, language: str
    ) -> None:
        reply = world.as_(getattr(world, who)).get("/me")

        assert (reply.status_code, reply.json["role"], reply.json["language"]) == (200, role, language)
        assert (reply.json["unit"] or {}).get("code") == unit
        assert (reply.json["school"] is not None) is (role == "school")

    def test_language_and_zone_are_set(self, world: World) -> None:
        client = world.as_(world.osaka)

        reply = client.patch("/me", {"language": "ko", "timezone": "Asia/Seoul"})

        assert (reply.status_code, reply.json["language"], reply.json["timezone"]) == (200, "ko", "Asia/Seoul")
        assert client.get("/me").json["version"] == 2

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("role", "iew_admin"),
            ("school", None),
            ("email", "x@y.example"),
            ("language", "xx"),
            ("language", None),
            ("timezone", "Mars/Olympus"),
            ("timezone", "../../etc/passwd"),
            ("timezone", ""),
        ],
    )
    def test_nothing_else_is(self, world: World, field: str, value: object) -> None:
        reply = world.as_(world.osaka).patch("/me", {field: value})

        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == [field]

    def test_a_version_is_compared_where_it_is_given(self, world: World) -> None:
        client = world.as_(world.osaka)

        assert problem(client.patch("/me", {"language": "ko"}, version=7)) == (412, "changed_meanwhile")
        assert client.patch("/me", {"language": "ko"}, version=1).status_code == 200

    @pytest.mark.parametrize(
        "path", ["/me", "/me/sessions", "/me/contact-access-log", "/me/data", "/audit", "/schools"]
    )
    def test_a_visitor_is_asked_to_sign_in(self, world: World, path: str) -> None:
        reply = world.as_(None).get(path)

        assert problem(reply) == (401, "not_signed_in")
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="iew"'


class TestReadings:
    def read(self, world: World, reader: User) -> None:
        post = world.invitation(world.osaka)
        with world.unit_of_work() as uow:
            uow.record(
                None,
                post,
                world.actor(reader),
                action="contact_read",
                school_id=post.school_id,
                ground="admin",
                reason="a complaint",
            )

    def test_the_owner_sees_who_read_the_contact(self, world: World) -> None:
        self.read(world, world.admin)
        self.read(world, world.ierc_tainan)

        reply = world.as_(world.osaka).get("/me/contact-access-log", headers={"Accept-Language": "en"}).json

        assert reply["total"] == 2
        assert [row["by"]["kind"] for row in reply["items"]] == ["ierc", "iew_admin"]
        assert (reply["items"][1]["reason"], reply["items"][1]["ground"]) == ("a complaint", "admin")
        assert world.admin.name not in str(reply) and world.admin.email not in str(reply)

    def test_nobody_sees_the_readings_of_others(self, world: World) -> None:
        self.read(world, world.admin)

        for who in (world.tainan, world.ierc_tainan, world.admin, world.system_admin):
            assert world.as_(who).get("/me/contact-access-log").json["total"] == 0


def test_own_data_has_all_of_ones_own_and_no_secret(world: World) -> None:
    post = world.invitation(world.osaka)
    world.invitation(world.seoul, title="A post of somebody else")
    match = world.match(world.tainan, post)

    mine = world.as_(world.osaka).get("/me/data").json
    theirs = world.as_(world.tainan).get("/me/data").json

    assert mine["user"]["email"] == world.osaka.email
    assert [row["id"] for row in mine["invitations"]] == [post.id]
    assert mine["contacts"][0]["email"] == "canary@contact.example"
    assert [row["id"] for row in theirs["matches"]] == [match.id]
    assert "canary" not in str(theirs) and "somebody else" not in str(mine)
    assert "password_hash" not in str(mine) and "key_hash" not in str(mine)


def test_own_data_has_the_meetings_and_the_results_of_ones_cases(world: World) -> None:
    match = world.match(world.tainan, status="agreed")
    with world.unit_of_work() as uow:
        school = uow.get(School, world.tainan.school_id or "")
    colleague, newcomer = world.user(school=school), world.user(school=school)
    soon = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0, second=0).isoformat()
    proposal = {"starts": [soon], "link": "https://meet.example/room"}
    meeting = world.as_(world.osaka).post(f"/matches/{match.id}/meetings", proposal).json
    path = f"/matches/{match.id}"
    world.as_(colleague).post(f"{path}/meetings/{meeting['id']}/actions/accept", {"start": soon})
    for user in (world.osaka, colleague):
        told = {"summary": f"By {user.name}.", "held_on": "2026-05-01", "students": 24, "teachers": 2}
        assert world.as_(user).post(f"{path}/actions/report", told).status_code == 200

    for user, reports in ((world.tainan, []), (world.osaka, [world.osaka]), (colleague, [colleague])):
        data = world.as_(user).get("/me/data").json
        assert [row["id"] for row in data["meetings"]] == [meeting["id"]]
        assert (data["meetings"][0]["starts"], data["meetings"][0]["agreed_start"]) == ([soon], soon)
        assert data["meetings"][0]["link"] == proposal["link"]
        assert [row["summary"] for row in data["reports"]] == [f"By {author.name}." for author in reports]
    theirs = world.as_(newcomer).get("/me/data").json
    assert (theirs["meetings"], theirs["reports"]) == ([], [])


class TestPasswords:
    def link(self, world: World, user: User, purpose: Purpose = Purpose.RESET_PASSWORD, **changes: object) -> str:
        with world.unit_of_work() as uow:
            link = links.issue(uow, purpose, address=user.email, user_id=user.id, hours=links.RESET_HOURS)
            for name, value in changes.items():
                setattr(link, name, value)
            return links.signed(SECRET, link)

    def reset(self, world: World, signed: str, password: str = NEW_PASSWORD) -> None:
        with world.unit_of_work() as uow:
            link = links.find(uow, SECRET, Purpose.RESET_PASSWORD, signed)
            accounts.reset_password(uow, link, password, hasher=HASHER)

    def test_a_reset_sets_the_password_confirms_the_address_and_ends_every_way_in(self, world: World) -> None:
        user = world.user(email_confirmed_at=None)
        browser = Client(world.app, None)
        browser.post("/session", {"email": user.email, "password": PASSWORD})
        by_token = world.as_(user)

        self.reset(world, self.link(world, user))

        assert browser.get("/me").status_code == 401
        assert by_token.get("/me").status_code == 401
        old = Client(world.app, None).post("/session", {"email": user.email, "password": PASSWORD})
        new = Client(world.app, None).post("/session", {"email": user.email, "password": NEW_PASSWORD})
        assert (old.status_code, new.status_code) == (401, 200)
        with world.unit_of_work() as uow:
            assert uow.get(User, user.id).email_confirmed_at is not None

    def test_a_link_works_once(self, world: World) -> None:
        signed = self.link(world, world.osaka)
        self.reset(world, signed)

        with pytest.raises(StateConflict) as refusal:
            self.reset(world, signed)
        assert refusal.value.code == "link_spent"

    def test_a_link_works_for_an_hour(self, world: World) -> None:
        signed = self.link(world, world.osaka)

        with (
            pytest.raises(StateConflict) as refusal,
            world.unit_of_work(datetime.now(UTC) + timedelta(minutes=61)) as later,
        ):
            links.find(later, SECRET, Purpose.RESET_PASSWORD, signed)
        assert refusal.value.code == "link_spent"

    def test_a_link_of_a_closed_account_opens_nothing(self, world: World) -> None:
        signed = self.link(world, world.osaka)
        with world.unit_of_work() as uow:
            accounts.disable(uow, world.osaka.email)

        with pytest.raises(StateConflict):
            self.reset(world, signed)

    @pytest.mark.parametrize("spoil", ["edited", "other key", "other purpose", "plain id", ""])
    def test_a_forged_link_is_none(self, world: World, spoil: str) -> None:
        signed = self.link(world, world.osaka)
        with world.unit_of_work() as uow:
            link = uow.session.scalars(select(MailLink)).one()
        forged = {
            "edited": signed[:-2] + ("A" if signed[-2] != "A" else "B") + signed[-1],
            "other key": links.signed("another key of the house", link),
            "other purpose": self.link(world, world.osaka, Purpose.CONFIRM_ADDRESS),
            "plain id": link.id,
            "": "",
        }[spoil]

        with pytest.raises(NotFound):
            self.reset(world, forged)

    def test_a_bad_new_password_leaves_the_link_usable(self, world: World) -> None:
        signed = self.link(world, world.osaka)
        with pytest.raises(Invalid):
            self.reset(world, signed, "short")

        self.reset(world, signed)

    def test_a_link_to_an_old_address_confirms_no_new_one(self, world: World) -> None:
        user = world.user(email_confirmed_at=None)
        signed = self.link(world, user, Purpose.CONFIRM_ADDRESS, address="old@people.example")

        with world.unit_of_work() as uow:
            accounts.confirm_address(uow, links.find(uow, SECRET, Purpose.CONFIRM_ADDRESS, signed))

        with world.unit_of_work() as uow:
            assert uow.get(User, user.id).email_confirmed_at is None

    def test_a_confirmed_address_may_act(self, world: World) -> None:
        user = world.user(email_confirmed_at=None)
        signed = self.link(world, user, Purpose.CONFIRM_ADDRESS)

        with world.unit_of_work() as uow:
            accounts.confirm_address(uow, links.find(uow, SECRET, Purpose.CONFIRM_ADDRESS, signed))

        reply = world.as_(user).post(f"/schools/{user.school_id}/colleagues", {"email": "c@d.example", "name": "C"})
        assert reply.status_code == 201

    def test_resets_are_one_in_ten_minutes_and_five_a_day(self, world: World) -> None:
        user, start = world.user(), datetime.now(UTC)

        def ask(minutes: int) -> None:
            with world.unit_of_work(start + timedelta(minutes=minutes)) as uow:
                accounts.ask_reset(uow, user.email.upper())

        for minutes in (0, 0, 5, 9):
            ask(minutes)
        assert world.jobs() == [("notify_reset_password", user.id)]
        for minutes in range(11, 300, 11):
            ask(minutes)
        assert len(world.jobs()) == 5
        ask(24 * 60 + 30)
        assert len(world.jobs()) == 6

    @pytest.mark.parametrize("who", ["unknown", "disabled"])
    def test_nobody_else_gets_a_reset(self, world: World, who: str) -> None:
        email = "nobody@people.example" if who == "unknown" else world.user(disabled_at=datetime.now(UTC)).email
        with world.unit_of_work() as uow:
            accounts.ask_reset(uow, email)

        assert world.jobs() == []

    def test_changing_ones_password_ends_the_other_sign_ins(self, world: World) -> None:
        here, there = Client(world.app, None), Client(world.app, None)
        for client in (here, there):
            client.post("/session", {"email": world.osaka.email, "password": PASSWORD})
        with world.unit_of_work() as uow:
            mine = uow.session.scalars(select(SignInSession).order_by(SignInSession.created_at)).first()
            assert mine is not None
            accounts.change_password(
                uow, world.actor(world.osaka), PASSWORD, NEW_PASSWORD, hasher=HASHER, session_id=mine.id
            )

        assert (here.get("/me").status_code, there.get("/me").status_code) == (200, 401)

    def test_the_old_password_must_be_right(self, world: World) -> None:
        with pytest.raises(Invalid) as refusal, world.unit_of_work() as uow:
            accounts.change_password(
                uow, world.actor(world.osaka), "not it at all", NEW_PASSWORD, hasher=HASHER, session_id=None
            )
        assert list(refusal.value.errors) == ["old_password"]

    @pytest.mark.parametrize(
        ("password", "usable"),
        [
            ("x" * 9, False),
            ("x" * 10, True),
            (" leading space", True),
            ("e\u0301" * 9, False),
            ("字" * 10, True),
            ("x" * 1024, True),
            ("x" * 1025, False),
            ("字" * 342, False),
        ],
    )
    def test_length_is_the_only_rule_of_passwords(self, password: str, usable: bool) -> None:
        if usable:
            assert HASHER.verify(accounts.hash_password(HASHER, password), accounts._folded(password))
        else:
            with pytest.raises(Invalid):
                accounts.hash_password(HASHER, password)


class TestAccountsOfTheShell:
    def add(self, world: World, password: str | None = GOOD_PASSWORD, **fields: object) -> tuple[User, str]:
        values: dict[str, object] = {"email": "New@People.example", "role": Role.IEW_ADMIN}
        with world.unit_of_work() as uow:
            return accounts.add_user(uow, accounts.NewUser(**(values | fields)), password, hasher=HASHER)  # type: ignore[arg-type]

    def test_an_account_from_the_shell_signs_in(self, world: World) -> None:
        user, password = self.add(world, None)

        reply = Client(world.app, None).post("/session", {"email": user.email, "password": password})

        assert (reply.status_code, user.email) == (200, "new@people.example")

    @pytest.mark.parametrize(
        ("fields", "language", "zone"),
        [
            ({"role": Role.IEW_ADMIN}, "zh-Hant", "Asia/Taipei"),
            ({"role": Role.IERC, "unit_code": "TNN"}, "zh-Hant", "Asia/Taipei"),
            ({"role": Role.OFFICE, "unit_code": "JP-OSA"}, "ja", "Asia/Tokyo"),
            ({"role": Role.OFFICE, "unit_code": "US-LAX"}, "en", "America/Los_Angeles"),
        ],
    )
    def test_language_and_zone_are_those_of_the_body(
        self, world: World, fields: dict[str, object], language: str, zone: str
    ) -> None:
        user, _ = self.add(world, **fields)

        assert (user.language, user.timezone) == (language, zone)

    @pytest.mark.parametrize(("country", "language"), [("TW", "zh-Hant"), ("JP", "ja"), ("US", "en"), ("DE", "en")])
    def test_a_school_speaks_as_its_place(self, world: World, country: str, language: str) -> None:
        school = world.school(country, ref=f"key-{country}")

        user, _ = self.add(world, role=Role.SCHOOL, school_ref=school.ref)

        assert (user.school_id, user.language) == (school.id, language)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"role": Role.SCHOOL, "school_ref": "none"}, "school"),
            ({"role": Role.IERC, "unit_code": "JP-OSA"}, "unit"),
            ({"role": Role.OFFICE, "unit_code": "XX-XXX"}, "unit"),
        ],
    )
    def test_a_body_that_does_not_exist_is_refused(self, world: World, fields: dict[str, object], field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            self.add(world, **fields)
        assert list(refusal.value.errors) == [field]

    def test_an_address_has_one_account(self, world: World) -> None:
        self.add(world)
        with pytest.raises(Invalid) as refusal:
            self.add(world)
        assert list(refusal.value.errors) == ["email"]

    def test_an_unknown_account_is_told(self, world: World) -> None:
        for verb in (
            lambda uow: accounts.disable(uow, "x@y.example"),
            lambda uow: accounts.create_token(uow, "x@y.example", name="n", days=1),
        ):
            with pytest.raises(NotFound) as refusal, world.unit_of_work() as uow:
                verb(uow)
            assert "x@y.example" in str(refusal.value)

    def test_a_disabled_account_gets_no_token(self, world: World) -> None:
        with world.unit_of_work() as uow:
            accounts.disable(uow, world.osaka.email)
        with pytest.raises(IewError), world.unit_of_work() as uow:
            accounts.create_token(uow, world.osaka.email, name="n", days=1)

    def test_only_a_hash_of_a_token_is_kept(self, world: World) -> None:
        with world.unit_of_work() as uow:
            key = accounts.create_token(uow, world.osaka.email, name="n", days=30)
        with world.unit_of_work() as uow:
            row = uow.session.scalars(select(ApiToken)).one()
        assert key not in (row.id, row.key_hash) and row.expires_at is not None
