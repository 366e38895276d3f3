"""Mail that does not arrive: who sees it, what is sent all the same, and the ways out."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from iew.domain.actors import SYSTEM
from iew.mail.smtp import AddressRefused, MailRefused
from iew.models import EmailDelivery, Event, MailLink, School, User
from iew.services import accounts
from iew.services.links import signed
from tests.pages.browser import Browser
from tests.web.houses import SECRET
from tests.workshop import Workshop
from tests.world import PASSWORD, World

NO = AddressRefused("550 5.1.1 <teacher@school.example>: user unknown")


def state(world: World, user: User) -> User:
    with world.unit_of_work() as uow:
        found = uow.get(User, user.id)
        uow.session.refresh(found)
        return found


def school_of(world: World, user: User) -> School:
    with world.unit_of_work() as uow:
        return uow.get(School, user.school_id or "")


def refused(world: World, workshop: Workshop, user: User, outcome: Exception = NO) -> None:
    """A mail to this person is refused."""
    workshop.postbox.outcomes[user.email] = [outcome]
    tell(world, user)
    workshop.work_off()


def tell(world: World, user: User) -> None:
    """Something happens that is told to this person's school."""
    with world.unit_of_work() as uow:
        asker = world.tainan if user is not world.tainan else world.osaka
        match = world.match(asker, world.invitation(user))
        uow.record("MatchRequested", uow.session.merge(match), SYSTEM, action="ask")


def inbox(world: World, user: User) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = world.as_(user).get("/inbox?kind=delivery").json["items"]
    return items


def sent_to(workshop: Workshop, address: str) -> list[str]:
    return [mail.kind for mail in workshop.deliveries() if mail.address == address and mail.status == "sent"]


def test_a_final_no_shows_up_at_the_operators_and_at_the_office_of_the_place(world: World, workshop: Workshop) -> None:
    refused(world, workshop, world.osaka)

    for operator in (world.admin, world.system_admin):
        (item,) = inbox(world, operator)
        assert item["subject"] == {"type": "user", "id": world.osaka.id}
        assert item["title"] == "大阪府立みなと台高等学校：信件無法送達"
        assert item["url"] == "/zh-Hant/admin/users?mail=refused"
    (item,) = inbox(world, world.office_osaka)
    assert item["subject"] == {"type": "school", "id": world.osaka.school_id}
    assert item["title"] == "大阪府立みなと台高等学校：メールが届きません"
    assert item["url"] == f"/ja/schools/{world.osaka.school_id}"
    assert inbox(world, world.office_seoul) == inbox(world, world.ierc_tainan) == inbox(world, world.tainan) == []
    shown = str([inbox(world, who) for who in (world.admin, world.office_osaka)])
    assert world.osaka.email not in shown and "teacher@" not in shown


def test_what_the_server_said_of_the_address_is_not_kept_in_the_history(world: World, workshop: Workshop) -> None:
    refused(world, workshop, world.osaka)
    with world.unit_of_work() as uow:
        (event,) = uow.session.scalars(select(Event).where(Event.action == "mail_refused"))
        assert event.details == {"why": "550 5.1.1"}


def test_a_mail_that_is_refused_for_itself_leaves_the_address_alone(world: World, workshop: Workshop) -> None:
    refused(world, workshop, world.osaka, MailRefused("554 5.7.1 looks like spam"))
    assert state(world, world.osaka).mail_refused_at is None
    assert [item["subject"]["type"] for item in inbox(world, world.admin)] == ["delivery"]
    assert inbox(world, world.office_osaka) == []


def test_nothing_is_sent_there_any_more_but_what_its_owner_asks_for(world: World, workshop: Workshop) -> None:
    refused(world, workshop, world.osaka)
    tell(world, world.osaka)
    workshop.work_off()
    assert sent_to(workshop, world.osaka.email) == []

    with world.unit_of_work() as uow:
        accounts.ask_reset(uow, world.osaka.email)
    workshop.work_off()
    assert sent_to(workshop, world.osaka.email) == ["reset_password"]


def test_what_waits_stands_in_the_inbox_all_the_same(world: World, workshop: Workshop, browser: Browser) -> None:
    refused(world, workshop, world.osaka)
    assert world.as_(world.osaka).get("/inbox?kind=match").json["total"] == 1
    browser.sign_in(world.osaka)
    assert "Our mails do not reach you" in browser.open("inbox").words
    assert "Our mails do not reach you" in browser.open("account").words


def test_its_owner_proves_by_a_link_that_mail_arrives(world: World, workshop: Workshop, browser: Browser) -> None:
    refused(world, workshop, world.osaka)
    browser.sign_in(world.osaka)
    assert browser.send(browser.open("account").form_to("/account/confirm")).status == 302
    workshop.work_off()
    assert sent_to(workshop, world.osaka.email) == ["confirm_address"]

    page = browser.open(f"confirm/{link_to(world, 'confirm_address')}")
    assert state(world, world.osaka).mail_refused_at is not None
    assert browser.send(page.form_to(page.forms[-1].action)).status == 200

    assert state(world, world.osaka).mail_refused_at is None
    assert inbox(world, world.admin) == inbox(world, world.office_osaka) == []
    tell(world, world.osaka)
    workshop.work_off()
    assert sent_to(workshop, world.osaka.email)[-1] == "match_requested"


def link_to(world: World, purpose: str) -> str:
    """The latest link of a purpose, as it stood in the mail."""
    with world.unit_of_work() as uow:
        links = select(MailLink).where(MailLink.purpose == purpose).order_by(MailLink.created_at.desc())
        return signed(SECRET, uow.session.scalars(links).first())  # type: ignore[arg-type]


@pytest.mark.parametrize("who", ["admin", "system_admin"])
def test_an_operator_may_say_that_the_address_works_again(
    world: World, workshop: Workshop, browser: Browser, who: str
) -> None:
    refused(world, workshop, world.osaka)
    browser.sign_in(getattr(world, who))
    page = browser.open("admin/users?mail=refused")
    assert world.osaka.email in page.words and world.tainan.email not in page.words
    assert browser.send(page.form_to("/mail-arrives")).status == 302
    assert state(world, world.osaka).mail_refused_at is None
    assert [event.action for event in world.events_of(world.osaka)][-1] == "mail_accepted_again"
    assert inbox(world, world.admin) == []


def test_nobody_else_may(world: World, workshop: Workshop, browser: Browser) -> None:
    refused(world, workshop, world.osaka)
    for user in (world.office_osaka, world.tainan):
        reply = (
            Browser(world.app)
            .sign_in(user)
            .client.post(f"/en/admin/users/{world.osaka.id}/mail-arrives", headers={"Sec-Fetch-Site": "same-origin"})
        )
        assert reply.status_code == 403
    assert state(world, world.osaka).mail_refused_at is not None


def test_the_page_of_the_school_tells_those_who_look_after_it_what_to_do(world: World, workshop: Workshop) -> None:
    world.user(school=school_of(world, world.osaka))
    refused(world, workshop, world.osaka)
    path = f"schools/{world.osaka.school_id}"
    for user in (world.office_osaka, world.admin):
        words = Browser(world.app).sign_in(user).open(path).words
        assert "Mail to this school does not reach everybody" in words and "ring the school up" in words
    for other in (world.office_seoul, world.tainan):
        assert "Mail to this school" not in Browser(world.app).sign_in(other).open(path).words
    assert "Mail to this school" not in Browser(world.app).open(path).words


class TestAnotherAddress:
    NEW = "new@people.example"

    def ask(self, browser: Browser, email: str = NEW, password: str = PASSWORD) -> Any:
        form = browser.open("account").form_to("/account/address")
        return browser.send(form, email=email, password=password)

    def test_it_counts_when_its_link_is_used_and_not_before(
        self, world: World, workshop: Workshop, browser: Browser
    ) -> None:
        old = world.osaka.email
        refused(world, workshop, world.osaka)
        browser.sign_in(world.osaka)
        assert self.ask(browser).status == 302
        workshop.work_off()
        assert sent_to(workshop, self.NEW) == ["change_address"] and sent_to(workshop, old) == []

        path, visitor = f"new-address/{link_to(world, 'change_address')}", Browser(world.app)
        page = visitor.open(path)
        assert (page.status, state(world, world.osaka).email) == (200, old)
        assert visitor.send(page.forms[-1]).status == 302

        now = state(world, world.osaka)
        assert (now.email, now.mail_refused_at) == (self.NEW, None)
        assert visitor.open(path).status == 410
        tell(world, now)
        workshop.work_off()
        assert sent_to(workshop, self.NEW)[-1] == "match_requested"

    def test_the_old_address_is_told_where_it_takes_mail(
        self, world: World, workshop: Workshop, browser: Browser
    ) -> None:
        browser.sign_in(world.osaka)
        self.ask(browser)
        workshop.work_off()
        assert workshop.mails() == {("change_address", self.NEW), ("address_change_asked", world.osaka.email)}

    def test_the_present_password_is_needed(self, world: World, workshop: Workshop, browser: Browser) -> None:
        browser.sign_in(world.osaka)
        before = world.snapshot()
        page = self.ask(browser, password="not the password")
        assert page.status == 422 and page.fault_at("password", form="address")
        assert world.snapshot() == before

    def test_nobody_learns_whose_an_address_is(self, world: World, workshop: Workshop, browser: Browser) -> None:
        browser.sign_in(world.osaka)
        assert self.ask(browser, email=world.tainan.email).status == 302
        workshop.work_off()
        assert workshop.mails() == {("known_address", world.tainan.email)}

    def test_an_address_that_was_taken_meanwhile_is_refused(
        self, world: World, workshop: Workshop, browser: Browser
    ) -> None:
        browser.sign_in(world.osaka)
        self.ask(browser)
        world.user(email=self.NEW)
        page = browser.open(f"new-address/{link_to(world, 'change_address')}")
        assert browser.send(page.forms[-1]).status == 422
        assert state(world, world.osaka).email == world.osaka.email

    def test_a_refusal_by_the_new_address_is_no_fault_of_the_present_one(
        self, world: World, workshop: Workshop, browser: Browser
    ) -> None:
        browser.sign_in(world.osaka)
        self.ask(browser)
        workshop.postbox.outcomes[self.NEW] = [NO]
        workshop.work_off()
        assert state(world, world.osaka).mail_refused_at is None
        with world.unit_of_work() as uow:
            statuses = select(EmailDelivery.status).where(EmailDelivery.address == self.NEW)
            assert uow.session.scalars(statuses).all() == ["failed"]


def test_a_closed_account_is_nobodys_task(world: World, workshop: Workshop) -> None:
    refused(world, workshop, world.osaka)
    with world.unit_of_work() as uow:
        uow.get(User, world.osaka.id).disabled_at = datetime.now(UTC)
    assert inbox(world, world.admin) == inbox(world, world.office_osaka) == []
