"""A life as a table: which action leads from which states to which, by whom, and what it needs.

Every noun with a status has one such table. `UnitOfWork.transition` asks it and nobody else changes a status; a guard
written in a view instead would be missing from the next view.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from iew.errors import N_, Invalid, InvalidTransition, NotAllowed, Text


@dataclass(frozen=True)
class Row:
    """One rule. `kind` None means every kind; `to` None means the state stays."""

    action: str
    kind: str | None
    from_states: frozenset[StrEnum]
    to: StrEnum | None
    who: frozenset[StrEnum]
    needs: frozenset[str]
    fact: str

    def __init__(
        self,
        action: str,
        kind: str | None,
        from_states: Iterable[StrEnum],
        to: StrEnum | None,
        who: Iterable[StrEnum],
        needs: Iterable[str],
        fact: str,
    ) -> None:
        for name, value in (
            ("action", action),
            ("kind", kind),
            ("from_states", frozenset(from_states)),
            ("to", to),
            ("who", frozenset(who)),
            ("needs", frozenset(needs)),
            ("fact", fact),
        ):
            object.__setattr__(self, name, value)

    def fits(self, kind: str | None) -> bool:
        return self.kind is None or self.kind == kind


class Lifecycle:
    """The rows of one noun, and the questions one can ask of them."""

    def __init__(self, *rows: Row) -> None:
        self.rows = rows

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.action for row in self.rows))

    @property
    def facts(self) -> frozenset[str]:
        return frozenset(row.fact for row in self.rows)

    def permit(self, action: str, *, kind: str | None, parties: frozenset[StrEnum]) -> None:
        """Raise NotAllowed where no rule, in whatever state, lets these parties act; so a stranger learns no state.

        An action that this kind does not know is refused in the same way to whom no kind would let take it.
        """
        every = [row for row in self.rows if row.action == action]
        rows = [row for row in every if row.fits(kind)] or every
        if rows and not any(row.who & parties for row in rows):
            raise NotAllowed

    def row_for(
        self,
        action: str,
        *,
        status: str,
        kind: str | None,
        parties: frozenset[StrEnum],
        details: Mapping[str, object],
    ) -> Row:
        """The rule that allows `action` now.

        Raises InvalidTransition (not in this state), Invalid (a needed detail is missing).
        """
        rows = [row for row in self.rows if row.action == action and row.fits(kind) and row.who & parties]
        here = [row for row in rows if status in row.from_states]
        if not here:
            raise InvalidTransition
        missing = [sorted(need for need in row.needs if not details.get(need)) for row in here]
        if all(missing):
            raise Invalid({name: [Text(N_("This is needed."))] for name in missing[0]})
        return here[missing.index([])]

    def available(self, *, status: str, kind: str | None, parties: frozenset[StrEnum]) -> list[str]:
        """The actions these parties can take now, in the table's order."""
        return list(
            dict.fromkeys(
                row.action for row in self.rows if row.fits(kind) and status in row.from_states and row.who & parties
            )
        )
