"""Gradebooks: one column is filled, and every other byte of the teacher's file is as it was."""

import csv
import io
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchvae.homework import gradebook
from scratchvae.homework.grade import Grade, Mark

CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Week 2 (41),Week 3 (42),Final\r\n"
    ",,,,,Manual Posting,,\r\n"
    '    Points Possible,,,,,10,23,"(read only)"\r\n'
    '"Park, Ada",17,A-017,ada,"CS ""X"", 1",9,{0},\r\n'
    '"O\'Brien, Ben",18,A-018,ben@uni.example,CS 1,,{1},=1+1\r\n'
    '"Cho, Cyn",19,A-019,cyn,CS 1,"7","{2}",\r\n'
    '"Lee, Dan",20,A-020,dan,CS 1,,3,\r\n'
)
MOODLE = (
    "식별자;성명;이메일 주소;상태;성적;최고 성적;최종 수정 (성적);피드백 댓글\n"
    "참가자 17;박아다;ada@uni.example;;{0};23;-;\n"
    '참가자 18;"벤;자민";ben@uni.example;"여러\n줄";{1};23;-;\n'
    "참가자 19;신;cyn@uni.example;;{2};23;-;"
)


def filled(path: Path, text: str, column: str, points: dict[str, float], coding: str = "utf-8",
           key: str | None = None) -> tuple[str, gradebook.Filled]:  # fmt: skip
    path.write_bytes(text.encode(coding))
    done = gradebook.fill(path, column, points, key)
    return path.read_bytes().decode(coding), done


def test_canvas_by_id_login_and_name(tmp_path: Path) -> None:
    """The cells of three students change; quotes, newlines, byte order mark, formulas stay."""
    points = {"17": 23.0, "ben@uni.example": 7.5, "chocyn_19_4711_hw": 0.0, "zoe": 3.0}
    text, done = filled(tmp_path / "e.csv", CANVAS.format("", "5", ""), "Week 3", points)
    assert text == CANVAS.format("23", "7.5", "0")
    assert (done.filled, done.missing, done.doubtful) == (3, ["zoe"], [])
    assert done.without == ["Lee, Dan"]
    for name in ("Ada Park", "Park, Ada", "A-017", "ada", "parkada_99_4711_hw", "ada park"):
        text, done = filled(tmp_path / "e.csv", CANVAS.format("", "", ""), "Week 3", {name: 4})
        assert text == CANVAS.format("4", "", ""), name


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
@pytest.mark.parametrize("names", [
    ("17", "참가자 18", "박아다_19_assignsubmission_file_"),
    ("ada@uni.example", "BEN@uni.example", "신"),
    ("Participant 17", "벤;자민_18_assignsubmission_file_", "cyn@uni.example"),
])  # fmt: skip
def test_moodle_in_another_language(names: tuple[str, ...], coding: str, tmp_path: Path) -> None:
    """By Identifier, e-mail or name, whatever the headers' language and the file's coding."""
    points = dict(zip(names, (1.0, 2.0, 3.0)))
    text, done = filled(tmp_path / "e.csv", MOODLE.format("", "-", "9"), "성적", points, coding)
    assert text == MOODLE.format("1", "2", "3") and not done.missing and not done.doubtful


def test_a_key_of_ones_own(tmp_path: Path) -> None:
    """Any table with a column that names the students."""
    text, done = filled(
        tmp_path / "e.csv", "nick\tmark\nada\t\nben\t\n", "mark", {"ben": 2}, key="nick"
    )
    assert text == "nick\tmark\nada\t\nben\t2\n" and done.without == ["row 2"]


def test_two_that_could_be_one_are_not_filled(tmp_path: Path) -> None:
    """Two rows of one name, or two submissions of one row: named, and left as they were."""
    same = 'Student,hw\nAda Park,\n"Park, Ada",\nBen Cho,\n'
    points = {"Ada Park": 1.0, "Ben Cho": 2.0, "Cho Ben": 3.0}
    text, done = filled(tmp_path / "e.csv", same, "hw", points)
    assert text == same and done.doubtful == ["Ada Park", "Ben Cho", "Cho Ben"]
    assert done.filled == 0 and "in several of its rows" in done.sentence(Path("e.csv"), "hw")


def test_bad_input_is_said_before_anything_is_written(tmp_path: Path) -> None:
    """No such column, two of them, no column of names, no table."""
    path = tmp_path / "e.csv"
    for text, column, key, sentence in (
        ("Student,hw\nAda,\n", "HW 3", None, r"no column 'HW 3'; it has 'Student', 'hw'"),
        ("Student,hw (1),hw (2)\nAda,,\n", "hw", None, "2 columns 'hw'"),
        ("nick,hw\nada,\n", "hw", None, "say which one by --key"),
        ("nick,hw\nada,\n", "hw", "mail", "no column 'mail'"),
        ("", "hw", None, "is no table"),
        ("Student,hw\n", "hw", None, "is no table"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=sentence):
            gradebook.fill(path, column, {"Ada": 1}, key)
        assert path.read_text() == text


LETTERS = st.text(st.sampled_from('ab,;"\n\t =é한'), max_size=6)


@given(
    rows=st.lists(st.lists(LETTERS, min_size=3, max_size=3), min_size=1, max_size=6),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    newline=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from(",;\t"),
)
def test_what_csv_reads_is_the_same_but_for_the_column(
    rows: list[list[str]], quoting: int, newline: str, delimiter: str
) -> None:
    """Both sides read by Python's csv: the rows before, with the points put in, are those after."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting, lineterminator=newline, delimiter=delimiter)
    table = [["who", "x", "hw", "y"], *([f"n{i}", *row] for i, row in enumerate(rows))]
    writer.writerows([[one[0], one[1], one[2], one[3]] for one in table])
    points = {f"n{i}": i + 0.5 for i in range(0, len(rows), 2)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e.csv"
        path.write_bytes(out.getvalue().encode())
        done = gradebook.fill(path, "hw", points, "who")
        after = path.read_bytes().decode()
    expected = [list(row) for row in table]
    for i in range(0, len(rows), 2):
        expected[i + 1][2] = f"{i + 0.5:g}"
    read = csv.reader(io.StringIO(after, newline=""), delimiter=delimiter)
    assert list(read) == expected and done.filled == len(points)


# ---- the class's own CSV ----


def grade_of(name: str, sentence: str = "", note: str = "") -> Grade:
    marks = [Mark("3.1", "a", 6, 6), Mark("3.10", "b", 0, 8, sentence=sentence)]
    return Grade(name, marks, True, "its own package trains", note)


def test_a_spreadsheet_takes_no_cell_for_another_thing(tmp_path: Path) -> None:
    """No cell begins a formula, no column is a number; UTF-8 that says so; short."""
    names = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", "a;=1", "ada\n=1", "박아다"]
    grades = [grade_of(name, "=cmd;=1;-2 " + "x" * 3000, "@note") for name in names]
    path = tmp_path / "g.csv"
    gradebook.write_csv(path, grades)
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["submission", "points", "of", "ex 3.1", "ex 3.10", "trains", "comments"]
    assert len(rows) == len(names) + 1
    for row in rows[1:]:
        for cell in row:
            assert not re.match(r"[=+\-@\t\r＝＋－＠]", cell) and len(cell) <= 200
            assert not re.search(r"[\n\r\t]|;[=+\-@＝＋－＠]", cell)
    assert rows[-1][0] == "박아다" and rows[-1][1:5] == ["6", "14", "6", "0"]
    assert len(gradebook.class_csv(grades * 23).encode()) < 200_000
