"""A search as the pages ask for it: the parameters of the address, read by the schema of the API."""

from collections.abc import Collection, Mapping
from typing import Any

from iew.errors import Unavailable
from iew.uow import UnitOfWork


def params_asked(without: Collection[str] = ()) -> dict[str, Any]:
    return {}


def search_by(uow: UnitOfWork, params: Mapping[str, Any], *, limit: int = 20) -> Mapping[str, Any]:
    raise Unavailable


def figures(uow: UnitOfWork) -> list[tuple[str, int]]:
    return []
