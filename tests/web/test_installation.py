"""What must not change by accident between two starts."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from config.settings import Settings, SettingsError
from iew.app import build, check_installation
from iew.services import installation
from iew.web.house import House
from tests.parts import Parts


@pytest.fixture
def variables(parts: Parts, committed_database_url: str) -> dict[str, str]:
    return parts.variables | {"IEW_DATABASE_URL": committed_database_url, "IEW_SECRET_KEY": "the first secret key"}


@pytest.fixture
def house(variables: dict[str, str]) -> Iterator[House]:
    made = build(Settings.from_environ(variables))
    yield made
    assert made.engine is not None
    made.engine.dispose()


def with_key(house: House, key: str) -> House:
    house.secret_key = key
    return house


def test_the_first_key_is_kept_and_no_other_taken(house: House) -> None:
    check_installation(house)
    check_installation(house)

    with pytest.raises(SettingsError, match="IEW_SECRET_KEY"):
        check_installation(with_key(house, "another secret key"))


def test_a_key_that_was_changed_on_purpose_is_taken(house: House) -> None:
    check_installation(house)
    with house.unit_of_work() as uow:
        installation.forget_secret(uow)

    check_installation(with_key(house, "another secret key"))

    with pytest.raises(SettingsError):
        check_installation(with_key(house, "the first secret key"))


def test_the_key_itself_is_not_kept(house: House) -> None:
    check_installation(house)

    with house.unit_of_work() as uow:
        kept = uow.session.execute(text("select * from fingerprints")).all()
    assert len(kept) == 1 and house.secret_key not in str(kept)


@pytest.mark.parametrize("state", ["update alembic_version set version_num = '0000'", "drop table alembic_version"])
def test_a_database_of_another_release_is_refused(house: House, state: str) -> None:
    with house.unit_of_work() as uow:
        uow.session.execute(text(state))

    with pytest.raises(SettingsError, match="iew db upgrade"):
        check_installation(house)


def test_a_database_that_is_away_stops_no_start(variables: dict[str, str]) -> None:
    away = build(Settings.from_environ(variables | {"IEW_DATABASE_URL": "postgresql+psycopg://x:y@127.0.0.1:1/none"}))

    check_installation(away)

    assert away.engine is not None
    away.engine.dispose()
