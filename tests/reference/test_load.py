"""Reference data goes into the database as often as one likes, or not at all."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, select

from config.settings import REFERENCE_DIR
from iew.db import SessionFactory
from iew.errors import Invalid
from iew.models import CoverageRow, Term, Unit
from iew.services import reference
from iew.uow import UnitOfWork


def _counts(factory: SessionFactory) -> list[int | None]:
    with UnitOfWork(factory) as uow:
        return [uow.session.scalar(select(func.count()).select_from(table)) for table in (Unit, CoverageRow, Term)]


def test_loading_twice_changes_nothing(session_factory: SessionFactory) -> None:
    before = _counts(session_factory)

    with UnitOfWork(session_factory) as uow:
        reference.load(uow, REFERENCE_DIR)

    assert _counts(session_factory) == before


def test_what_a_unit_chose_survives_a_refresh(session_factory: SessionFactory) -> None:
    with UnitOfWork(session_factory) as uow:
        uow.get(Unit, "TNN").digest_frequency = "weekly"

    with UnitOfWork(session_factory) as uow:
        reference.load(uow, REFERENCE_DIR)

    with UnitOfWork(session_factory) as uow:
        assert uow.get(Unit, "TNN").digest_frequency == "weekly"


@pytest.mark.parametrize(
    ("name", "find", "replace", "fault"),
    [
        ("offices.csv", "Asia/Seoul", "Asia/Atlantis", "there is no time zone Asia/Atlantis"),
        ("office_coverage.csv", "KR-SEL", "KR-XXX", "there is no office KR-XXX"),
        ("vocabularies.csv", "General exchange", "", "the column en is empty"),
    ],
)
def test_a_bad_row_is_named_and_changes_nothing(
    session_factory: SessionFactory, tmp_path: Path, name: str, find: str, replace: str, fault: str
) -> None:
    directory = tmp_path / "reference"
    shutil.copytree(REFERENCE_DIR, directory)
    file = directory / name
    file.write_text(file.read_text(encoding="utf-8").replace(find, replace), encoding="utf-8")
    before = _counts(session_factory)

    with pytest.raises(Invalid) as raised, UnitOfWork(session_factory) as uow:
        reference.load(uow, directory)

    assert fault in str(raised.value)
    assert name in str(raised.value)
    assert _counts(session_factory) == before


def test_an_office_that_is_no_longer_listed_is_disabled_not_deleted(
    session_factory: SessionFactory, tmp_path: Path
) -> None:
    lines = (REFERENCE_DIR / "offices.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "offices.csv").write_text("".join(line for line in lines if not line.startswith("PY-ASU")))

    with UnitOfWork(session_factory) as uow:
        reference.load(uow, tmp_path)

    with UnitOfWork(session_factory) as uow:
        assert uow.get(Unit, "PY-ASU").enabled is False


def test_a_directory_without_any_of_the_files_is_refused(session_factory: SessionFactory, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="holds none of"), UnitOfWork(session_factory) as uow:
        reference.load(uow, tmp_path)
