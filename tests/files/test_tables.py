"""CSV and XLSX: the same rows in cells, safe to open in a spreadsheet and safe to read from a stranger."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.formula import ArrayFormula
from sqlalchemy import func, select

from iew.cli import tables
from iew.models import Event, Invitation, School
from iew.schemas.exchange import FORMULA_STARTS, Cell, Column, cells_of, columns_of, disarmed, rearmed, row_of
from tests.files.conftest import Shell
from tests.files.rows import post_row, school_row
from tests.invitations.bodies import TRAVEL
from tests.world import World

Ndjson = Callable[..., Path]
CONTACT = {"name": "Canary", "role": None, "email": "canary@export.example", "phone": "0912345678"}
FORMATS = ("ndjson", "csv", "xlsx")
TRICKY = [
    *(f"{start}1+1" for start in FORMULA_STARTS if start not in "\t\r"),
    "'=1+1",
    "''=1+1",
    "'quoted'",
    'a,b;c"d',
    "a|b",
    "[1]",
    "0912345678",
    "1e5",
    "TRUE",
    "2027-04-01",
    "漢字 𠮷 👨‍👩‍👧‍👦",
]


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    book.save(path)
    return path


def everything(world: World) -> dict[str, Any]:
    """What the database says of schools and posts, without times and versions."""
    with world.unit_of_work() as uow:
        schools = {
            school.ref or school.id: [getattr(school, c.name) for c in columns_of("schools", with_contact=False)[1:]]
            for school in uow.session.scalars(select(School))
        }
        posts = {}
        for post in uow.session.scalars(select(Invitation)):
            contact = post.contact
            data = [getattr(contact, n, None) for n in ("name", "role", "email", "phone", "agent_contact")]
            posts[post.ref or post.id] = [post.body, data]
        return schools | posts


def filled(world: World, shell: Shell, ndjson: Ndjson) -> None:
    """Posts with everything in them, published."""
    rows = [
        post_row(
            f"p-{number}",
            title=text,
            description=f"{text}\nsecond line",
            topics=[text[:60], "tea"],
            translations=[{"language": "ja", "title": text, "description": None}],
            contact=CONTACT,
            travel=TRAVEL | {"activities": [text], "needs": text},
            target_countries=["JP", "KR"],
        )
        for number, text in enumerate(TRICKY)
    ]
    rows.append(post_row("bare", group=None, periods=[], topics=[], grades=[]))
    result = shell("import", "invitations", ndjson(*rows), "--publish")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("text", [*TRICKY, "\tx", "\rx", "", "'", "''", "'x", "-5"])
def test_what_is_disarmed_comes_back_exactly(text: str) -> None:
    assert rearmed(disarmed(text)) == text
    assert not disarmed(text).startswith(FORMULA_STARTS)


@pytest.mark.parametrize("value", [["a", "b"], ["a|b", "c"], ["[x]"], [" a"], [""], [], ["=1", "-2"], ["'=1"]])
def test_lists_come_back_exactly(value: list[str]) -> None:
    column = Column("topics", Cell.TEXTS)
    cell = cells_of({"topics": value}, [column])[0]

    assert row_of({"topics": cell}, {"topics": column}).get("topics", []) == value
    assert not str(cell).startswith(FORMULA_STARTS)


@pytest.mark.parametrize("form", FORMATS)
def test_export_then_import_is_a_round_trip(
    world: World, shell: Shell, ndjson: Ndjson, tmp_path: Path, form: str
) -> None:
    filled(world, shell, ndjson)
    before, states = everything(world), world.snapshot()
    files = {kind: tmp_path / f"{kind}.{form}" for kind in ("schools", "invitations")}
    for kind, file in files.items():
        result = shell("export", kind, "--with-contact", "--output", file)
        assert result.exit_code == 0, result.stderr

    for kind, file in files.items():
        result = shell("import", kind, file)
        assert result.exit_code == 0, result.stderr
        assert "0 new, 0 updated" in result.stdout
    assert world.snapshot() == states

    with world.unit_of_work() as uow:
        for table in ("contacts", "outbox", "revisions", "invitations", "schools"):
            uow.session.connection().exec_driver_sql(f"delete from {table}")
    for kind, file in files.items():
        assert shell("import", kind, file, *(["--publish"] if kind == "invitations" else [])).exit_code == 0
    assert everything(world) == before


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_made_here_goes_out_under_its_id_and_comes_back_to_it(
    world: World, shell: Shell, tmp_path: Path, form: str
) -> None:
    post = world.invitation(world.osaka, travel=TRAVEL | {"agent": {"name": "Seto Travel"}})
    draft = world.invitation(world.tainan, status="draft", title="=1")
    states = world.snapshot()
    file = tmp_path / f"posts.{form}"
    assert shell("export", "invitations", "--output", file).stdout == f"2 invitations in {file}\n"

    result = shell("import", "invitations", file)

    assert result.stdout == "invitations: 0 new, 0 updated, 2 unchanged\n"
    assert world.snapshot() == states
    assert world.now_is(post).ref is None
    assert world.now_is(draft).title == "=1"


@pytest.mark.parametrize("kind", ["schools", "invitations", "matches"])
@pytest.mark.parametrize("form", FORMATS)
def test_contact_data_goes_out_only_when_it_is_asked_for(
    world: World, shell: Shell, ndjson: Ndjson, tmp_path: Path, kind: str, form: str
) -> None:
    filled(world, shell, ndjson)
    world.match(world.osaka, world.invitation(world.tainan), status="agreed", message="canary in a message")
    file = tmp_path / f"out.{form}"

    for words, there in (((), False), (("--with-contact",), kind != "schools")):
        assert shell("export", kind, "--output", file, *words).exit_code == 0
        assert ("canary" in _text_of(file).lower()) is there
        assert "canary in a message" not in _text_of(file)
    with world.unit_of_work() as uow:
        lines = uow.session.scalars(select(Event).where(Event.action == "export").order_by(Event.id)).all()
    assert [(line.subject_id, line.details["with_contact"]) for line in lines] == [(kind, False), (kind, True)]
    assert lines[0].details["rows"] > 0


@pytest.mark.parametrize("form", FORMATS)
def test_the_meetings_of_a_case_go_out_with_it_but_not_their_room(
    world: World, shell: Shell, tmp_path: Path, form: str
) -> None:
    match, file = world.match(status="agreed"), tmp_path / f"cases.{form}"
    starts = [datetime(2027, 3, day, 2, 0, tzinfo=UTC) for day in (1, 2)]
    world.meeting(
        match, status="agreed", starts=starts, agreed_start=starts[1], agreed_minutes=30, link="https://meet.example/r",
        reason="my number is 0912345678",
    )  # fmt: skip
    world.meeting(match, starts=starts[:1])

    assert shell("export", "matches", "--output", file, "--with-contact").exit_code == 0

    if form == "ndjson":
        agreed, proposed = json.loads(file.read_text(encoding="utf-8"))["meetings"]
        assert agreed == {
            "proposed_by": match.asking_school_id,
            "status": "agreed",
            "starts": [start.isoformat() for start in starts],
            "minutes": 45,
            "agreed_start": starts[1].isoformat(),
            "agreed_minutes": 30,
        }
        assert (proposed["status"], proposed["agreed_start"]) == ("proposed", None)
    assert starts[1].isoformat() in _text_of(file)
    assert "meet.example" not in _text_of(file) and "0912345678" not in _text_of(file)


def _text_of(file: Path) -> str:
    if file.suffix != ".xlsx":
        return file.read_text(encoding="utf-8")
    return str([list(row) for row in load_workbook(file).worksheets[0].iter_rows(values_only=True)])


def test_no_cell_of_a_table_is_a_formula(world: World, shell: Shell, ndjson: Ndjson, tmp_path: Path) -> None:
    """H098."""
    filled(world, shell, ndjson)
    shell("export", "invitations", "--output", tmp_path / "a.csv", "--with-contact")
    shell("export", "invitations", "--output", tmp_path / "a.xlsx", "--with-contact")

    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    cells = [cell for row in csv.reader(io.StringIO(raw.decode("utf-8-sig"))) for cell in row]
    book = load_workbook(tmp_path / "a.xlsx")
    for cell in book.worksheets[0]._cells.values():
        assert cell.data_type in ("s", "n", "inlineStr", "b")
        cells.append(str(cell.value))
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith(FORMULA_STARTS)]


@pytest.mark.parametrize("status", [("published",), ("draft", "published"), ()])
def test_posts_can_be_chosen_by_their_state(world: World, shell: Shell, status: tuple[str, ...]) -> None:
    for state in ("draft", "published", "closed"):
        world.invitation(world.osaka, status=state, title=state)

    words = [word for state in status for word in ("--status", state)]
    result = shell("export", "invitations", *words)

    titles = {json.loads(line)["title"] for line in result.stdout.splitlines()}
    assert titles == set(status or ("draft", "published", "closed"))


def test_schools_that_are_not_approved_do_not_go_out(world: World, shell: Shell) -> None:
    newcomer = world.user(school=world.school(status="pending", name="Not yet"))
    world.invitation(newcomer, status="draft", title="Not yet either")

    assert shell("export", "schools").stdout == ""
    assert shell("export", "invitations").stdout == ""


def test_an_export_that_fails_leaves_no_file_behind(world: World, shell: Shell, tmp_path: Path) -> None:
    text = {"language": "ja", "title": "x", "description": "漢" * 20_000}
    world.invitation(world.osaka, translations=[text, text | {"language": "ko"}])

    result = shell("export", "invitations", "--output", tmp_path / "a.xlsx")

    assert result.exit_code == 1
    assert "too long for a cell" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_exported_file_is_for_the_operator_alone(world: World, shell: Shell, tmp_path: Path) -> None:
    world.invitation(world.osaka)
    shell("export", "invitations", "--with-contact", "--output", tmp_path / "a.ndjson")

    assert (tmp_path / "a.ndjson").stat().st_mode & 0o077 == 0


# reading tables


def test_a_table_from_a_persons_hand(world: World, shell: Shell, tmp_path: Path) -> None:
    head = ["ref", "title", "content_language", "school.ref", "school.name", "school.country", "school.county",
            "school.level", "levels", "grades", "group.students", "periods", "expires_on", "contact.phone",
            "contact.name"]  # fmt: skip
    row = ["p-1", "Tea", "en", "s-1", "A school", "TW", "TNN", "primary", "primary|junior_high", "5 | 6", "12",
           '[{"start": "2027-04-01", "end": "2027-04-02"}]', "2028-01-31", "0912345678", "Lin"]  # fmt: skip
    cells: list[Any] = [*row[:9], "5|6", 12.0, row[11], datetime(2028, 1, 31), 912345678, "Lin"]  # noqa: DTZ001
    text = io.StringIO()
    csv.writer(text).writerows([head, row, [""] * len(head)])
    (tmp_path / "a.csv").write_text(text.getvalue(), encoding="utf-8")
    workbook(tmp_path / "a.xlsx", head, [None], cells)

    for file, phone in (("a.csv", "0912345678"), ("a.xlsx", "912345678")):
        assert shell("import", "invitations", tmp_path / file).exit_code == 0
        with world.unit_of_work() as uow:
            post = uow.session.scalars(select(Invitation)).one()
            assert (post.levels, post.grades) == (["primary", "junior_high"], [5, 6])
            assert post.group == {"students": 12, "male": None, "female": None, "teachers": None}
            assert post.periods == [{"start": "2027-04-01", "end": "2027-04-02"}]
            assert post.expires_on == date(2028, 1, 31)
            assert post.contact is not None
            assert post.contact.phone == phone


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_formula_comes_in_as_text(world: World, shell: Shell, tmp_path: Path, start: str) -> None:
    """H097."""
    name = f"{start.strip() or '='}SUM(A1)"
    head = ["ref", "name", "country", "level"]
    text = io.StringIO()
    csv.writer(text).writerows([head, ["s-1", name, "JP", "primary"]])
    (tmp_path / "a.csv").write_text(text.getvalue(), encoding="utf-8")
    workbook(tmp_path / "a.xlsx", head, ["s-1", name, "JP", "primary"])

    for file in ("a.csv", "a.xlsx"):
        assert shell("import", "schools", tmp_path / file).exit_code == 0
        with world.unit_of_work() as uow:
            assert uow.session.scalars(select(School.name)).one() == name


def test_a_formula_over_several_cells_is_text_too(world: World, shell: Shell, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["ref", "name", "country", "level"])
    sheet.append(["s-1", None, "JP", "primary"])
    sheet["B2"] = ArrayFormula("B2:B3", "=SUM(A1:A2*B1:B2)")
    book.save(tmp_path / "a.xlsx")

    assert shell("import", "schools", tmp_path / "a.xlsx").exit_code == 0
    with world.unit_of_work() as uow:
        assert uow.session.scalars(select(School.name)).all() == ["=SUM(A1:A2*B1:B2)"]


HEADS: dict[str, tuple[list[str], str]] = {
    "no ref": (["name", "country"], "line 1, ref: This column is needed."),
    "unknown column": (["ref", "nose"], "line 1, nose: There is no such column."),
    "a column twice": (["ref", "name", "name"], "line 1: A column stands twice."),
    "a gap": (["ref", "", "name"], "line 1, ?: There is no such column."),
    "empty": ([], "line 1, ref: This column is needed."),
}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("name", HEADS)
def test_the_first_line_names_the_columns(shell: Shell, tmp_path: Path, name: str, form: str) -> None:
    head, told = HEADS[name]
    file = tmp_path / f"a.{form}"
    if form == "csv":
        file.write_text(",".join(head) + "\nx,y,z\n", encoding="utf-8")
    else:
        workbook(file, head, ["x", "y", "z"])

    result = shell("import", "schools", file)

    assert (result.exit_code, result.stderr) == (1, f"iew: {told}\n")


CELLS: dict[str, tuple[dict[str, Any], str]] = {
    "a word for a number": ({"group.students": "many"}, "line 2, group.students: "),
    "full-width digits": ({"group.students": "１２"}, "line 2, group.students: "),
    "a broken number": ({"group.students": "1.5"}, "line 2, group.students: "),
    "no JSON": ({"periods": "2027-04-01"}, "line 2, periods: Write the codes"),
    "broken JSON": ({"periods": "[{"}, "line 2, periods: Write the codes"),
    "deep JSON": ({"periods": "[" * 20_000}, "line 2, periods: "),
    "JSON of the wrong kind": ({"periods": "[1]"}, "line 2, periods.0: "),
    "an unknown code": ({"levels": "primary|kindergarten"}, "line 2, levels.1: "),
    "a day with a time": ({"expires_on": "2027-01-31T10:00:00"}, "line 2, expires_on: "),
    "NUL": ({"title": "a\0b"}, "line 2, title: "),
    "too long": ({"title": "x" * 201}, "line 2, title: "),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_bad_cell_is_told_at_its_column(world: World, shell: Shell, tmp_path: Path, name: str) -> None:
    change, told = CELLS[name]
    cells = {
        "ref": "p-1", "title": "Tea", "content_language": "en", "school.ref": "s-1", "school.name": "A school",
        "school.country": "JP", "school.level": "primary", "levels": "primary", "group.students": "12",
        "periods": "", "expires_on": "2027-12-31",
    } | change  # fmt: skip
    text = io.StringIO()
    csv.writer(text).writerows([list(cells), list(cells.values())])
    (tmp_path / "a.csv").write_text(text.getvalue(), encoding="utf-8")

    result = shell("import", "invitations", tmp_path / "a.csv")

    assert result.exit_code == 1
    assert result.stderr.startswith(told), result.stderr


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("ref,name,country,level\nx,y,JP,primary,more\n", "line 2: This line has more cells than the first one."),
        ('ref,name,country,level\nx,"y,JP,primary\n', "line 2: A quotation mark in this line is not closed"),
        ("ref,name,country,level\n" + "x" * 2_000_000 + ",y,JP,primary\n", "line 2: A quotation mark"),
        ('ref,name,country,level\na,"two\nlines",JP,primary\nb,,JP,primary\n', "line 2, name: "),
    ],
)
def test_a_broken_line_of_a_table_is_told(shell: Shell, tmp_path: Path, body: str, told: str) -> None:
    (tmp_path / "a.csv").write_text(body, encoding="utf-8", newline="")

    result = shell("import", "schools", tmp_path / "a.csv")

    assert result.exit_code == 1
    assert result.stderr.startswith(told), result.stderr


def test_the_number_of_a_line_counts_the_lines_inside_of_cells(shell: Shell, tmp_path: Path) -> None:
    body = 'ref,name,country,level,about\na,A,JP,primary,"one\ntwo\nthree"\nb,B,XX,primary,x\n'
    (tmp_path / "a.csv").write_text(body, encoding="utf-8", newline="")

    assert shell("import", "schools", tmp_path / "a.csv").stderr.startswith("line 5, country: ")


def test_bytes_that_are_no_utf8_are_told(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"ref,name,country,level\na,\xa4\xa4\xa4\xe5,TW,primary\n")

    assert shell("import", "schools", tmp_path / "a.csv").stderr.startswith("line 2, name: ")


# workbooks that are none, or too much


def packed(path: Path, parts: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


def good_parts(tmp_path: Path) -> dict[str, bytes]:
    file = workbook(tmp_path / "good.xlsx", ["ref", "name", "country", "level"], ["s-1", "A", "JP", "primary"])
    with zipfile.ZipFile(file) as book:
        return {name: book.read(name) for name in book.namelist()}


def bomb(tmp_path: Path) -> Path:
    parts = good_parts(tmp_path)
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"] + b" " * (tables.MOST_UNPACKED + 1)
    return packed(tmp_path / "a.xlsx", parts)


def laughs(tmp_path: Path) -> Path:
    parts = good_parts(tmp_path)
    entities = b'<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = entities + sheet.replace(b"s-1", b"&b;")
    return packed(tmp_path / "a.xlsx", parts)


def crowd(tmp_path: Path) -> Path:
    parts = good_parts(tmp_path) | {f"xl/media/{number}.png": b"x" for number in range(101)}
    return packed(tmp_path / "a.xlsx", parts)


def heavy(tmp_path: Path) -> Path:
    parts = good_parts(tmp_path) | {"xl/media/1.png": b"x" * (tables.MOST_IN_WORKBOOK + 1)}
    return packed(tmp_path / "a.xlsx", parts, method=zipfile.ZIP_STORED)


def headless(tmp_path: Path) -> Path:
    return packed(tmp_path / "a.xlsx", {"hello.txt": b"hello"})


def truncated(tmp_path: Path) -> Path:
    file = workbook(tmp_path / "good.xlsx", ["ref"], ["s-1"])
    (tmp_path / "a.xlsx").write_bytes(file.read_bytes()[:-100])
    return tmp_path / "a.xlsx"


def text(tmp_path: Path) -> Path:
    (tmp_path / "a.xlsx").write_bytes(b"ref,name\n")
    return tmp_path / "a.xlsx"


def nothing(tmp_path: Path) -> Path:
    (tmp_path / "a.xlsx").write_bytes(b"")
    return tmp_path / "a.xlsx"


def broken(tmp_path: Path) -> Path:
    parts = good_parts(tmp_path)
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"][:-40] + b"<oops"
    return packed(tmp_path / "a.xlsx", parts)


@pytest.mark.parametrize("make", [bomb, laughs, crowd, heavy, headless, truncated, text, nothing, broken])
def test_a_workbook_that_is_none_or_too_much_is_refused_in_one_line(
    world: World, shell: Shell, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    """H099."""
    result = shell("import", "schools", make(tmp_path))

    assert result.exit_code == 1, result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("iew: ")
    with world.unit_of_work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(School)) == 0


def test_a_workbook_with_links_and_pictures_is_read_for_its_cells(world: World, shell: Shell, tmp_path: Path) -> None:
    parts = good_parts(tmp_path) | {
        "xl/externalLinks/externalLink1.xml": b"<externalLink/>",
        "xl/vbaProject.bin": b"macro",
    }

    assert shell("import", "schools", packed(tmp_path / "a.xlsx", parts)).exit_code == 0


def test_a_last_row_far_below_is_found(world: World, shell: Shell, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["ref", "name", "country", "level"])
    for column, value in enumerate(["far", "A", "JP", "primary"], start=1):
        sheet.cell(row=1_048_576, column=column, value=value)
    book.save(tmp_path / "a.xlsx")

    result = shell("import", "schools", tmp_path / "a.xlsx")

    assert (result.exit_code, result.stderr) == (1, "iew: A workbook may have 100000 rows; use NDJSON.\n")


def test_schools_of_every_kind_survive_a_table(shell: Shell, ndjson: Ndjson, world: World, tmp_path: Path) -> None:
    rows = [
        school_row("a", name="=cmd|' /C calc'!A0", about="line one\nline two", website="https://school.example/"),
        school_row("b", country="JP", county=None, subdivision="JP-27", region="大阪", affiliations=[]),
        school_row("c", name_en=None, ownership=None, composition=None, address='1-2-3, "East" | West'),
    ]
    shell("import", "schools", ndjson(*rows))
    before = everything(world)

    for form in ("csv", "xlsx"):
        shell("export", "schools", "--output", tmp_path / f"s.{form}")
        assert "3 unchanged" in shell("import", "schools", tmp_path / f"s.{form}").stdout
    assert everything(world) == before
