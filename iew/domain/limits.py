"""The deadlines and bounds of the window; the entry points fill them from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """Days unless the name says otherwise."""

    reminder_days: int = 7
    """An invited school that has not answered is reminded."""
    no_reply_days: int = 14
    """After this a direct request ends as `no_reply`."""
    take_up_days: int = 7
    """A unit accepts a routed case within this, else it is overdue."""
    admin_queue_days: int = 7
    """A case in the administrator's queue is overdue after this."""
    in_progress_days: int = 60
    report_days: int = 14
    """After the last planned day."""
    report_without_date_days: int = 90
    """After agreement, where no day is planned."""
    returned_reminder_days: int = 14
    returned_close_days: int = 30
    expiry_notice_days: int = 14
    contact_after_end_days: int = 90
    """How long the other school may still read a contact after the match ended."""
    mail_link_days: int = 14
    session_hours: int = 12
    session_idle_school_minutes: int = 480
    session_idle_operator_minutes: int = 30
    sign_in_failures: int = 5
    sign_in_lock_minutes: int = 15
    expires_months_ahead: int = 24
    search_queries_per_second: int = 5

    @classmethod
    def of(cls, changes: Mapping[str, int]) -> "Limits":
        """The defaults with `changes`; raises ValueError that names an unknown limit."""
        unknown = sorted(set(changes) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"IEW_LIMITS names no known limit: {', '.join(unknown)}")
        return cls(**changes)
