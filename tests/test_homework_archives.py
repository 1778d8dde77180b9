"""Zips: what platforms export is found, and nothing that a zip says of itself is believed."""

import io
import os
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scratchvae.homework import archives, exports, submission
from scratchvae.homework.grade import Grade

MODULES = ("layers", "vae")


@contextmanager
def memory_below(most: int) -> Iterator[None]:
    """The block never holds more bytes than this: what would take long takes memory too."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def write_zip(path: Path, files: dict[str, bytes | str], **options: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = options.get("compress_type", zipfile.ZIP_DEFLATED)
            info.external_attr = options.get("external_attr", 0)
            zipped.writestr(info, content)
    return path


def found(place: Path) -> dict[str, str]:
    """Each submission's name, and the text of its layers.py or why there is none."""
    with exports.unpacked(place) as unpacked:
        return {
            path.name: unpacked.notes.get(path.name, "")
            or submission.read(path, MODULES).files.get("layers", "nothing")
            for path in unpacked.submissions
        }


def write_class(folder: Path) -> dict[str, str]:
    """A class as Canvas, Moodle and a teacher by hand would leave it; what is to be found."""
    (folder / "ada" / "scratchvae").mkdir(parents=True)
    (folder / "ada" / "scratchvae" / "layers.py").write_text("of ada")
    write_zip(folder / "ben.zip", {"ben/hw/scratchvae/layers.py": "of ben"})
    write_zip(folder / "ada.zip", {"scratchvae/layers.py": "the other ada"})
    write_zip(folder / "cyncho_17_4711_hw.zip", {"scratchvae\\layers.py": "of cyn"})
    (folder / "danlee_18_4712_layers.py").write_text("of dan")
    (folder / "danlee_18_4713_vae-1.py").write_text("v")
    (folder / "evekim_LATE_19_4714_layers-2.py").write_text("of eve")
    moodle = "Fay Ru_20_assignsubmission_file_"
    write_zip(folder / moodle / "homework.zip", {"scratchvae/layers.py": "of fay"})
    (folder / "essay.txt").write_text("nothing of all this")
    (folder / "__MACOSX").mkdir()
    return {
        "ada": "of ada",
        "ben": "of ben",
        "ada.zip": "the other ada",
        "cyncho_17_4711_hw": "of cyn",
        "danlee_18_4712_layers": "of dan",
        "evekim_LATE_19_4714_layers-2": "of eve",
        moodle: "of fay",
        "essay.txt": "nothing",
    }


def test_what_platforms_export_is_found(tmp_path: Path) -> None:
    """Folders, zips, files one by one, and zips in folders: each student once, under one name."""
    expected = write_class(tmp_path / "class")
    assert found(tmp_path / "class") == expected
    with exports.unpacked(tmp_path / "class") as unpacked:  # as the platform called it
        files = [row.file for row in unpacked.rows([Grade("", [], True, "")] * len(expected))]
    assert "cyncho_17_4711_hw.zip" in files and "danlee_18_4712_layers.py" in files
    assert "Fay Ru_20_assignsubmission_file_" in files and "ada" in files


def test_an_export_in_one_zip_is_the_same_class(tmp_path: Path) -> None:
    """A zip of the folder above gives the same submissions, the one without Python too."""
    expected = write_class(tmp_path / "class")
    files = {
        path.relative_to(tmp_path / "class").as_posix(): path.read_bytes()
        for path in (tmp_path / "class").rglob("*")
        if path.is_file()
    }
    assert found(write_zip(tmp_path / "export.zip", files)) == expected


def test_who_hands_in_no_python_has_a_row_and_a_sentence(tmp_path: Path) -> None:
    """A Canvas export with .rar, .ipynb, .html, in a folder and in a zip: each student once, and
    what stands beside Python is nobody's.
    """
    files: dict[str, bytes | str] = {
        "adapark_17_4711_hw.rar": "Rar!", "bencho_18_4712_hw.ipynb": "{}",
        "cynlee_19_text.html": "",
        "danru_LATE_20_4713_essay.pdf": "", "danru_LATE_20_4714_HW.ZIP": "PK",
        "evekim_21_4715_layers.py": "of eve", "evekim_21_4716_notes.txt": "",
        "Fay Ru_22_assignsubmission_file/hw.7z": "7z",
    }  # fmt: skip
    export = write_zip(tmp_path / "export.zip", files)
    with zipfile.ZipFile(export) as zipped:
        zipped.extractall(tmp_path / "class")
    rest = "and no Python file: hand in scratchvae/, or a zip of it"
    expected = {
        "adapark_17_4711_hw": f"it holds hw.rar {rest}",
        "bencho_18_4712_hw": f"it holds hw.ipynb {rest}",
        "cynlee_19_text": f"it holds cynlee_19_text.html {rest}",
        "danru_LATE_20_4714_HW": "danru_LATE_20_4714_HW.ZIP is refused: it is no zip, or a damaged "
        "one (File is not a zip file)",
        "evekim_21_4715_layers": "of eve",
        "Fay Ru_22_assignsubmission_file": f"it holds hw.7z {rest}",
    }
    assert found(tmp_path / "class") == expected
    expected["danru_LATE_20_4714_HW"] = found(export)["danru_LATE_20_4714_HW"]
    assert found(export) == expected
    with exports.unpacked(export) as unpacked:
        assert unpacked.times == {"danru_LATE_20_4714_HW": "late"}
        assert unpacked.files["adapark_17_4711_hw"] == "adapark_17_4711_hw.rar"


def write_tar(path: Path, files: dict[str, bytes], **headers: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in headers.items():
                setattr(info, field, value)
            packed.addfile(info, io.BytesIO(content))
    return path


def test_a_tar_is_read_as_a_zip_is(tmp_path: Path) -> None:
    """.tar.gz and .tgz, of Canvas, of Moodle, in an export, and one by itself."""
    folder, files = tmp_path / "class", {"hw/scratchvae/layers.py": b"x", "hw/big.npz": b"y"}
    write_tar(folder / "adapark_17_4711_hw.tar.gz", files)
    write_tar(folder / "Ben Cho_18_assignsubmission_file_" / "hw.tgz", files)
    expected = {"adapark_17_4711_hw": "x", "Ben Cho_18_assignsubmission_file_": "x"}
    assert found(folder) == expected
    paths = [path for path in folder.rglob("*") if path.is_file()]
    export = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    assert found(write_zip(tmp_path / "export.zip", export)) == expected
    with archives.one(folder / "adapark_17_4711_hw.tar.gz") as alone:
        assert alone.name == "adapark_17_4711_hw"
        assert submission.read(alone, MODULES).files == {"layers": "x"}


HARMFUL_TARS: dict[str, tuple[dict[str, bytes], dict[str, object], str]] = {
    "absolute": ({"/tmp/layers.py": b"x"}, {}, "absolute path"),
    "up": ({"a/../../layers.py": b"x"}, {}, r"a path with '\.\.'"),
    "link": ({"a.py": b""}, {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "a link"),
    "hard link": ({"a.py": b""}, {"type": tarfile.LNKTYPE, "linkname": "good.py"}, "a link"),
    "device": ({"a.py": b""}, {"type": tarfile.CHRTYPE}, "a link or a device"),
    "bomb": ({"a.py": bytes(1_100_000)}, {}, "more than 1 MB"),
    "header": ({"x": bytes(200_000)}, {"type": tarfile.XHDTYPE}, "a header that is too long"),
    "folders": ({f"{i}" + "/x" * 18 + "/a.py": b"" for i in range(200)}, {}, "2,000 folders"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HARMFUL_TARS)
def test_a_harmful_tar_is_refused_whole(kind: str, tmp_path: Path) -> None:
    """A sentence, little memory, and nothing is left of it."""
    files, headers, sentence = HARMFUL_TARS[kind]
    path = write_tar(tmp_path / "eve.tar.gz", files, **headers)
    with memory_below(2_000_000), pytest.raises(archives.Refused, match=sentence):
        archives.unpack(path, tmp_path / "out", most=1_000_000)
    assert not list((tmp_path / "out").iterdir()) and len(list(tmp_path.iterdir())) == 2


def test_a_tar_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is passed over has to be read: of a stream no more than a limit."""
    monkeypatch.setattr(archives._Limited, "left", 100_000)
    path = write_tar(tmp_path / "eve.tar.gz", {"data.bin": bytes(200_000), "a.py": b""})
    with pytest.raises(archives.Refused, match="is larger than"):
        archives.unpack(path, tmp_path / "out")


@pytest.mark.parametrize("environment", [".venv", "venv", "env/Lib/site-packages"])
def test_what_is_outside_of_the_package_is_not_measured(
    environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handout zipped with its environment and its data, larger than the limit, and with a
    package of that name in it: in a zip, in a .tar.gz, and in a folder.
    """
    monkeypatch.setattr(archives, "LARGEST", 1_000_000)
    files = {"hw/scratchvae/layers.py": b"of ada", "hw/data.bin": bytes(1_500_000),
             f"hw/{environment}/numpy.py": bytes(1_500_000),
             f"hw/{environment}/scratchvae/layers.py": b"a copy"}  # fmt: skip
    path = write_zip(tmp_path / "ada.zip", {**files})
    other = write_tar(tmp_path / "ada.tar.gz", files)
    with zipfile.ZipFile(path) as zipped:
        zipped.extractall(tmp_path / "ada")
    for place in (path, other, tmp_path / "ada"):
        with archives.one(place) as folder:
            handed_in = submission.read(folder, MODULES)
        assert handed_in.files == {"layers": "of ada"} and not handed_in.note


def zip_of(files: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return out.getvalue()


def test_a_zip_in_a_zip_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inner zip's package is graded; a third is not looked into; all have one limit."""
    monkeypatch.setattr(archives, "LARGEST", 1_000_000)
    inner = zip_of({"scratchvae/layers.py": "of ada"})
    write_zip(tmp_path / "class" / "ada.zip", {"hw/submission.zip": inner, "hw/notes.txt": ""})
    write_zip(tmp_path / "class" / "ben.zip", {"a.zip": zip_of({"b.zip": inner})})
    write_zip(tmp_path / "class" / "cyn.zip", {"a.zip": inner, "scratchvae/layers.py": "of cyn"})
    half = zip_of({"layers.py": bytes(600_000)})
    write_zip(tmp_path / "class" / "eve.zip", {"a.zip": half, "b.zip": half})
    both = found(tmp_path / "class")
    assert (both["ada"], both["ben"], both["cyn"]) == ("of ada", "nothing", "of cyn")
    assert both["eve"].startswith("eve.zip is refused: it holds more than")


def test_an_online_text_beside_a_file_is_one_student(tmp_path: Path) -> None:
    """Moodle's folders, and its files without folders; with nothing else the text has a row."""
    for style, ending in (("folders", "/"), ("files", "_")):
        names = {"Ada Park_17_assignsubmission_onlinetext": "onlinetext.html",
                 "Ada Park_17_assignsubmission_file": "layers.py",
                 "Ben Cho_18_assignsubmission_onlinetext": "onlinetext.html"}  # fmt: skip
        for name, file in names.items():
            path = tmp_path / style / f"{name}{ending}{file}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("of ada")
        rest = "it holds onlinetext.html and no Python file"
        both = found(tmp_path / style)
        assert sorted(text[: len(rest)] for text in both.values()) == [rest, "of ada"]
        assert {name[:8] for name in both} == {"Ada Park", "Ben Cho_"}


GRADESCOPE = r"""---
submission_201:
  :submitters:
  - :name: Ada Park
    :sid: '17'
    :email: ada@uni.example
  :created_at: 2025-11-03 10:05:00.123456000 Z
  :score: 0.0
  :status: processed
  :results:
    tests:
    - name: 2.2
      output: |-
        :submitters:
        - :name: Eve
  :history:
  - :id: 1
    :created_at: 2025-11-02 10:05:00.000000000 Z
submission_202:
  :submitters:
  - :name: "Zo\xeb \"Z\" Cho"
    :sid:
    :email: ben@uni.example
  - :name: 'Cyn O''Hara'
    :sid: '19'
    :email: cyn@uni.example
  :created_at: 2025-11-04 00:01:02.000000000 +09:00
submission_203:
  :submitters: []
"""


def write_gradescope(folder: Path, table: str = GRADESCOPE) -> Path:
    for number in (201, 202, 203):
        place = folder / f"submission_{number}" / "scratchvae"
        place.mkdir(parents=True)
        (place / "layers.py").write_text(f"of {number}")
    (folder / "submission_metadata.yml").write_text(table, encoding="utf-8")
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_the_submitters_of_gradescope(zipped: bool, tmp_path: Path) -> None:
    """The table is nobody's submission; a group has its people; the last hand-in has its time."""
    place = write_gradescope(tmp_path / "assignment_1_export")
    if zipped:
        files = {f.relative_to(tmp_path).as_posix(): f.read_bytes()
                 for f in tmp_path.rglob("*") if f.is_file()}  # fmt: skip
        place = write_zip(tmp_path / "export.zip", {**files})
    assert found(place) == {f"submission_{n}": f"of {n}" for n in (201, 202, 203)}
    with exports.unpacked(place) as unpacked:
        assert unpacked.people == {
            "submission_201": [("Ada Park", "17", "ada@uni.example")],
            "submission_202": [('Zoë "Z" Cho', "", "ben@uni.example"),
                               ("Cyn O'Hara", "19", "cyn@uni.example")],
            "submission_203": [],
        }  # fmt: skip
        assert unpacked.times == {"submission_201": "2025-11-03 10:05:00 Z",
                                  "submission_202": "2025-11-04 00:01:02 +09:00"}  # fmt: skip


def test_a_student_is_no_class_of_gradescope(tmp_path: Path) -> None:
    """A table of submitters that the only student has handed in says nothing."""
    name = "Eve Kim_7_assignsubmission_file"
    place = write_gradescope(tmp_path / "class" / name)
    files = {f.relative_to(place.parent).as_posix(): f.read_bytes()
             for f in place.rglob("*") if f.is_file()}  # fmt: skip
    for class_ in (place.parent, write_zip(tmp_path / "export.zip", {**files})):
        with exports.unpacked(class_) as unpacked:
            assert [path.name for path in unpacked.submissions] == [name] and not unpacked.people


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("- :name: Ada Park", "- :name: &x Ada"),
        ("- :name: Ada Park", "- :name: |"),
        ("- :name: Ada Park", "- :name: 'Ada"),
        ("- :name: Ada Park", "- :name: {a: b}"),
        ("- :name: Ada Park", "- Ada Park"),
        ("- :name: Ada Park", ":name: Ada Park"),
        ("    :sid: '17'", "   \t:sid: '17'"),
        ("  :submitters: []", "  :submitters: [Ada]"),
        ("submission_203:", "submission_203: x"),
    ],
)
def test_another_yaml_is_refused(line: str, instead: str, tmp_path: Path) -> None:
    """What Gradescope does not write is an error before any work, and says in which line."""
    folder = write_gradescope(tmp_path / "class", GRADESCOPE.replace(line, instead, 1))
    with (
        pytest.raises(ValueError, match=r"submission_metadata.yml, line \d+, is not as Gradescope"),
        exports.unpacked(folder),
    ):
        pass


def test_names_in_korean_survive_every_way_of_writing_them(tmp_path: Path) -> None:
    """UTF-8 marked as such, UTF-8 not marked (macOS), and CP949 (Windows): one name. Swedish in
    CP437 is no Korean.
    """
    name = "박아다_17_assignsubmission_file_/layers.py"
    marked = write_zip(tmp_path / "marked.zip", {name: "x"})
    raw = marked.read_bytes()
    unmarked = tmp_path / "unmarked.zip"
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flags; bit 11 says UTF-8
        start = raw.index(signature) + at
        raw = raw[:start] + b"\0\0" + raw[start + 2 :]
    unmarked.write_bytes(raw)
    old = tmp_path / "old.zip"
    same_length = "박아다_17_assignsubmission_file_/layers.py".encode("cp949")
    plain = write_zip(tmp_path / "plain.zip", {"x" * len(same_length): "x"}).read_bytes()
    old.write_bytes(plain.replace(b"x" * len(same_length), same_length))
    for path in (marked, unmarked, old):
        assert set(found(path)) == {"박아다_17_assignsubmission_file_"}, path
    swedish = "Åsa Öberg_17_assignsubmission_file_/layers.py".encode("cp437")
    plain = write_zip(tmp_path / "plain.zip", {"x" * len(swedish): "x"}).read_bytes()
    old.write_bytes(plain.replace(b"x" * len(swedish), swedish))
    assert set(found(old)) == {"Åsa Öberg_17_assignsubmission_file_"}


LINK = (stat.S_IFLNK | 0o777) << 16
DEVICE = (stat.S_IFCHR | 0o600) << 16
HARMFUL: dict[str, tuple[dict[str, bytes | str], dict[str, int], str]] = {
    "absolute": ({"/tmp/layers.py": "x"}, {}, "absolute path"),
    "drive": ({"C:\\layers.py": "x"}, {}, "absolute path"),
    "up": ({"a/../../layers.py": "x"}, {}, r"a path with '\.\.'"),
    "up by backslash": ({"a\\..\\..\\layers.py": "x"}, {}, r"a path with '\.\.'"),
    "link": ({"layers.py": "/etc/passwd"}, {"external_attr": LINK}, "a link or a device"),
    "device": ({"layers.py": ""}, {"external_attr": DEVICE}, "a link or a device"),
    "bomb": ({"layers.py": bytes(51_000_000)}, {}, "more than 50 MB"),
    "bomb in two": ({f"{i}.py": bytes(26_000_000) for i in range(2)}, {}, "more than 50 MB"),
    "lzma": ({"layers.py": "x"}, {"compress_type": zipfile.ZIP_LZMA}, "an unusual way"),
    "deep": ({"a/" * 30 + "layers.py": "x"}, {}, "empty or too long"),
    "long": ({"a" * 201 + "/layers.py": "x"}, {}, "empty or too long"),
    "nameless": ({"./.": "x"}, {}, "empty or too long"),
    "a file and a folder": ({"a.py": "x", "a.py/b.py": "x"}, {}, "no zip, or a damaged one"),
    "twice": ({"a.py": "x", "./a.py": "y"}, {}, "no zip, or a damaged one"),
    "many": ({f"{i:0200}": b"" for i in range(25_000)}, {}, "too many files"),
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_a_harmful_zip_is_refused_whole(kind: str, tmp_path: Path) -> None:
    """A sentence; nothing is left of it, nothing is written outside, and the class goes on."""
    files, options, sentence = HARMFUL[kind]
    path = write_zip(tmp_path / "class" / "eve.zip", {"good.py": "x", **files}, **options)
    with pytest.raises(archives.Refused, match=sentence):
        archives.unpack(path, tmp_path / "out" / "x")
    assert [p.name for p in (tmp_path / "out").rglob("*")] == ["x"]
    write_zip(tmp_path / "class" / "ada.zip", {"scratchvae/layers.py": "of ada"})
    both = found(tmp_path / "class")
    assert both["ada"] == "of ada" and both["eve"].startswith("eve.zip is refused: it ")


def test_a_header_that_lies_about_the_size_gains_nothing(tmp_path: Path) -> None:
    """60 MB that say they are 10 bytes: refused, and 55 MB never come out."""
    path = write_zip(tmp_path / "eve.zip", {"layers.py": bytes(60_000_000)})
    raw = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", raw, raw.index(signature) + at, 10)
    path.write_bytes(raw)
    with memory_below(5_000_000), pytest.raises(archives.Refused, match="damaged"):
        archives.unpack(path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 99, b"PK\5\6" + bytes(18)])
def test_what_is_no_zip_is_refused_or_empty(content: bytes, tmp_path: Path) -> None:
    """Damaged files raise `Refused` alone; a zip without a file is one without a package."""
    path = tmp_path / "eve.zip"
    path.write_bytes(content)
    try:
        archives.unpack(path, tmp_path / "out")
    except archives.Refused as error:
        assert "no zip, or a damaged one" in str(error)
    assert not list((tmp_path / "out").iterdir())


def test_a_damaged_byte_is_noticed(tmp_path: Path) -> None:
    """A zip with any one byte changed gives the file as it was, or is refused; never another."""
    path = write_zip(tmp_path / "a.zip", {"layers.py": "text " * 20})
    whole = path.read_bytes()
    for i in range(0, len(whole), 3):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x55]) + whole[i + 1 :])
        out = tmp_path / f"out{i}"
        try:
            archives.unpack(path, out)
        except archives.Refused:
            continue
        for file in out.rglob("*.py"):
            assert file.read_text() == "text " * 20 and file.is_relative_to(out)


def test_only_python_is_unpacked(tmp_path: Path) -> None:
    """No data, no environment, no hidden copies of macOS; homework.json comes along."""
    names = ("scratchvae/layers.py", "scratchvae/homework.json", "model.npz", "._layers.py")
    inside = ("__MACOSX/scratchvae/layers.py", "venv/lib/x.py", "scratchvae/__pycache__/x.py")
    archives.unpack(
        write_zip(tmp_path / "a.zip", dict.fromkeys((*names, *inside), "x")), tmp_path / "o"
    )
    files = sorted(p.name for p in (tmp_path / "o").rglob("*") if p.is_file())
    assert files == ["homework.json", "layers.py"]


@pytest.mark.parametrize("second", ["/tmp/layers.py", "zoe/layers.py", "ada/layers.py"])
def test_a_zip_called_dots_reaches_no_other_submission(second: str, tmp_path: Path) -> None:
    """`...zip` without its ending is `..`, the folder of the whole class."""
    folder = tmp_path / "class"
    for name in ("ada", "zoe"):
        write_zip(folder / name / "hw.zip", {"scratchvae/layers.py": f"of {name}"})
    write_zip(folder / "eve" / "...zip", {second: "of eve"})
    write_zip(folder / "eve" / "a.zip", {"scratchvae/vae.py": "of eve"})
    both = found(folder)
    assert set(both) == {"ada", "eve", "zoe"}
    assert (both["ada"], both["zoe"]) == ("of ada", "of zoe")


def test_names_that_meet_are_kept_apart(tmp_path: Path) -> None:
    """ben.zip and ben.ZIP, a zip and a file of one name: each is a submission."""
    folder = tmp_path / "class"
    for name in ("ben.zip", "ben.ZIP", "Ben.zip", "dan_7_8_layers.zip"):
        write_zip(folder / name, {"scratchvae/layers.py": name})
    (folder / "dan_7_8_layers.py").write_text("dan_7_8_layers.py")
    assert sorted(found(folder).values()) == sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("letters", ["🦊" * 55, "q" * 120], ids=["wide", "long"])
def test_two_zips_of_one_student_are_kept_apart(letters: str, tmp_path: Path) -> None:
    """Though their names begin with the same 120 letters, or 55 of four bytes each."""
    for n in range(2):
        write_zip(tmp_path / "eve" / f"{letters}{n}.zip", {"scratchvae/layers.py": f"{n}"})
    with exports.unpacked(tmp_path) as unpacked:
        (eve,) = unpacked.submissions
        assert sorted(path.read_text() for path in eve.rglob("layers.py")) == ["0", "1"]
        assert not unpacked.notes


def test_the_limit_is_a_student_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five zips of 0.2 kB in one folder, that are 40 kB each: three of them are more than 100 kB,
    and what is unpacked is less.
    """
    monkeypatch.setattr(archives, "LARGEST", 100_000)
    for n in range(5):
        write_zip(tmp_path / "eve" / f"{n}.zip", {"scratchvae/layers.py": b" " * 40_000})
    with exports.unpacked(tmp_path) as unpacked:
        (eve,) = unpacked.submissions
        assert sum(path.stat().st_size for path in eve.rglob("*.py")) == 80_000
        assert unpacked.notes["eve"].startswith("4.zip, with the 4 before it is refused: it holds")


def test_no_sentence_names_the_teacher_s_folders(tmp_path: Path) -> None:
    """A file twice, and a file where a folder should be: the reason, without a path."""
    for name, files in (("twice", ("a.py", "./a.py")), ("both", ("a.py", "a.py/b.py"))):
        write_zip(tmp_path / f"{name}.zip", dict.fromkeys(files, "x"))
    with exports.unpacked(tmp_path) as unpacked:
        folder = str(unpacked.submissions[0].parent)
        assert len(unpacked.notes) == 2
        assert not any("/" in note or folder in note for note in unpacked.notes.values())


def test_a_single_file_is_read_as_one_in_a_folder_is(tmp_path: Path) -> None:
    """A pipe, or 3 GB, as eve_7_8_layers.py costs Eve her file, and the class no time."""
    (tmp_path / "ada_1_2_layers.py").write_text("of ada")
    os.mkfifo(tmp_path / "eve_7_8_layers.py")
    with (tmp_path / "fay_8_9_layers.py").open("wb") as file:
        file.truncate(3 << 30)
    with memory_below(5_000_000):
        assert found(tmp_path) == {
            "ada_1_2_layers": "of ada",
            "eve_7_8_layers": "layers.py cannot be read: it is no plain file",
            "fay_8_9_layers": "layers.py cannot be read: it is larger than 1,000,000 bytes",
        }


def test_the_record_of_a_large_zip_is_believed_no_more(tmp_path: Path) -> None:
    """Python reads the table of contents that the second record names: 400,000 files."""
    name, n = b"x.py", 400_000
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, *[0] * 8, len(name), *[0] * 6)
    table = (entry + name) * n
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, n, n, len(table), 0)
    where = struct.pack("<4sLQL", b"PK\6\7", 0, len(table), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 50, 0, 0)
    path = tmp_path / "eve.zip"
    path.write_bytes(table + large + where + end)
    with memory_below(5_000_000), pytest.raises(archives.Refused, match="too many files"):
        archives.unpack(path, tmp_path / "out")


def test_folders_of_a_zip_are_counted(tmp_path: Path) -> None:
    """A small zip may name 100,000 folders, which take minutes to make."""
    files: dict[str, bytes | str] = {f"{i}" + "/x" * 18 + "/a.py": "" for i in range(6000)}
    path = write_zip(tmp_path / "eve.zip", files)
    with pytest.raises(archives.Refused, match="more than 2,000 folders"):
        archives.unpack(path, tmp_path / "out")
