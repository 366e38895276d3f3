"""Who acts. The rules ask an actor for its role and body, never for a session or a request."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from iew.errors import N_


class Role(StrEnum):
    SCHOOL = "school"  # staff of a school, at home or abroad
    IERC = "ierc"  # staff of a regional centre
    OFFICE = "office"  # liaison at an office abroad
    IEW_ADMIN = "iew_admin"  # checks posts, routes cases
    SYSTEM_ADMIN = "system_admin"  # runs the machine; sees no contact data


@dataclass(frozen=True)
class Actor:
    """A signed-in person, a visitor (no `user_id`), or the system itself."""

    user_id: str | None = None
    role: Role | None = None
    school_id: str | None = None
    unit_code: str | None = None
    language: str = "en"
    timezone: str = "Asia/Taipei"
    email_confirmed: bool = True
    school_approved: bool = False
    is_system: bool = False
    link_to: str | None = None
    """The one subject that a signed link in a mail opens for a visitor."""

    @property
    def signed_in(self) -> bool:
        return self.user_id is not None

    @property
    def is_admin(self) -> bool:
        """An IEW administrator; the system administrator is not one."""
        return self.role is Role.IEW_ADMIN

    @property
    def is_operator(self) -> bool:
        return self.role in (Role.IEW_ADMIN, Role.SYSTEM_ADMIN)

    @property
    def is_unit(self) -> bool:
        return self.role in (Role.IERC, Role.OFFICE)


VISITOR = Actor()
SYSTEM = Actor(is_system=True)

NAMES_WITHOUT_BODY: Final = {
    Role.IEW_ADMIN.value: N_("IEW administrator"),
    Role.SYSTEM_ADMIN.value: N_("System administrator"),
    "system": N_("The window itself"),
    "visitor": N_("A visitor"),
}
"""How those are called to others who act for no school and no unit; people are shown by their body, never by name."""
