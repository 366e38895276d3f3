"""A mail arrives; a digest arrives at most once, whatever happens on the way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from iew.domain.actors import Role
from iew.duties import run_due
from iew.mail.smtp import MailServer, SmtpMailer
from iew.models import EmailDelivery, OutboxRow, User
from iew.services import deliveries
from iew.uow import UnitOfWork
from tests.mail.sink import Sink, running_sink
from tests.workshop import Postbox, Workshop
from tests.world import World


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def office(committed: Workshop, sink: Sink) -> Workshop:
    """A workshop with real commits that sends to the sink."""
    committed.postbox = SmtpMailer(MailServer.at(sink.url), own_name="iew.example", seconds=1)  # type: ignore[assignment]
    return committed


@pytest.fixture
def reader(office: Workshop) -> User:
    return World(office.session_factory).user(Role.IERC, unit="TNN")


def plan(office: Workshop, user: User, *, once_only: bool = False, key: str = "one") -> int:
    """Plan one mail; the number of the row that sends it."""
    with office.unit_of_work() as uow:
        planned = uow.plan_mail(
            EmailDelivery(
                dedup_key=key, kind="digest" if once_only else "match_requested", user_id=user.id, address=user.email,
                language="en", subject="Hello", text="text", html="<p>text</p>", once_only=once_only,
            )
        )  # fmt: skip
        assert planned
        return uow.session.scalars(select(OutboxRow.id).order_by(OutboxRow.id.desc())).first() or 0


def status(office: Workshop, key: str = "one") -> str:
    with office.unit_of_work() as uow:
        return uow.session.scalars(select(EmailDelivery.status).where(EmailDelivery.dedup_key == key)).one()


def refused(office: Workshop, user: User) -> bool:
    with office.unit_of_work() as uow:
        return uow.get(User, user.id).mail_refused_at is not None


@pytest.mark.parametrize("once_only", [True, False])
def test_a_mail_is_sent_once(office: Workshop, sink: Sink, reader: User, once_only: bool) -> None:
    row_id = plan(office, reader, once_only=once_only)
    office.perform(row_id)
    office.perform(row_id)
    assert (status(office), len(sink.taken), office.row(row_id).done_at is not None) == ("sent", 1, True)


def test_the_same_fact_plans_no_second_mail(office: Workshop, reader: User) -> None:
    plan(office, reader)
    with pytest.raises(AssertionError):
        plan(office, reader)


@pytest.mark.parametrize("accident", ["cut", "hang"])
def test_an_ordinary_mail_of_unknown_fate_is_sent_again_as_the_same_mail(
    office: Workshop, sink: Sink, reader: User, accident: str
) -> None:
    row_id, sink.after = plan(office, reader), accident
    office.perform(row_id)
    row = office.row(row_id)
    assert (row.done_at, row.attempts, status(office)) == (None, 1, "queued")
    assert "Unclear" in (row.last_error or "") and reader.email not in (row.last_error or "")

    sink.after = None
    office.perform(row_id)
    assert status(office) == "sent"
    assert len(sink.ids) == 2 and len(set(sink.ids)) == 1


@pytest.mark.parametrize("accident", ["cut", "hang"])
def test_a_digest_of_unknown_fate_is_shown_and_never_sent_again(
    office: Workshop, sink: Sink, reader: User, accident: str
) -> None:
    row_id, sink.after = plan(office, reader, once_only=True), accident
    office.perform(row_id)
    assert (status(office), office.row(row_id).done_at is not None) == ("unknown", True)

    sink.after = None
    with office.unit_of_work() as uow:
        uow.get(OutboxRow, row_id).done_at = None
    office.perform(row_id)
    assert (status(office), len(sink.taken)) == ("unknown", 1)


def test_an_unknown_reply_to_a_digest_is_not_taken_for_a_no(office: Workshop, sink: Sink, reader: User) -> None:
    sink.at_data = "999 what"
    office.perform(plan(office, reader, once_only=True))
    assert (status(office), len(sink.taken)) == ("unknown", 1)


def test_a_sender_that_died_on_a_digest_leaves_it_unknown(office: Workshop, sink: Sink, reader: User) -> None:
    class Death(BaseException):
        pass

    class Dying(Postbox):
        def send(self, *arguments: object, **words: object) -> None:
            raise Death

    row_id, mailer = plan(office, reader, once_only=True), office.postbox
    office.postbox = Dying()
    with pytest.raises(Death):
        office.perform(row_id)
    assert (status(office), office.row(row_id).done_at) == ("sending", None)

    office.postbox = mailer
    office.perform(row_id)
    assert (status(office), sink.taken, office.row(row_id).done_at is not None) == ("unknown", [], True)


def test_a_digest_that_was_certainly_not_taken_is_tried_again(office: Workshop, sink: Sink, reader: User) -> None:
    sink.at_data = "451 4.3.0 later"
    row_id = plan(office, reader, once_only=True)
    office.perform(row_id)
    assert (status(office), office.row(row_id).attempts) == ("queued", 1)

    sink.at_data = None
    office.perform(row_id)
    assert (status(office), len(sink.taken)) == ("sent", 1)


@pytest.mark.parametrize("once_only", [True, False])
def test_a_dead_address_is_remembered_and_asked_no_more(
    office: Workshop, sink: Sink, reader: User, once_only: bool
) -> None:
    sink.at_rcpt = "550 5.1.1 no such user"
    row_id = plan(office, reader, once_only=once_only)
    office.perform(row_id)
    assert (status(office), refused(office, reader)) == ("failed", True)
    assert office.row(row_id).done_at is not None

    sink.at_rcpt = None
    office.perform(plan(office, reader, once_only=once_only, key="next"))
    assert (status(office, "next"), sink.taken) == ("suppressed", [])


def test_a_mail_refused_for_its_content_says_nothing_of_its_address(office: Workshop, sink: Sink, reader: User) -> None:
    sink.at_data = "554 5.7.1 spam"
    office.perform(plan(office, reader))
    assert (status(office), refused(office, reader)) == ("failed", False)


def test_one_bad_address_stops_nobody(office: Workshop, sink: Sink, reader: User) -> None:
    other = World(office.session_factory).user(Role.IERC, unit="TNN", email="not an address")
    bad, good = plan(office, other, key="bad"), plan(office, reader, key="good")
    office.perform(bad)
    office.perform(good)
    assert (status(office, "bad"), status(office, "good")) == ("failed", "sent")


def test_a_closed_account_gets_no_mail(office: Workshop, sink: Sink, reader: User) -> None:
    row_id = plan(office, reader)
    with office.unit_of_work() as uow:
        uow.get(User, reader.id).disabled_at = uow.now
    office.perform(row_id)
    assert (status(office), sink.taken) == ("suppressed", [])


def test_an_absent_server_costs_tries_and_no_mail(office: Workshop, reader: User) -> None:
    office.postbox = SmtpMailer(MailServer("127.0.0.1", 9, "none", None, None), own_name="x")  # type: ignore[assignment]
    row_id = plan(office, reader)
    for _ in range(10):
        office.perform(row_id)
    assert office.row(row_id).parked_at is not None

    office.postbox = Postbox()
    with office.unit_of_work() as uow:
        deliveries.retry(uow, row_id, World(office.session_factory).actor(reader))
    office.perform(row_id)
    assert status(office) == "sent"


def test_two_schedulers_and_several_workers_send_a_digest_once(office: Workshop, sink: Sink, reader: User) -> None:
    World(office.session_factory).invitation(target_counties=["TNN"], expires_on="2099-01-01")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    start = Barrier(2)

    def schedule() -> None:
        start.wait()
        run_due(lambda now: UnitOfWork(office.session_factory, now=now), tomorrow)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(schedule) for _ in range(2)]:
            done.result()
    for _ in range(3):
        rows = [row.id for row in office.rows() if row.job in ("send_digest", "send_mail")]
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(office.perform, row_id) for row_id in rows * 4]:
                done.result()

    assert [message["To"] for message in sink.taken] == [reader.email]
    assert {mail.status for mail in office.deliveries("digest")} == {"sent"}
    assert [row.last_error for row in office.rows(everything=True)].count(None) == len(office.rows(everything=True))
