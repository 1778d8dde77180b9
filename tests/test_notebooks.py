"""`python -m demos notebooks`: every demo is a valid notebook, cell by cell its source."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from demos import notebooks  # noqa: E402


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """All notebooks, as the command writes them."""
    out = tmp_path_factory.mktemp("notebooks")
    subprocess.run(
        [sys.executable, "-m", "demos", "notebooks", "--out", str(out)], cwd=ROOT, check=True
    )
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in out.glob("*.ipynb")}


def code(cells):
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_each_demo_is_a_notebook(written):
    """One for each demo, and the walk through homework chapter 2."""
    demos = {path.stem for path in (ROOT / "demos").glob("*.py")} - set(notebooks.NO_DEMOS)
    assert set(written) == demos | {notebooks.WALK}


def test_nbformat_4_5(written):
    """What the format asks for: version, kinds of cells, unique ids, outputs of code cells."""
    for document in written.values():
        assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
        ids = [cell["id"] for cell in document["cells"]]
        assert len(set(ids)) == len(ids)
        for cell in document["cells"]:
            assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell["id"])
            keys = {"cell_type", "id", "metadata", "source"}
            if cell["cell_type"] == "code":
                keys |= {"outputs", "execution_count"}
                assert cell["outputs"] == [] and cell["execution_count"] is None
            assert set(cell) == keys and cell["source"]


def test_nbformat_says_that_they_are_valid(written):
    """With nbformat's own validator, where it is installed."""
    nbformat = pytest.importorskip("nbformat")
    for document in written.values():
        nbformat.validate(nbformat.from_dict(document))


def test_the_cells_are_the_source(written):
    """The code cells after the first, one after the other, are the demo without its docstring."""
    for name in notebooks.DEMOS:
        cells = written[name]["cells"]
        assert [cell["cell_type"] for cell in cells[:2]] == ["markdown", "code"]
        tree = ast.parse((ROOT / "demos" / f"{name}.py").read_text(encoding="utf-8"))
        docstring = ast.get_docstring(tree)
        text = "".join(cells[0]["source"])
        assert docstring.splitlines()[-1] in text
        ours = ast.parse(code(cells[:1] + cells[2:]))
        assert ast.dump(ours) == ast.dump(ast.Module(tree.body[1:], []))


def test_a_notebook_stands_alone(written, tmp_path):
    """It names no folder of the repository. Its first code cell, run where nothing of the demos can
    be imported, gives all that the demo imports; the package is found as it is installed.
    """
    for name, document in written.items():
        assert str(ROOT) not in json.dumps(document)
        first = "".join(document["cells"][1]["source"])
        imports = [
            line for line in code(document["cells"][2:]).splitlines()
            if re.match(r"(from|import) (common|museum|quadrature|walk)\b", line)
        ]  # fmt: skip
        if name not in ("bits", "wrong_vaes", "elbo_decomposition", notebooks.WALK):
            continue  # each of the helpers once: a process for each of them takes its time
        assert imports
        program = "\n".join([first, *imports])
        if name == "wrong_vaes":
            program += "\nassert '3.12' in museum.CAUGHT_BY.read_text(encoding='utf-8')"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)


def test_a_notebook_can_install_the_package():
    """With the repository's address its first cell installs the package from there."""
    address = "https://example.org/scratchvae"
    for document in (notebooks.demo("bits", address), notebooks.walk(address)):
        assert f"git+{address}" in "".join(document["cells"][1]["source"])


def test_a_title_is_a_sentence(written):
    """The first line of a notebook ends where its sentence ends, and not in the middle."""
    for name in notebooks.DEMOS:
        title = "".join(written[name]["cells"][0]["source"]).splitlines()[0]
        doc = ast.get_docstring(ast.parse((ROOT / "demos" / f"{name}.py").read_text("utf-8")))
        assert title.startswith("# ")
        assert re.match(re.escape(title[2:]) + r"(\.|(?<=[?!])( |$))", " ".join(doc.split()))


def test_a_notebook_that_was_edited_is_not_replaced(tmp_path, monkeypatch, capsys):
    """Exit code 2, the file named, nothing written; notebooks as they were made are made again."""
    monkeypatch.setattr(notebooks, "DEMOS", ["bits"])
    assert notebooks.main(["--out", str(tmp_path)]) == notebooks.main(["--out", str(tmp_path)]) == 0
    (tmp_path / "bits.ipynb").unlink()
    work = tmp_path / f"{notebooks.WALK}.ipynb"
    work.write_text("an answer")
    assert notebooks.main(["--out", str(tmp_path)]) == 2
    assert f"{work} was run or edited" in capsys.readouterr().err
    assert work.read_text() == "an answer" and list(tmp_path.iterdir()) == [work]


def test_a_picture_has_the_demo_s_name(tmp_path):
    """In a notebook no file has the demo's name: the first cell says it."""
    helper = importlib.util.spec_from_file_location("common", ROOT / "demos" / "common.py")
    common = importlib.util.module_from_spec(helper)
    helper.loader.exec_module(common)
    common.DEMO = "bits"
    figure = common.matplotlib.figure.Figure()
    common.finish(figure, type("Args", (), {"out": tmp_path, "show": False}))
    assert (tmp_path / "bits.png").is_file()


def test_an_area_keeps_its_colour(tmp_path):
    """Of more than 256 colours the PNG has the most frequent ones as they were drawn."""
    common = importlib.import_module("demos.common")
    figure = common.matplotlib.figure.Figure((6, 4))
    many = np.random.default_rng(0).random((60, 60, 3))
    figure.figimage(many)
    areas = [(0.6, 0.6, 0.6), (0.0, 0.45, 0.7), (0.9, 0.62, 0.0)]
    for i, colour in enumerate(areas):
        figure.patches.append(
            common.matplotlib.patches.Rectangle(
                (0.3 + 0.2 * i, 0.3), 0.2, 0.4, color=colour, transform=figure.transFigure
            )
        )
    common.finish(figure, type("Args", (), {"out": tmp_path, "show": False}))
    (picture,) = tmp_path.iterdir()
    shown = np.asarray(common.Image.open(picture).convert("RGB"))
    for i, colour in enumerate(areas):
        middle = shown[200, int(600 * (0.4 + 0.2 * i))]
        assert abs(middle / 255 - colour).max() < 0.5 / 255 + 1e-9


# ---- the walk ----


def run_walk(monkeypatch, solved, change=None):
    """Run its code cells, with the demos' helpers on the path. Returns their namespace."""
    monkeypatch.syspath_prepend(str(ROOT / "demos"))
    monkeypatch.setattr(sys, "argv", sys.argv)
    names = {}
    for cell in notebooks.walk(solved=solved)["cells"]:
        if cell["cell_type"] == "code":
            text = "".join(cell["source"])
            exec(change(text) if change else text, names)
    return names


def test_the_walk_runs_before_anything_is_filled_in(monkeypatch, capsys):
    """Nine functions and seven gradients are not there yet, and nothing stops."""
    run_walk(monkeypatch, solved=False)
    out = capsys.readouterr().out
    assert out.count("not there yet") == 9 + len(notebooks.BACKWARD)
    assert "points" not in out


def test_right_answers_have_all_points(monkeypatch, capsys):
    """The package's own bodies, and gradients by hand: every check passes."""
    run_walk(monkeypatch, solved=True)
    out = capsys.readouterr().out
    points = re.findall(r"(\d+) of (\d+) points", out)
    assert len(points) == 9 and all(ours == most for ours, most in points)
    assert out.count(" right ") == len(notebooks.BACKWARD)


def test_a_classical_mistake_is_named_and_a_wrong_gradient_is_seen(monkeypatch, capsys):
    """σ² for σ in the sampler: the sentence of the catalogue; dz without the slope of tanh."""

    def wrong(text):
        text = text.replace("np.exp(0.5 * logvar) * eps\n", "np.exp(logvar) * eps\n")
        return text.replace("dh_z * (1 - w.h_z**2)", "dh_z")

    run_walk(monkeypatch, solved=True, change=wrong)
    out = capsys.readouterr().out
    assert "2.3 reparameterization: 0 of 7 points" in out
    assert "log σ² taken for log σ" in out
    assert re.search(r"^dz +it is another value", out, re.M)
    assert re.search(r"^da +right", out, re.M)
