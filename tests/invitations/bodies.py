"""Bodies and small steps that several tests share."""

from typing import Any

from iew.models import Invitation, User
from tests.world import World, body_of_a_post

TRAVEL: dict[str, Any] = {
    "date_mode": "alternatives",
    "dates": [{"start": "2027-10-04", "end": "2027-10-08"}, {"start": "2027-11-01", "end": "2027-11-05"}],
    "destination_counties": ["TNN", "KHH"],
    "min_students": 20,
    "school_kinds": ["senior_high_general"],
    "activities": ["class", "club"],
    "length": "half_day",
    "lodging": "a hotel near the station",
    "agent": {"name": "Seto Travel", "contact": "agent-canary@travel.example"},
    "needs": "two vegetarian lunches",
}


def drafted(world: World, by: User, **changes: Any) -> dict[str, Any]:
    """A draft made through the API."""
    reply = world.as_(by).post("/invitations", json=body_of_a_post(**changes))
    assert reply.status_code == 201, reply.json
    return dict(reply.json)


def submitted(world: World, by: User, **changes: Any) -> dict[str, Any]:
    post = drafted(world, by, **changes)
    reply = world.as_(by).post(f"/invitations/{post['id']}/actions/submit")
    assert reply.status_code == 200, reply.json
    return dict(reply.json)


def published(world: World, by: User, **changes: Any) -> dict[str, Any]:
    post = submitted(world, by, **changes)
    reply = world.as_(world.admin).post(f"/invitations/{post['id']}/actions/publish")
    assert reply.status_code == 200, reply.json
    return dict(world.as_(by).get(f"/invitations/{post['id']}").json)


def seen_by(world: World, who: User | None, post: Invitation | dict[str, Any]) -> dict[str, Any]:
    """The post as somebody reads it."""
    post_id = post["id"] if isinstance(post, dict) else post.id
    reply = world.as_(who).get(f"/invitations/{post_id}")
    assert reply.status_code == 200, reply.json
    return dict(reply.json)
