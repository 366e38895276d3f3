"""`iew search`, as an operator types it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from iew.cli import main
from iew.db import SessionFactory
from iew.models import Invitation
from search_index.cluster import Cluster
from search_index.lexicon import Lexicon
from search_index.searches import SearchWriter
from search_index.writer import Writer
from tests.parts import Parts
from tests.world import World

Shell = Callable[..., Result]


@pytest.fixture
def prefix(parts: Parts, lexicon: Lexicon) -> Iterator[str]:
    prefix = f"shell-{uuid4().hex[:8]}"
    yield prefix
    for name in (prefix, f"{prefix}-"):
        cluster = Cluster(parts.opensearch_url, prefix=name)
        Writer(cluster, lexicon).drop_everything()
        SearchWriter(cluster, lexicon).drop_everything()
        cluster.close()


@pytest.fixture
def shell(
    committed_database_url: str, parts: Parts, prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    """Type a command of `iew search`."""
    variables = {
        "IEW_HOME": str(tmp_path), "IEW_DATABASE_URL": committed_database_url, "IEW_REDIS_URL": parts.redis_url,
        "IEW_OPENSEARCH_URL": parts.opensearch_url, "IEW_SMTP_URL": parts.smtp_url, "IEW_INDEX_PREFIX": prefix,
        "IEW_BASE_URL": "http://localhost:8000", "IEW_SECRET_KEY": "a secret key of the tests",
        "IEW_MAIL_FROM": "window@iew.example",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def shell(*words: object) -> Result:
        return CliRunner().invoke(main, ["search", *(str(word) for word in words)])

    return shell


@pytest.fixture
def world(committed_session_factory: SessionFactory) -> World:
    return World(committed_session_factory)


def test_rebuild_then_ask_and_explain(shell: Shell, world: World) -> None:
    world.invitation(world.osaka, title="Zorblax of the sea", ref="sea")
    world.invitation(world.tainan, title="機器人社找夥伴", content_language="zh-Hant", topics=[], description="…")

    rebuilt = shell("rebuild").output
    assert "no posts" not in rebuilt
    assert "holds 0 saved searches" in rebuilt
    asked = json.loads(shell("query", "robotics", "--filter", "country=TW", "--lang", "ja", "--json").output)
    told = shell("query", "zorblax qwxzv").output
    explained = shell("explain", "ロボット zorblax").output

    assert [item["title"] for item in asked["items"]] == ["機器人社找夥伴"]
    assert {row["label"] for row in asked["facets"]["country"] if row["selected"]} == {"台湾"}
    assert "Zorblax of the sea" in told
    assert "no post has: qwxzv" in told
    assert "v:robotics" in explained
    assert "word     zorblax" in explained


def test_status_and_reconcile_tell_by_their_exit_status(shell: Shell, world: World) -> None:
    post = world.invitation(world.osaka)

    assert shell("status").exit_code == 1
    assert shell("reconcile").exit_code == 1
    assert shell("ensure").exit_code == 0
    assert [shell(command).exit_code for command in ("status", "reconcile", "ensure")] == [0, 0, 0]
    with world.unit_of_work() as uow:
        uow.get(Invitation, post.id).title = "Changed past the house"
    reply = shell("reconcile")
    assert reply.exit_code == 1
    assert f"wrong  {post.id}" in reply.output
    assert shell("reconcile", "--repair").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [("query",), ("query", "tea", "--filter", "colour=red"), ("query", "tea", "--filter", "country"), ("explain",)],
)
def test_wrong_usage_is_status_2(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell(*words).exit_code == 2


def test_asking_without_an_index_is_one_clear_line(shell: Shell) -> None:
    reply = shell("query", "tea")

    assert reply.exit_code == 1
    assert len(reply.output.strip().splitlines()) == 1


def test_without_an_index_each_command_names_the_rebuild(shell: Shell) -> None:
    for words in (("query", "tea"), ("explain", "tea"), ("reconcile",), ("status",)):
        reply = shell(*words)
        assert reply.exit_code == 1
        assert "Run `iew search rebuild`" in reply.output.strip().splitlines()[-1]


@pytest.mark.parametrize("part", ["lexicon", "form"])
def test_an_index_of_older_words_or_mapping_is_refused_until_it_is_rebuilt(
    shell: Shell, prefix: str, parts: Parts, part: str
) -> None:
    assert shell("rebuild").exit_code == 0
    cluster = Cluster(parts.opensearch_url, prefix=prefix)
    for each in (cluster, cluster.holding("searches")):
        meta = each.meta_of(each.names.alias) | {part: "older"}
        each.client.indices.put_mapping(index=each.index_behind_alias(), body={"_meta": meta})
    commands = (("query", "tea"), ("explain", "tea"), ("reconcile",), ("status",))

    for words in commands:
        reply = shell(*words)
        assert reply.exit_code == 1, words
        assert "`iew search rebuild`" in reply.output.strip().splitlines()[-1]
    assert len(shell("query", "tea").output.strip().splitlines()) == 1
    assert shell("rebuild").exit_code == 0

    assert [shell(*words).exit_code for words in commands] == [0, 0, 0, 0]
    cluster.close()


def test_judged_queries_are_judged_apart_from_the_real_index(
    shell: Shell, parts: Parts, prefix: str, tmp_path: Path
) -> None:
    school = {"ref": "s", "name": "School", "name_en": None, "country": "JP", "region": None, "county": None}
    school |= {"level": "primary", "ownership": "public", "composition": "coed", "affiliations": ["alternative"]}
    posts = [
        {"ref": key, "school": school, "title": title, "description": "", "content_language": "en",
         "exchange_types": [], "languages": ["en"], "levels": [], "topics": [], "expires_on": "2099-01-01"}
        for key, title in (("p1", "Tea"), ("p2", "Robots"))
    ]  # fmt: skip
    queries = [
        {
            "qid": "q1",
            "text": "茶",
            "ui_language": "zh-Hant",
            "filters": {"affiliations": ["alternative"]},
            "kind": "a",
        },
        {"qid": "q2", "text": "robots", "ui_language": "en", "filters": {"affiliations": ["boarding"]}, "kind": "b"},
        {"qid": "q3", "text": "robotcis", "ui_language": "en", "filters": {"countries": ["JP"]}, "kind": "b"},
    ]
    for name, rows in (("posts", posts), ("queries", queries)):
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (tmp_path / name).write_text(lines, encoding="utf-8")
    (tmp_path / "qrels").write_text("q1\tp1\t2\nq2\tp2\t2\nq3\tp2\t1\n", encoding="utf-8")

    reply = shell("evaluate", "--verbose", *(f"--{name}={tmp_path / name}" for name in ("posts", "queries", "qrels")))

    assert reply.exit_code == 0, reply.output
    figures = {line.split()[0]: line.split()[1:3] for line in reply.output.splitlines() if line.split()[:1]}
    assert "robotcis -> v:robotics" in reply.output
    assert figures["a"] == ["1", "1.000"]
    assert figures["b"] == ["2", "0.500"]
    assert figures["overall"] == ["3", "0.667"]
    left = Cluster(parts.opensearch_url).client.indices.get(index=f"{prefix}*", params={"allow_no_indices": "true"})
    assert left == {}


def test_judging_without_an_engine_is_one_clear_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IEW_OPENSEARCH_URL", "http://127.0.0.1:1")
    empty = tmp_path / "empty"
    empty.touch()

    reply = shell("evaluate", *(f"--{name}={empty}" for name in ("posts", "queries", "qrels")))

    assert reply.exit_code == 1
    assert len(reply.output.strip().splitlines()) == 1
