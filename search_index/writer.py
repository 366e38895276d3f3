"""Brings documents into the index, and builds a new index behind the alias without a moment of absence.

Writes carry the document's own version: an older one that comes late is refused by the engine, and that is no fault.
A document that may no longer be found is overwritten by a tombstone, never deleted: the engine forgets the version of
what was deleted after a minute, and a late write would bring it back.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from opensearchpy.exceptions import RequestError

from search_index.cluster import BUILD_SECONDS, TOO_MANY_REQUESTS, Cluster
from search_index.document import Document
from search_index.errors import IndexOutdated, SearchBusy, SearchUnavailable, WriteRefused
from search_index.lexicon import Lexicon
from search_index.mapping import REFRESH, index_body, source_of

BATCH: Final = 200
BUILD_BATCH: Final = 500
_CALLED: Final = {"lexicon": "other words", "form": "another mapping"}
_NEVER: Final = "-1"
_TRY_AGAIN: Final = frozenset({408, 500, 502, 503, 504})
PAUSES: Final = (2.0, 5.0, 10.0, 30.0)
"""Seconds between the tries while an engine that is being filled says that it is busy."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: taken, or refused because the index holds a newer version already."""

    taken: int = 0
    outdated: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(self.taken + other.taken, self.outdated + other.outdated)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The index that now stands behind the alias, what went into it, and what was dropped."""

    index: str
    written: Written
    dropped: tuple[str, ...]


class Entry(Protocol):
    """What an index holds: anything with an id and a version."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int: ...


Kept = TypeVar("Kept", bound=Entry)


class Projection(Generic[Kept]):
    """Writes to the index behind the alias; never makes an index by writing."""

    waiting: ClassVar[str] = "wait_for"
    """How the engine is asked to answer only when what was written can be found."""

    def __init__(self, cluster: Cluster, lexicon: Lexicon) -> None:
        self.cluster = cluster
        self.lexicon = lexicon

    def source_of(self, entry: Kept) -> dict[str, Any]:
        """The engine's form of an entry."""
        raise NotImplementedError

    def index_body(self, *, refresh: str) -> dict[str, Any]:
        """Settings and mapping of a new index."""
        return index_body(self.lexicon.version, refresh=refresh)

    def differs_in(self, index: str | None = None) -> tuple[str, ...]:
        """In what the index behind the alias (or another) was built otherwise than we would: `lexicon`, `form`.

        Raises SearchUnavailable, IndexMissing.
        """
        built = self.cluster.meta_of(index or self.cluster.names.alias)
        wanted = self.index_body(refresh=REFRESH)["mappings"]["_meta"]
        return tuple(name for name in wanted if built.get(name) != wanted[name])

    def check_current(self, index: str | None = None) -> None:
        """Raise IndexOutdated where the index behind the alias (or another) was built otherwise than we would.

        Also raises SearchUnavailable, IndexMissing.
        """
        differing = self.differs_in(index)
        if differing:
            raise IndexOutdated(" and ".join(_CALLED[name] for name in differing))

    def write(self, document: Kept, *, wait: bool = False) -> bool:
        """Write one document at its version; False where the index holds a newer one.

        wait: until it can be found. Raises SearchUnavailable, WriteRefused.
        """
        return self.write_many([document], wait=wait).taken == 1

    def write_many(self, documents: Iterable[Kept], *, wait: bool = False) -> Written:
        """Write documents in batches under the alias.

        Raises SearchUnavailable, IndexOutdated (before anything is written), WriteRefused.
        """
        self.check_current()
        return self._write_to(self.cluster.names.alias, documents, alias=True, wait=wait)

    def ensure(self, *, now: datetime) -> bool:
        """Make an empty index behind the alias where there is none; True if one was made.

        Checks first that the engine has the analysers we need. Raises PluginMissing, SearchUnavailable.
        """
        self.cluster.check_plugins()
        if self.cluster.index_behind_alias() is not None:
            return False
        index = self._create(now)
        self._point_alias_at(index)
        return True

    def rebuild(
        self,
        documents: Callable[[], Iterable[Kept]],
        changed_since: Callable[[datetime], Iterable[Kept]],
        clock: Callable[[], datetime],
    ) -> Rebuilt:
        """Fill a new index, point the alias at it, drop the others. The caller sees to it that only one runs.

        documents: everything, as it stands when it is asked. changed_since: what changed from a moment on; asked once
        before the alias turns and once after, so that a write which went to the old index is not lost. If anything
        fails before the alias turns, the new index is dropped and the old one stays.
        """
        self.cluster.check_plugins()
        began = clock()
        index = self.create_unrefreshed(began)
        try:
            written = self._pour_into(index, documents())
            turning = clock()
            written += self._write_to(index, changed_since(began))
            self._settle(index)
            self.check_current(index)  # somebody may have dropped it; the engine then makes one of its own of a write
            dropped = self._point_alias_at(index)
        except BaseException:
            self._abandon(index)
            raise
        written += self._write_to(index, changed_since(turning))
        self._refresh(index)
        self._drop(dropped)
        return Rebuilt(index, written, tuple(dropped))

    def drop_everything(self) -> None:
        """Drop all our dated indices with their alias: for tests and for taking the service down."""
        self._drop(self._dated())

    # steps

    def create_unrefreshed(self, now: datetime) -> str:
        """A new dated index behind no alias, which shows nothing while it is filled; its name."""
        return self._create(now, refresh=_NEVER)

    def _create(self, now: datetime, *, refresh: str = REFRESH) -> str:
        name = self.cluster.names.dated(f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}")
        body = self.index_body(refresh=refresh)
        self.cluster.ask(
            lambda: self.cluster.client.indices.create(index=name, body=body, params={"request_timeout": BUILD_SECONDS})
        )
        return name

    def _point_alias_at(self, index: str) -> list[str]:
        """Turn the alias in one step; the other dated indices come back, to be dropped."""
        alias, others = self.cluster.names.alias, [name for name in self._dated() if name != index]
        actions: list[dict[str, Any]] = [
            {"remove": {"index": name, "alias": alias, "must_exist": False}} for name in others
        ]
        actions.append({"add": {"index": index, "alias": alias, "is_write_index": True}})
        self.cluster.ask(
            lambda: self.cluster.client.indices.update_aliases(
                body={"actions": actions}, params={"request_timeout": BUILD_SECONDS}
            )
        )
        return others

    def _dated(self) -> list[str]:
        params = {"request_timeout": self.cluster.index_seconds, "allow_no_indices": "true"}
        pattern = self.cluster.names.pattern
        found = self.cluster.ask(lambda: self.cluster.client.indices.get(index=pattern, params=params))
        return sorted(found)

    def _drop(self, indices: Iterable[str]) -> None:
        names = ",".join(indices)
        if names:
            params = {"request_timeout": BUILD_SECONDS, "ignore_unavailable": "true"}
            self.cluster.ask(lambda: self.cluster.client.indices.delete(index=names, params=params))

    def _settle(self, index: str) -> None:
        """From now on writes are findable soon; everything written so far at once."""
        body = {"index": {"refresh_interval": REFRESH}}
        self.cluster.ask(
            lambda: self.cluster.client.indices.put_settings(
                index=index, body=body, params={"request_timeout": BUILD_SECONDS}
            )
        )
        self._refresh(index)

    def _abandon(self, index: str) -> None:
        """Drop an index that is not finished, unless the alias turned although we did not hear of it.

        Where the engine does not answer it is left over; the next rebuild drops it.
        """
        with suppress(SearchUnavailable):
            if self.cluster.index_behind_alias() != index:
                self._drop([index])

    def _refresh(self, index: str) -> None:
        self.cluster.ask(
            lambda: self.cluster.client.indices.refresh(index=index, params={"request_timeout": BUILD_SECONDS})
        )

    def _write_to(self, index: str, documents: Iterable[Kept], *, alias: bool = False, wait: bool = False) -> Written:
        written = Written()
        for batch in _batches(documents, BATCH):
            written += self.send(index, self.lines_of(batch), alias=alias, wait=wait)
        return written

    def _pour_into(self, index: str, documents: Iterable[Kept]) -> Written:
        """As `_write_to`, for many: the next batch is made while the engine takes the last one."""
        written = Written()
        with ThreadPoolExecutor(1, thread_name_prefix="bulk") as sender:
            sending: Future[Written] | None = None
            for batch in _batches(documents, BUILD_BATCH):
                lines = self.lines_of(batch)
                written += sending.result() if sending else Written()
                sending = sender.submit(self._send_patiently, index, lines)
            return written + (sending.result() if sending else Written())

    def lines_of(self, batch: Iterable[Kept]) -> list[dict[str, Any]]:
        """What the engine's bulk call takes for these entries."""
        lines: list[dict[str, Any]] = []
        for document in batch:
            action = {"_id": document.id, "version": document.version, "version_type": "external"}
            lines += [{"index": action}, self.source_of(document)]
        return lines

    def _send_patiently(self, index: str, lines: list[dict[str, Any]]) -> Written:
        """As `send`, but wait while the engine has too much to do: what took half an hour is not thrown away for a
        moment without memory. What it took of the lines already it then calls outdated."""
        for pause in PAUSES:
            try:
                return self.send(index, lines)
            except SearchBusy:
                time.sleep(pause)
        return self.send(index, lines)

    def send(self, index: str, lines: list[dict[str, Any]], *, alias: bool = False, wait: bool = False) -> Written:
        """Send what `lines_of` made, under the alias or into one index. Raises SearchUnavailable, WriteRefused."""
        params = {
            "request_timeout": self.cluster.index_seconds if alias else BUILD_SECONDS,
            "require_alias": "true" if alias else "false",
            "refresh": self.waiting if wait else "false",
        }
        try:
            reply = self.cluster.ask(lambda: self.cluster.client.bulk(index=index, body=lines, params=params))
        except RequestError as fault:
            raise WriteRefused(f"the search engine refused {len(lines) // 2} documents: {fault.error}") from fault
        return _outcome(reply)


class Writer(Projection[Document]):
    """Writes documents."""

    def source_of(self, entry: Document) -> dict[str, Any]:
        return source_of(entry, self.lexicon)


def _batches(documents: Iterable[Kept], size: int) -> Iterator[list[Kept]]:
    rest = iter(documents)
    while batch := list(islice(rest, size)):
        yield batch


def _outcome(reply: dict[str, Any]) -> Written:
    """Read the status of each item: a reply of 200 says nothing about them."""
    taken = outdated = 0
    for item in reply["items"]:
        result = item["index"]
        status = int(result["status"])
        if status < 300:
            taken += 1
        elif status == 409:
            outdated += 1
        elif status == TOO_MANY_REQUESTS:
            raise SearchBusy
        elif status in _TRY_AGAIN or status == 404:
            raise SearchUnavailable(f"the search engine took not every document ({status})")
        else:
            reason = result.get("error", {}).get("reason", status)
            raise WriteRefused(f"the search engine refused {result['_id']}: {reason}")
    return Written(taken, outdated)
