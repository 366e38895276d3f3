"""The operators' pages: who gets in, what a decision does, and that a refused form comes back."""

import pytest
from sqlalchemy import select

from iew.domain.matches import Via
from iew.models import OutboxRow, Unit, User
from tests.pages.browser import Browser
from tests.world import World

LANGUAGES = ("zh-Hant", "en", "ja", "ko")


def _user(world: World, who: str) -> User:
    found: User = getattr(world, who)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("review", "admin"),
        ("schools", "admin"),
        ("schools", "ierc_tainan"),
        ("schools", "office_osaka"),
        ("admin", "admin"),
        ("admin", "system_admin"),
        ("admin/jobs?state=parked", "system_admin"),
        ("admin/users", "admin"),
        ("admin/units", "admin"),
        ("admin/audit", "admin"),
        ("admin/audit", "system_admin"),
        ("unit", "ierc_tainan"),
        ("unit", "office_osaka"),
    ],
)
def test_operators_get_their_pages_in_every_language(
    browser: Browser, world: World, language: str, path: str, who: str
) -> None:
    browser.sign_in(_user(world, who))
    page = browser.open(f"/{language}/{path}")
    assert page.status == 200
    assert page.heading


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("review", "osaka"),
        ("review", "system_admin"),
        ("schools", "osaka"),
        ("admin", "ierc_tainan"),
        ("admin/users", "osaka"),
        ("admin/audit", "office_osaka"),
        ("unit", "admin"),
    ],
)
def test_others_are_refused(browser: Browser, world: World, path: str, who: str) -> None:
    browser.sign_in(_user(world, who))
    assert browser.open(path).status == 403


def test_publishing_opens_the_next_text_that_waits(browser: Browser, world: World) -> None:
    first = world.invitation(world.osaka, status="submitted", title="The first to wait")
    second = world.invitation(world.seoul, status="submitted", title="The second to wait")
    browser.sign_in(world.admin)

    page = browser.open(f"review/{first.id}")
    assert page.heading == "The first to wait"
    page = browser.follow(browser.send(page.form_to(f"/review/{first.id}/publish")))

    assert page.heading == "The second to wait"
    assert world.now_is(first).status == "published"
    assert world.now_is(second).status == "submitted"


def test_a_return_without_a_reason_comes_back_with_the_remarks_typed(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="submitted")
    browser.sign_in(world.admin)
    form = browser.open(f"review/{post.id}").form_to("/return")
    page = browser.send(form, **{"remarks-0__field": "title", "remarks-0__text": "Say which robots."})

    assert page.status == 422
    assert "Say which robots." in page.text
    assert world.now_is(post).status == "submitted"


def test_remarks_reach_the_post(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="submitted")
    browser.sign_in(world.admin)
    form = browser.open(f"review/{post.id}").form_to("/return")
    form.fields["reason"] = "Please make the title clearer."
    form.fields["remarks-0.field"] = "title"
    form.fields["remarks-0.text"] = "Say which robots."

    browser.send(form)

    returned = world.now_is(post)
    assert returned.status == "returned"
    assert returned.remarks == [{"field": "title", "text": "Say which robots."}]


def test_a_text_that_changed_since_it_was_opened_is_not_published(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="submitted")
    browser.sign_in(world.admin)
    form = browser.open(f"review/{post.id}").form_to("/publish")
    with world.unit_of_work() as uow:
        uow.get(type(post), post.id).version += 1

    page = browser.send(form)

    assert page.status == 412
    assert world.now_is(post).status == "submitted"


def test_a_second_reviewer_is_warned(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="submitted")
    browser.sign_in(world.admin)
    browser.open(f"review/{post.id}")

    other = Browser(world.app).sign_in(world.user("iew_admin", name="Second Reviewer"))

    assert world.admin.name in other.open(f"review/{post.id}").words


def test_an_office_approves_a_school_of_its_place(browser: Browser, world: World) -> None:
    school = world.school("JP", status="pending", approver_code="JP-OSA")
    browser.sign_in(world.office_osaka)

    browser.send(browser.open(f"/en/schools/{school.id}").form_to("/approve"))

    approved = world.now_is(school)
    assert (approved.status, approved.verified_by) == ("approved", "JP-OSA")


def test_asking_a_school_needs_the_question(browser: Browser, world: World) -> None:
    school = world.school("JP", status="pending", approver_code="JP-OSA")
    browser.sign_in(world.office_osaka)

    page = browser.send(browser.open(f"/en/schools/{school.id}").form_to("/ask"))

    assert page.status == 422
    assert world.now_is(school).status == "pending"


def test_a_unit_chooses_how_often_its_digest_comes(browser: Browser, world: World) -> None:
    browser.sign_in(world.ierc_tainan)
    form = browser.open("/en/unit").form_to("/unit")
    form.fields["frequency"] = "weekly"

    browser.send(form)

    with world.unit_of_work() as uow:
        assert uow.get(Unit, "TNN").digest_frequency == "weekly"


def test_an_administrator_adds_staff_and_sees_the_password_once(browser: Browser, world: World) -> None:
    browser.sign_in(world.admin)
    form = browser.open("/en/admin/users").form_to("/admin/users")
    page = browser.send(form, email="new@ierc.example", name="New Staff", unit="KHH")

    assert "new@ierc.example" in page.words
    with world.unit_of_work() as uow:
        user = uow.session.scalars(select(User).where(User.email == "new@ierc.example")).one()
        assert (user.role, user.unit_code) == ("ierc", "KHH")


def test_closing_an_account_ends_it(browser: Browser, world: World) -> None:
    victim = world.osaka
    browser.sign_in(world.admin)

    browser.send(browser.open(f"/en/admin/users?q={victim.email}").form_to(f"/admin/users/{victim.id}/disable"))

    assert world.now_is(victim).disabled_at is not None  # type: ignore[type-var]


def test_the_iew_administrator_does_not_see_system_administrators(browser: Browser, world: World) -> None:
    hidden = world.system_admin
    browser.sign_in(world.admin)
    assert hidden.email not in browser.open("/en/admin/users").text
    assert hidden.email in Browser(world.app).sign_in(hidden).open("/en/admin/users").text


def test_only_the_system_administrator_tries_a_job_again(browser: Browser, world: World) -> None:
    match = world.match(via=Via.ASSISTED)
    with world.unit_of_work() as uow:
        uow.owe("notify_match_routed", subject_type="match", subject_id=match.id)
        row = uow.session.scalars(select(OutboxRow)).one()
        row.parked_at, row.attempts, row.last_error = uow.now, 10, "broken"
        row_id = row.id
    browser.sign_in(world.admin)
    assert f"/admin/jobs/{row_id}/retry" not in browser.open("/en/admin/jobs?state=parked").text

    system = Browser(world.app).sign_in(world.system_admin)
    system.send(system.open("/en/admin/jobs?state=parked").form_to(f"/admin/jobs/{row_id}/retry"))

    with world.unit_of_work() as uow:
        assert uow.get(OutboxRow, row_id).parked_at is None
