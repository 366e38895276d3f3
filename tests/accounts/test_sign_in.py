"""Getting in and out: by cookie, by token, and not at all."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from iew.models import Event, SignInSession, User
from iew.services import accounts
from tests.web.houses import HASHER
from tests.world import PASSWORD, Client, World, problem


def browser(world: World) -> Client:
    return Client(world.app, None)


def sign_in(client: Client, user: User, password: str = PASSWORD) -> TestResponse:
    return client.post("/session", {"email": user.email, "password": password})


def signed_in(world: World, user: User) -> tuple[Client, str]:
    client = browser(world)
    reply = sign_in(client, user)
    assert reply.status_code == 200, reply.data
    return client, reply.json["csrf_token"]


def cookie_of(client: Client) -> str:
    cookie = client.browser.get_cookie("iew")
    assert cookie is not None
    return cookie.value


def test_a_browser_signs_in_and_is_known(world: World) -> None:
    client, token = signed_in(world, world.osaka)

    me = client.get("/me")

    assert token
    assert (me.status_code, me.json["email"], me.json["role"]) == (200, world.osaka.email, "school")
    assert me.json["school"]["id"] == world.osaka.school_id
    assert me.json["language"] == "ja"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    reply = sign_in(browser(world), world.osaka)

    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_sign_in_and_sign_out_change_the_session(world: World) -> None:
    client, _ = signed_in(world, world.osaka)
    first = cookie_of(client)
    sign_in(client, world.osaka)
    second = cookie_of(client)

    assert first != second
    stale = browser(world)
    stale.browser.set_cookie("iew", first)
    assert problem(stale.get("/me")) == (401, "not_signed_in")


def test_a_signed_out_cookie_opens_nothing_any_more(world: World) -> None:
    client, token = signed_in(world, world.osaka)
    kept = cookie_of(client)

    out = client.delete("/session", headers={"X-CSRF-Token": token})

    assert out.status_code == 200 and out.json["csrf_token"] != token
    thief = browser(world)
    thief.browser.set_cookie("iew", kept)
    assert thief.get("/me").status_code == 401
    assert client.get("/me").status_code == 401


def test_an_email_is_known_whatever_its_case_and_the_password_in_any_unicode_form(world: World) -> None:
    user = world.user(password_hash=accounts.hash_password(HASHER, "pa\u0308sswort \uff21bc"))
    client = browser(world)

    reply = client.post("/session", {"email": user.email.upper(), "password": "p\u00e4sswort Abc"})

    assert reply.status_code == 200


@pytest.fixture
def refused(world: World) -> dict[str, tuple[str, str]]:
    """Everybody who may not get in, as (address, password)."""
    now = datetime.now(UTC)
    disabled = world.user(disabled_at=now)
    locked = world.user(locked_until=now + timedelta(minutes=5))
    return {
        "unknown": ("nobody@people.example", PASSWORD),
        "wrong": (world.user().email, "wrong password"),
        "disabled": (disabled.email, PASSWORD),
        "locked": (locked.email, PASSWORD),
        "invited": (world.user(password_hash=None).email, PASSWORD),
    }


@pytest.mark.parametrize("who", ["unknown", "wrong", "disabled", "locked", "invited"])
def test_every_refusal_reads_the_same(world: World, refused: dict[str, tuple[str, str]], who: str) -> None:
    email, password = refused[who]

    reply = browser(world).post("/session", {"email": email, "password": password})

    assert problem(reply) == (401, "not_signed_in")
    document = {name: value for name, value in reply.json.items() if name != "request_id"}
    first = browser(world).post("/session", {"email": "somebody@else.example", "password": "whatever it is"})
    assert document == {name: value for name, value in first.json.items() if name != "request_id"}


@pytest.mark.parametrize("who", ["unknown", "wrong", "disabled", "locked", "invited"])
def test_every_refusal_compares_one_password(
    world: World, refused: dict[str, tuple[str, str]], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    class Counting:
        """The real hasher, with a tally."""

        def verify(self, kept: str, password: str) -> bool:
            compared.append(kept)
            return HASHER.verify(kept, password)

        def hash(self, password: str) -> str:
            return HASHER.hash(password)

        def check_needs_rehash(self, kept: str) -> bool:
            return HASHER.check_needs_rehash(kept)

    email, password = refused[who]
    with world.unit_of_work() as uow:
        outcome = accounts.sign_in(uow, email, password, hasher=Counting())  # type: ignore[arg-type]

    assert outcome is None
    assert len(compared) == 1


def test_five_failures_lock_for_a_quarter_of_an_hour(world: World) -> None:
    user = world.user()
    for _ in range(5):
        assert sign_in(browser(world), user, "wrong password").status_code == 401

    assert sign_in(browser(world), user).status_code == 401

    with world.unit_of_work(datetime.now(UTC) + timedelta(minutes=16)) as later:
        assert accounts.sign_in(later, user.email, PASSWORD, hasher=HASHER) is not None


def test_failures_before_a_success_do_not_count(world: World) -> None:
    user = world.user()
    for _ in range(4):
        sign_in(browser(world), user, "wrong password")
    assert sign_in(browser(world), user).status_code == 200
    sign_in(browser(world), user, "wrong password")

    assert sign_in(browser(world), user).status_code == 200


def test_sign_ins_and_failures_are_on_record(world: World) -> None:
    user = world.user()
    sign_in(browser(world), user, "wrong password")
    sign_in(browser(world), user)

    assert [event.action for event in world.events_of(user)] == ["sign_in_failed", "signed_in"]
    assert PASSWORD not in str([event.details for event in world.events_of(user)])


@pytest.mark.parametrize(
    ("role", "idle_minutes", "still_in"),
    [("school", 470, True), ("school", 490, False), ("iew_admin", 29, True), ("iew_admin", 31, False)],
)
def test_an_idle_session_ends(world: World, role: str, idle_minutes: int, still_in: bool) -> None:
    client, _ = signed_in(world, world.osaka if role == "school" else world.admin)
    with world.unit_of_work() as uow:
        sign_in_row = uow.session.scalars(select(SignInSession)).one()
        sign_in_row.last_seen_at = uow.now - timedelta(minutes=idle_minutes)

    assert (client.get("/me").status_code == 200) is still_in


def test_a_session_ends_after_half_a_day_however_busy(world: World) -> None:
    client, _ = signed_in(world, world.osaka)
    with world.unit_of_work() as uow:
        sign_in_row = uow.session.scalars(select(SignInSession)).one()
        assert sign_in_row.expires_at - sign_in_row.created_at == timedelta(hours=12)
        sign_in_row.expires_at = uow.now

    assert client.get("/me").status_code == 401


def test_using_a_session_renews_its_idle_time(world: World) -> None:
    client, _ = signed_in(world, world.osaka)
    with world.unit_of_work() as uow:
        seen = uow.now - timedelta(minutes=5)
        uow.session.scalars(select(SignInSession)).one().last_seen_at = seen

    client.get("/me")

    with world.unit_of_work() as uow:
        assert uow.session.scalars(select(SignInSession)).one().last_seen_at > seen + timedelta(minutes=4)


def test_only_a_hash_of_the_key_is_kept(world: World) -> None:
    client, _ = signed_in(world, world.osaka)
    with world.app.test_request_context():
        from flask.sessions import SecureCookieSessionInterface

        serializer = SecureCookieSessionInterface().get_signing_serializer(world.app)
        assert serializer is not None
        key = serializer.loads(cookie_of(client))["key"]
    with world.unit_of_work() as uow:
        row = uow.session.scalars(select(SignInSession)).one()
    assert key not in (row.id, row.key_hash)


@pytest.mark.parametrize("cookie", ["edited", "", "x" * 5000, "eyJrZXkiOiJ4In0.aaaa.bbbb", "\u00e9\u00e9"])
def test_a_broken_cookie_is_a_visitor(world: World, cookie: str) -> None:
    client = browser(world)

    reply = client.get("/me", headers={"Cookie": f"iew={cookie}"})

    assert reply.status_code == 401


def test_a_disabled_account_is_out_at_once(world: World) -> None:
    client, _ = signed_in(world, world.osaka)
    by_token = world.as_(world.osaka)
    assert by_token.get("/me").status_code == 200
    with world.unit_of_work() as uow:
        accounts.disable(uow, world.osaka.email)

    assert client.get("/me").status_code == 401
    assert by_token.get("/me").status_code == 401
    assert sign_in(browser(world), world.osaka).status_code == 401


def test_a_token_of_a_disabled_account_stays_dead_when_only_the_flag_is_set(world: World) -> None:
    by_token = world.as_(world.osaka)
    with world.unit_of_work() as uow:
        uow.get(User, world.osaka.id).disabled_at = uow.now

    assert by_token.get("/me").status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer nothing", "Bearer ", "Bearer", "Basic eDp5", "bearer  iew_x y", "\u00e9", "Token iew_x"]
)
def test_a_key_that_opens_nothing_is_no_visitor_either(world: World, header: str) -> None:
    reply = browser(world).get("/vocabularies", headers={"Authorization": header})

    assert problem(reply) == (401, "not_signed_in")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_token_is_none(world: World) -> None:
    with world.unit_of_work(datetime.now(UTC) - timedelta(days=10)) as uow:
        key = accounts.create_token(uow, world.osaka.email, name="old", days=9)

    assert Client(world.app, key).get("/me").status_code == 401


def test_a_moved_user_has_the_new_rights_at_the_next_request(world: World) -> None:
    client = world.as_(world.osaka)
    with world.unit_of_work() as uow:
        uow.get(User, world.osaka.id).school_id = world.tainan.school_id

    assert client.get("/me").json["school"]["id"] == world.tainan.school_id


def test_a_role_named_in_the_request_means_nothing(world: World) -> None:
    reply = world.as_(world.osaka).get("/audit", headers={"X-Role": "iew_admin", "Cookie": "role=iew_admin"})

    assert problem(reply) == (403, "not_allowed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.example"},
        {"email": "a@b.example", "password": None},
        {"email": "a@b.example", "password": ["x"]},
        {"email": "a@b.example", "password": "x" * 1025},
        {"email": "a@b.example", "password": "a\0b"},
        {"email": "a@b.example", "password": "\ud800 surrogate"},
        {"email": "no address", "password": "long enough password"},
        {"email": "a@b.example", "password": "long enough password", "role": "iew_admin"},
    ],
)
def test_a_body_that_is_no_sign_in_is_refused_by_field(world: World, body: dict[str, object]) -> None:
    reply = browser(world).post("/session", body)

    assert problem(reply) == (422, "invalid")
    assert reply.json["errors"]


def test_the_own_sessions_are_listed_and_closed(world: World) -> None:
    here, token = signed_in(world, world.osaka)
    there, _ = signed_in(world, world.osaka)
    listed = here.get("/me/sessions").json
    assert (listed["total"], [row["current"] for row in listed["items"]].count(True)) == (2, 1)
    other = next(row for row in listed["items"] if not row["current"])

    reply = here.delete(f"/me/sessions/{other['id']}", headers={"X-CSRF-Token": token})

    assert reply.status_code == 204
    assert there.get("/me").status_code == 401
    assert here.get("/me").status_code == 200


def test_nobody_closes_the_session_of_another(world: World) -> None:
    signed_in(world, world.osaka)
    with world.unit_of_work() as uow:
        theirs = uow.session.scalars(select(SignInSession.id)).one()

    reply = world.as_(world.tainan).delete(f"/me/sessions/{theirs}")

    assert problem(reply) == (404, "not_found")
    with world.unit_of_work() as uow:
        assert uow.session.scalars(select(SignInSession)).one().ended_at is None
        denied = uow.session.scalars(select(Event).where(Event.action == "denied")).one()
        assert (denied.actor_id, denied.subject_id) == (world.tainan.id, "me.change")


def test_a_visitor_has_no_session_to_end(world: World) -> None:
    assert problem(browser(world).delete("/session")) == (401, "not_signed_in")


def test_the_owner_sees_when_a_token_was_used(world: World) -> None:
    world.as_(world.osaka).get("/me")

    token = world.as_(world.osaka).get("/me/data").json["tokens"][0]

    assert token["last_used_at"] is not None and token["name"] == "test"
