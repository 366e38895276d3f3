"""The tables of words."""

from pathlib import Path

import pytest

from iew.app import LEXICON_DIR
from search_index import readings, wordlists
from search_index.cluster import Cluster
from search_index.lexicon import Lexicon

HEADING = "code,broader,related,zh-Hant,en,ja,ko\n"


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ("code,klingon\nv:x,y\n", "the columns are"),
        ("name,en\nx,y\n", "the columns are"),
        (HEADING + "v:x,,,a,b,c,d,e\n", "line 2"),
        (HEADING + ",,,a,b,c,d\n", "line 2"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(tmp_path: Path, table: str, fault: str) -> None:
    (tmp_path / "topics.csv").write_text(table, encoding="utf-8")

    with pytest.raises(wordlists.BadTable, match=fault):
        wordlists.load(tmp_path)


def test_an_empty_directory_is_no_lexicon(tmp_path: Path) -> None:
    with pytest.raises(wordlists.BadTable):
        wordlists.load(tmp_path)


def test_alternatives_brackets_and_relations_are_read(tmp_path: Path) -> None:
    rows = HEADING + "v:tea,v:food,v:milk,茶|茶葉,Tea (drink)|tea leaf,お茶,차 문화\nv:food,,,食物,food,食べ物,음식\n"
    (tmp_path / "topics.csv").write_text(rows + "v:milk,,,牛奶,milk,牛乳,우유\n", encoding="utf-8")

    lexicon = wordlists.load(tmp_path)

    assert {"茶", "茶叶", "tea", "tea leaf", "お茶", "차 문화", "차문화"} <= set(lexicon.forms)
    assert "drink" not in lexicon.forms
    assert lexicon.expand(["v:tea"]) == {"v:tea", "v:food"}
    assert lexicon.related("v:milk") == ("v:tea",)
    assert lexicon.label("v:tea", "en") == "Tea"
    assert lexicon.label("v:tea", "de") == "Tea"


def test_a_filler_says_nothing_only_where_it_has_no_meaning(lexicon: Lexicon) -> None:
    assert [sense.codes for sense in lexicon.forms["school"] if "en" in sense.languages] == [()]
    assert all(sense.codes for sense in lexicon.forms["姊妹校"])


def test_every_line_of_the_tables_has_as_many_cells_as_its_heading() -> None:
    for path in LEXICON_DIR.glob("*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert {line.count(",") for line in lines if '"' not in line} == {lines[0].count(",")}, path.name


def test_the_readings_are_those_of_the_japanese_analyser(cluster: Cluster) -> None:
    terms = readings.japanese_terms(LEXICON_DIR)
    now = {(reading, wordlists.fold(term)) for term, reading in readings.readings_of(terms, cluster)}
    rows = (LEXICON_DIR / wordlists.READINGS).read_text(encoding="utf-8").splitlines()[1:]

    assert {tuple(row.split(",")) for row in rows} <= now
    assert len(rows) > 0.95 * len({pair for pair in now if pair[0].isalpha()})
