"""Gradebooks: one column is filled, and every other byte of the teacher's file is as it was."""

import csv
import io
import re
import tempfile
import unicodedata
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
    ("17", "참가자 18", "신_19_assignsubmission_file_"),
    ("ada@uni.example", "BEN@uni.example", "신"),
    ("참가자_17_assignsubmission_file", "벤;자민_18_assignsubmission_file_", "cyn@uni.example"),
])  # fmt: skip
def test_moodle_in_another_language(names: tuple[str, ...], coding: str, tmp_path: Path) -> None:
    """By Identifier, e-mail or name, whatever the headers' language and the file's coding."""
    points = dict(zip(names, (1.0, 2.0, 3.0)))
    text, done = filled(tmp_path / "e.csv", MOODLE.format("", "-", "9"), "성적", points, coding)
    assert text == MOODLE.format("1", "2", "3") and not done.missing and not done.doubtful


# Moodle writes the first column as get_string('hiddenuser') and a number, and reads it again as
# substr(cell, strlen(get_string('hiddenuser'))): mod/assign/gradingtable.php,
# mod/assign/feedback/offline/importgradeslib.php. The word is English's alone with a space.
WORKSHEETS = {
    "en": ("Participant ", 'Identifier,"Full name","Email address",Status,Grade,"Maximum Grade",'
           '"Grade can be changed","Last modified (submission)","Last modified (grade)"',
           "Grade", "Monday, 3 November 2025, 11:05 AM"),
    "de": ("Teilnehmer/in", 'ID,"Vollständiger Name",E-Mail-Adresse,Status,Bewertung,Bestwertung,'
           '"Bewertung kann geändert werden","Zuletzt geändert (Abgabe)",'
           '"Zuletzt geändert (Bewertung)"', "Bewertung", "Montag, 3. November 2025, 11:05"),
    "es": ("Participante", 'Identificador,"Nombre completo","Dirección de correo",Estado,'
           'Calificación,"Calificación máxima","La calificación puede cambiarse",'
           '"Última modificación (entrega)","Última modificación (calificación)"',
           "Calificación", "lunes, 3 de noviembre de 2025, 11:05"),
    "zh": ("参与者", "编号,全名,电子邮件地址,状态,成绩,最高分,允许更改成绩,"
           "最后修改（学生）,最后修改（教师）",
           "成绩", "2025年11月3日 星期一 11:05"),
    "ru": ("Участник", 'Идентификатор,"Полное имя","Адрес электронной почты",Состояние,Оценка,'
           '"Максимальная оценка","Оценка может быть изменена","Последнее изменение (ответ)",'
           '"Последнее изменение (оценка)"', "Оценка", "понедельник, 3 ноября 2025, 11:05"),
}  # fmt: skip


def imported(text: str, word: str, column: str) -> dict[int, str]:
    """What Moodle's importer reads: the number after the word, and the grade's cell."""
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline="")))
    first = next(iter(rows[0]))
    return {int(row[first][len(word) :]): row[column] for row in rows if row[first]}


@pytest.mark.parametrize("language", WORKSHEETS)
@pytest.mark.parametrize("key", [False, True])
def test_a_worksheet_of_any_language(language: str, key: bool, tmp_path: Path) -> None:
    """By the folder's number, by name, and by --key; read back as Moodle reads it; with times."""
    word, header, column, time = WORKSHEETS[language]
    status = '"Zur Bewertung abgegeben - 2 Stunden zu spät"'
    rows = [f'{word}{n},"{name}",{name[:3]}@uni.example,{status},,"23,00",Ja,"{time}",-'
            for n, name in ((17, "Ada Park"), (18, "Ben O'Brien"), (9, "Cyn Cho"))]  # fmt: skip
    empty = "," * rows[0].count('",') + "\n"  # as a spreadsheet may leave one
    text = "\ufeff" + "\n".join([header, *rows]) + "\n" + empty
    cleaned = re.sub("/", "", word.strip())
    points = {"Ada Park_17_assignsubmission_file": 1.5, f"{cleaned}_9_assignsubmission_file_": 3.0,
              "Ben OBrien_18_assignsubmission_file_hw": 2.0}  # fmt: skip
    path = tmp_path / "e.csv"
    named = next(csv.reader([header]))[0] if key else None
    after, done = filled(path, text, column, points, key=named)
    assert imported(after, word, column) == {17: "1.5", 18: "2", 9: "3"}, done
    assert gradebook.times(path, points, named) == dict.fromkeys(points, time)


COPIES = ("Ada Park 18", "homework 18", "Participant 18", "hw (18)", "Ada Park (2)")


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("table", ["canvas", "moodle"])
def test_the_number_of_a_copy_is_nobodys(name: str, table: str, tmp_path: Path) -> None:
    """Finder calls a second copy "Ada Park 18": neither Ada's row is filled nor that of 18."""
    text, column = {
        "canvas": (CANVAS.format("", "", ""), "Week 3"),
        "moodle": (MOODLE.replace("박아다", "Ada Park").format("", "", ""), "성적"),
    }[table]
    after, done = filled(tmp_path / "e.csv", text, column, {name: 4.0})
    assert after == text and done.doubtful == [name] and not done.missing
    assert "not surely in one" in done.sentence(Path("e.csv"), column)


def test_what_disagrees_fills_nothing(tmp_path: Path) -> None:
    """A name in one row and a number in another; a number that is two people's, by two columns."""
    text = MOODLE.format("", "", "")
    for name in ("박아다_19_assignsubmission_file_", "신_17_assignsubmission_file_"):
        after, done = filled(tmp_path / "e.csv", text, "성적", {name: 4.0})
        assert after == text and done.doubtful == [name]
    text = CANVAS.format("", "", "").replace("A-018", "17")
    after, done = filled(tmp_path / "e.csv", text, "Week 3", {"17": 4.0})
    assert after == text and done.doubtful == ["17"]
    after, _ = filled(tmp_path / "e.csv", text, "Week 3", {"parkada_17_4711_hw": 4.0})
    assert after == CANVAS.format("4", "", "").replace("A-018", "17")  # a Canvas ID is no SIS ID


def test_a_group_of_moodle_fills_its_rows(tmp_path: Path) -> None:
    """The number in a group's folder is the group's: 12 is somebody else's Identifier."""
    text = ("Identifier,Full name,Group,Grade\nParticipant 11,Ada Park,Team A,\n"
            "Participant 12,Ben Cho,Team B,\nParticipant 13,Cyn Kim,Team A,\n")  # fmt: skip
    points = {"Team A_12_assignsubmission_file": 5.0}
    after, done = filled(tmp_path / "e.csv", text, "Grade", points)
    assert imported(after, "Participant ", "Grade") == {11: "5", 12: "", 13: "5"}
    assert done.filled == 2 and not done.doubtful
    named = {"Ada Park_12_assignsubmission_file": 5.0}  # --key says who it is, and nothing else
    after, _ = filled(tmp_path / "e.csv", text, "Grade", named, key="Identifier")
    assert imported(after, "Participant ", "Grade") == {11: "", 12: "5", 13: ""}


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_letters_that_macos_has_taken_apart(forms: tuple[str, str], tmp_path: Path) -> None:
    """Names, cells, the column and the key in NFC on one side, NFD on the other: one name."""
    ours, theirs = forms
    text = unicodedata.normalize(theirs, "Student,메일,Prüfung\nÉmile Ünal,a,\n박아다,b,\n")
    names = [unicodedata.normalize(ours, name) for name in ("Émile Ünal", "박아다_1_2_층.py")]
    column, key = (unicodedata.normalize(ours, name) for name in ("Prüfung", "Student"))
    for by in (None, key):
        points = dict(zip([*names[:1], "박아다" if by else names[1]], (1.0, 2.0)))
        after, done = filled(tmp_path / "e.csv", text, column, points, key=by)
        assert after == text.replace("a,\n", "a,1\n").replace("b,\n", "b,2\n"), done


WESTERN = (
    "Šaša", "ÄÄ Šaša", "Åsa Öberg", "Ärla Åström", "Ægir Øst", "Šaša Žižek", "Žaža Ašaš",
    "JOÃO CONCEIÇÃO", "ÂNGELA GUIMARÃES", "ÁLVARO MUÑOZ", "Élodie Çelik", "Ève Müller-Lüdenscheidt",
    "Zoë Brontë", "Ángel Ñúñez", "Óscar Núñez", "Ümit Öztürk", "Þóra Æsadóttir", "Ásta Árnadóttir",
    "François Lefèvre", "Jürgen Groß", "Ÿ", "Œdipe Œuvrard", "Siân O’Brien", "ÅÄÖ", "Ãna", "Äjä",
)  # fmt: skip
KOREAN = (
    "박아다", "김민준", "이서연", "최도윤", "정하은", "강시우", "조지우", "윤주원", "장서준",
    "임예준", "한지호", "오수아", "서다은", "신유진", "권채원", "황보라", "남궁혁", "제갈량",
    "설믜", "김뷁", "똠방각하", "훈", "박", "선우휘", "김Ada", "허준 (Heo Jun)",
)  # fmt: skip


@pytest.mark.parametrize("name", [*WESTERN, *KOREAN])
@pytest.mark.parametrize("header", ["Student,hw", "Name,hw", ""])
def test_the_coding_of_a_name_alone(name: str, header: str, tmp_path: Path) -> None:
    """Without a mark, cp1252 and cp949 are told apart by one name, or by a class with one.

    김Ada alone is left out: its Hangul is half a word, and no other Hangul is in the text.
    """
    coding = "cp1252" if name in WESTERN else "cp949"
    if coding == "cp949" and "Ada" in name:
        header = "이름,hw"
    text = f"{header or 'Student,hw'}\n{'' if header else 'Ben Cho,' + chr(10)}{name},\n"
    after, done = filled(tmp_path / "e.csv", text, "hw", {name: 5.0}, coding)
    assert after == text[:-1] + "5\n" and not done.missing


def test_attempts_of_one_student(tmp_path: Path) -> None:
    """--take best or last counts one of them and names all; without it none is filled."""
    first, second, loose = "parkada_17_4711_hw", "parkada_LATE_17_4720_hw-1", "Ada Park"
    text = CANVAS.format("", "", "")
    for points, take, expected in (
        ({first: 9.0, second: 7.0}, "best", "9"),
        ({second: 7.0, first: 9.0}, "last", "7"),
        ({first: 9.0, loose: 20.0}, "best", "20"),
        ({first: 9.0, loose: 20.0}, "last", ""),  # nobody says which is the last
        ({first: 9.0, second: 7.0}, "", ""),
    ):
        (tmp_path / "e.csv").write_bytes(text.encode())
        done = gradebook.fill(tmp_path / "e.csv", "Week 3", points, take=take)
        assert (tmp_path / "e.csv").read_bytes().decode() == CANVAS.format(expected, "", "")
        assert done.doubtful == ([] if expected else sorted(points))
        if expected:
            assert f"{first} (9)" in done.sentence(Path("e.csv"), "Week 3")
            assert (
                f"taken: {max(points, key=lambda n: points[n] == float(expected))}" in done.taken[0]
            )


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
