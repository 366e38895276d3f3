"""The whole line by the API, the worker killed three times: every step happens once, every mail is sent once."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from sqlalchemy import func, select

from iew.domain.actors import Role
from iew.models import EmailDelivery, Event, Match, OutboxRow, School
from tests.pages.browser import Browser
from tests.story.running import Running, wait_until
from tests.world import PASSWORD, Client, World, body_of_a_post

KILLS = 3


def signed_up(running: Running, world: World) -> Client:
    """A Japanese school signs itself up and confirms its address by the link of the mail; its teacher's client."""
    visitor = world.as_(None)
    school = {
        "name": "大阪府立ひびき野高等学校",
        "name_en": "Hibikino High School",
        "country": "JP",
        "subdivision": "JP-27",
    }
    school |= {"level": "senior_high_general", "ownership": "public", "composition": "coed"}
    user = {"email": "hibikino@school.example", "password": PASSWORD, "name": "岡田みのり", "language": "ja"}
    reply = visitor.post("/schools", {"school": school, "user": user})
    assert (reply.status_code, reply.json) == (201, {"status": "pending"})

    wait_until(lambda: bool(running.mails_to(user["email"])), "no mail to confirm the address")
    browser = Browser(running.app, "ja")
    page = browser.open(path_in(mail_to(running, user["email"])))
    assert page.status == 200
    assert browser.send(page.forms[-1]).status in (200, 302)

    session = visitor.post("/session", {"email": user["email"], "password": PASSWORD})
    assert session.status_code == 200
    visitor.headers = {"X-CSRF-Token": session.json["csrf_token"]}
    return visitor


def mail_to(running: Running, address: str) -> EmailMessage:
    """The latest mail to an address."""
    return [mail for mail in running.sink.taken if address in str(mail["To"])][-1]


def path_in(mail: EmailMessage) -> str:
    """Where the button of a mail leads."""
    part = mail.get_body(("plain",))
    assert part is not None
    found = re.search(r"http://localhost(/\S+)", part.get_content())
    assert found, part.get_content()
    return found[1]


def act(client: Client, path: str, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    reply = client.post(f"{path}/actions/{action}", body or {})
    assert reply.status_code == 200, (action, reply.json)
    shown: dict[str, Any] = reply.json
    return shown


def restart_worker(running: Running) -> None:
    running.kill("worker")
    running.start("worker")


def tell(running: Running, world: World) -> None:
    """From the sign-up of a school to the report of its exchange; afterwards nothing is owed, and all happened once."""
    office, admin, tainan = world.as_(world.office_osaka), world.as_(world.admin), world.as_(world.tainan)
    osaka = signed_up(running, world)

    # approved by the office of its place
    school_id = office.get("/schools?status=pending").json["items"][0]["id"]
    draft = osaka.post("/invitations", post_of_osaka())
    assert draft.status_code == 201
    post = f"/invitations/{draft.json['id']}"
    assert osaka.post(f"{post}/actions/submit").json["code"] == "school_unverified"
    act(office, f"/schools/{school_id}", "approve")
    restart_worker(running)

    # posted, returned, corrected, published
    act(osaka, post, "submit")
    remarks = [{"field": "title", "text": "どのロボットかを書いてください。"}]
    returned = act(admin, post, "return", {"reason": "題名を具体的に。", "remarks": remarks})
    assert returned["status"] == "returned"
    shown = osaka.get(post).json
    assert shown["remarks"] == remarks
    changed = osaka.patch(post, {"title": "二足歩行ロボットを一緒に作りませんか"}, version=shown["version"])
    assert changed.status_code == 200
    act(osaka, post, "submit")
    restart_worker(running)
    assert act(admin, post, "publish")["status"] == "published"

    # found from Taiwan by a Chinese word
    wait_until(lambda: found_by(tainan, "機器人"), "not found by a Chinese word")

    # asked for help; the case reaches the office and ends with a report
    asked = tainan.post(
        "/matches", {"invitation_id": draft.json["id"], "via": "assisted", "message": "我們也做機器人。"}
    )
    assert (asked.status_code, asked.json["direction"], asked.json["status"]) == (201, "outbound", "routed")
    assert asked.json["handler"]["code"] == "JP-OSA"
    match = f"/matches/{asked.json['id']}"
    restart_worker(running)
    act(office, match, "accept")
    act(office, match, "agree", {"school_id": school_id})
    assert {item["email"] for item in tainan.get(f"{match}/contacts").json["items"]} >= {"canary@contact.example"}
    held_on = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    report = {"summary": "兩校合作完成一台機器人。", "held_on": held_on, "students": 30, "teachers": 3}
    assert act(tainan, match, "report", report)["status"] == "completed"

    running.calm()
    every_step_happened_once(running)
    every_mail_was_sent_once(running, world)


def post_of_osaka() -> dict[str, Any]:
    translation = {"language": "zh-Hant", "title": "一起做二足步行機器人", "description": "徵求一起製作機器人的班級。"}
    return body_of_a_post(
        title="ロボット", description="一緒に作りましょう。", content_language="ja", translations=[translation]
    )


def found_by(client: Client, words: str) -> bool:
    reply = client.get("/search", query_string={"q": words, "lang": "zh-Hant"})
    assert reply.status_code == 200
    return bool(reply.json["total"])


def every_step_happened_once(running: Running) -> None:
    with running.house.unit_of_work() as uow:
        steps = Counter(uow.session.scalars(select(Event.fact).where(Event.subject_type.in_(("match", "invitation")))))
        statuses = uow.session.scalars(select(Match.status)).all()
        parked = uow.session.scalar(select(func.count()).where(OutboxRow.parked_at.is_not(None)))
        schools = uow.session.scalars(select(School.status)).all()
    for fact in (
        "MatchRequested",
        "MatchRouted",
        "MatchTakenUp",
        "MatchAgreed",
        "MatchReported",
        "InvitationPublished",
    ):
        assert steps[fact] == 1, (fact, steps)
    assert steps["InvitationSubmitted"] == 2
    assert statuses == ["completed"]
    assert parked == 0
    assert set(schools) == {"approved"}


def every_mail_was_sent_once(running: Running, world: World) -> None:
    """Each planned delivery arrived, and none of them twice but for one in the hands of a worker that was killed.

    Between the server's yes and our note of it nobody can know; such a mail comes again under its own Message-ID.
    """
    with running.house.unit_of_work() as uow:
        deliveries = uow.session.scalars(select(EmailDelivery)).all()
        kinds = {(delivery.kind, delivery.address) for delivery in deliveries}
        states = Counter(delivery.status for delivery in deliveries)
    assert set(states) == {"sent"}, states
    came = Counter(running.sink.ids)
    assert len(came) == len(deliveries)
    assert sum(came.values()) - len(came) <= KILLS
    told = {address for _, address in kinds}
    assert told >= {"hibikino@school.example", world.office_osaka.email, world.tainan.email}
    assert world.admin.role == Role.IEW_ADMIN
