"""Zips: what platforms export is found, and nothing that a zip says of itself is believed."""

import os
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scratchvae.homework import archives, submission

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
    with archives.unpacked(place, submission.students) as unpacked:
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


def test_an_export_in_one_zip_is_the_same_class(tmp_path: Path) -> None:
    """A zip of the folder above gives the same submissions but the one without Python."""
    expected = write_class(tmp_path / "class")
    del expected["essay.txt"]
    files = {
        path.relative_to(tmp_path / "class").as_posix(): path.read_bytes()
        for path in (tmp_path / "class").rglob("*")
        if path.is_file()
    }
    assert found(write_zip(tmp_path / "export.zip", files)) == expected


def test_names_in_korean_survive_every_way_of_writing_them(tmp_path: Path) -> None:
    """UTF-8 marked as such, UTF-8 not marked (macOS), and CP949 (Windows): one name."""
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
    "bomb beside it": ({"layers.py": "x", "data.bin": bytes(51_000_000)}, {}, "more than 50 MB"),
    "lzma": ({"layers.py": "x"}, {"compress_type": zipfile.ZIP_LZMA}, "an unusual way"),
    "deep": ({"a/" * 30 + "layers.py": "x"}, {}, "empty or too long"),
    "long": ({"a" * 201 + "/layers.py": "x"}, {}, "empty or too long"),
    "nameless": ({"./.": "x"}, {}, "empty or too long"),
    "a file and a folder": ({"a.py": "x", "a.py/b.py": "x"}, {}, "no zip, or a damaged one"),
    "twice": ({"a.py": "x", "./a.py": "y"}, {}, "no zip, or a damaged one"),
    "many": ({f"{i}": b"" for i in range(42_000)}, {}, "too many files"),
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
    with archives.unpacked(tmp_path, submission.students) as unpacked:
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
    with archives.unpacked(tmp_path, submission.students) as unpacked:
        (eve,) = unpacked.submissions
        assert sum(path.stat().st_size for path in eve.rglob("*.py")) == 80_000
        assert unpacked.notes["eve"].startswith("4.zip, with the 4 before it is refused: it holds")


def test_no_sentence_names_the_teacher_s_folders(tmp_path: Path) -> None:
    """A file twice, and a file where a folder should be: the reason, without a path."""
    for name, files in (("twice", ("a.py", "./a.py")), ("both", ("a.py", "a.py/b.py"))):
        write_zip(tmp_path / f"{name}.zip", dict.fromkeys(files, "x"))
    with archives.unpacked(tmp_path, submission.students) as unpacked:
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
