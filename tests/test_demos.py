"""Every demo runs, asserts its own claim, and leaves its picture."""

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from conftest import HANG, write_idx

from scratchvae import load_mnist

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from demos import korean  # noqa: E402

DEMOS = sorted(
    path.stem
    for path in (ROOT / "demos").glob("*.py")
    if path.stem
    not in ("__main__", "common", "korean", "museum", "notebooks", "quadrature", "walk")
)
# what takes other options, or prints only
SMALL = {"training_speed": ["--steps", "10"], "one_page": []}


def run(*arguments, cwd, **environment):
    # one thread: two wait for each other when other programs run
    one_thread = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    environment = {**os.environ, **one_thread, **environment}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG,
    )


def few_digits(folder):
    """A data folder with the first 2000 and 100 images of MNIST."""
    mnist = load_mnist()
    for part, images, labels in (
        ("train", mnist.train_images[:2000], mnist.train_labels[:2000]),
        ("t10k", mnist.test_images[:100], mnist.test_labels[:100]),
    ):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images.reshape(-1, 28, 28))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.mark.parametrize("demo", DEMOS)
def test_demo(demo, tmp_path):
    """The demo ends well in any folder, prints its numbers, and writes its PNG into --out."""
    options = SMALL.get(demo, ["--out", tmp_path / "pictures"])
    # one_page has no options, and trains on all of the data: here on fewer digits
    fewer = {"SCRATCHVAE_DATA": str(few_digits(tmp_path))} if demo == "one_page" else {}
    result = run(ROOT / "demos" / f"{demo}.py", *options, cwd=tmp_path, **fewer)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() and "Warning" not in result.stderr
    if demo not in SMALL:
        assert (tmp_path / "pictures" / f"{demo}.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("demo", DEMOS)
def test_demo_as_cells(demo):
    """A code cell begins before the imports: a converter does not take them for text."""
    source = (ROOT / "demos" / f"{demo}.py").read_text(encoding="utf-8")
    assert source.startswith("# %% [markdown]\n")
    docstring = ast.parse(source).body[0]
    assert source.splitlines()[docstring.end_lineno :][:2] == ["", "# %%"]


@pytest.mark.parametrize("demo", [demo for demo in DEMOS if demo not in SMALL])
def test_committed_picture(demo):
    """The picture of each demo is in the repository, and has at most 150 kB."""
    assert (ROOT / "demos" / "pictures" / f"{demo}.png").stat().st_size <= 150_000


def test_the_list_of_demos():
    """`python -m demos` lists every demo with its claim; a wrong name is refused with the list."""
    listed = subprocess.run(
        [sys.executable, "-m", "demos"], cwd=ROOT, capture_output=True, text=True
    )
    assert listed.returncode == 0
    for demo in DEMOS:
        assert demo in listed.stdout
    wrong = subprocess.run(
        [sys.executable, "-m", "demos", "nothing"], cwd=ROOT, capture_output=True, text=True
    )
    assert wrong.returncode == 2 and "no demo is called nothing" in wrong.stderr


# ---- the words of the pictures in Korean ----


def test_a_text_keeps_its_numbers_in_korean():
    """Each number stands in its place, in another order where the Korean line says so; a text
    without words stays; one that the table lacks is an error that shows it.
    """
    assert korean.said("4 of 8 possible: 1 bit told") == "8가지 중 4가지가 남음: 1비트"
    assert korean.said("sun: 0.75 · 0.415\n= 0.311") == "맑음: 0.75 · 0.415\n= 0.311"
    for text in ("KL(p‖q) = 0.7", "log σ²", "12.5", "$10^{-1}$", ""):
        assert korean.said(text) == text
    with pytest.raises(KeyError, match="has no line for 'no such words'"):
        korean.said("no such words")


def test_every_line_of_the_korean_table_is_korean():
    """Each English text has a Korean one, with at most its numbers."""
    table = korean.table()
    assert len(table) > 150
    for english, text in table.items():
        assert text and text.count("#") <= english.count("#"), english
        assert re.search("[가-힣]", text) or not re.search("[a-z]{2} [a-z]{2}", text), english


def test_without_a_korean_font_a_demo_says_which_to_install(monkeypatch, capsys, tmp_path):
    """`--lang ko` where no font has Hangul: exit code 2 before any work, and what to install."""
    monkeypatch.syspath_prepend(str(ROOT / "demos"))
    common = importlib.import_module("common")
    monkeypatch.setattr(importlib.import_module("korean"), "findSystemFonts", lambda: ["a.ttf"])
    monkeypatch.setattr(sys, "argv", ["bits.py", "--lang", "ko", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        common.options("A demo.")
    assert stopped.value.code == 2
    assert "no font with Hangul is installed" in capsys.readouterr().err


def has_font():
    """Whether a font with Hangul is installed."""
    try:
        with matplotlib.rc_context():
            korean.use_font()
    except LookupError:
        return False
    return True


@pytest.mark.skipif(not has_font(), reason="no font with Hangul here; .ci/run installs one")
def test_a_demo_draws_in_korean(tmp_path):
    """Every text of its picture is in the table, and every sign is in one of the two fonts."""
    result = run(ROOT / "demos" / "bits.py", "--lang", "ko", "--out", tmp_path, cwd=tmp_path)
    assert result.returncode == 0 and "missing from font" not in result.stderr, result.stderr
    assert (tmp_path / "bits.png").read_bytes() != (ROOT / "demos/pictures/bits.png").read_bytes()
