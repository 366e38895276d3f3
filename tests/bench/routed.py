"""From the request of a school to the mail in the post box of the unit it was routed to, at ten requests a second."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

from tests.databases import created_database, prepare
from tests.parts import parts_for_tests
from tests.story.running import Running, installation, wait_until, world_of
from tests.world import Client

REQUESTS = 300
A_SECOND = 10
SCHOOLS = 10
WORKERS = 2
PROMISE_SECONDS = 5


class Arrivals(list[EmailMessage]):
    """The mails that came, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def append(self, mail: EmailMessage) -> None:
        self.moments.append(time.monotonic())
        super().append(mail)

    def moment_of(self, number: str) -> float:
        """When the first mail came that names this case."""
        return next(moment for moment, mail in zip(self.moments, self, strict=True) if number in _text(mail))


def run() -> None:
    """Ask at a steady pace, whether the house keeps up or not, and find each case in the mails of its unit."""
    parts = parts_for_tests()
    with created_database(parts) as url:
        prepare(url)
        with installation(parts, url) as running:
            waits = sorted(_waits(running))
    p95 = waits[int(len(waits) * 0.95) - 1]
    print(
        f"request -> mail of its unit, {REQUESTS} requests at {A_SECOND}/s, {WORKERS} workers: "
        f"median {statistics.median(waits):.2f} s, p95 {p95:.2f} s, most {waits[-1]:.2f} s "
        f"(promise: p95 {PROMISE_SECONDS} s)"
    )


def _waits(running: Running) -> list[float]:
    world = world_of(running)
    assert world.ierc_tainan.unit_code
    clients = [world.as_(world.user(school=world.school("JP"))) for _ in range(SCHOOLS)]
    arrivals = running.sink.taken = Arrivals()
    running.start("relay", *[f"worker:{number}" for number in range(WORKERS)])
    for client in clients:
        _ask(client)
    wait_until(lambda: len(arrivals) == SCHOOLS, "the first mails did not come")
    with ThreadPoolExecutor(SCHOOLS) as crowd:
        began = time.monotonic()
        asked = list(crowd.map(lambda turn: _ask_at(clients[turn % SCHOOLS], began, turn), range(REQUESTS)))
    wait_until(lambda: len(arrivals) >= SCHOOLS + REQUESTS, "not all mails came")
    return [arrivals.moment_of(number) - moment for moment, number in asked]


def _ask_at(client: Client, began: float, turn: int) -> tuple[float, str]:
    """Ask when the turn has come; the moment it had come, and the case number."""
    moment = began + turn / A_SECOND
    time.sleep(max(0.0, moment - time.monotonic()))
    return moment, _ask(client)


def _ask(client: Client) -> str:
    wish = {"county": "TNN", "exchange_types": ["online_exchange"]}
    reply = client.post("/matches", {"via": "assisted", "wish": wish, "message": "We look for a partner class."})
    assert reply.status_code == 201 and reply.json, reply.data
    return str(reply.json["number"])


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return f"{mail['Subject']} {body.get_content() if body else ''}"
