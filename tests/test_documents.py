"""What the documents say about the tree is so: links, functions, the reading order, widths."""

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import HANG, write_image_set

from scratchvae.__main__ import ROOMS

ROOT = Path(__file__).parents[1]
NAMES = ["README.md", "README.ko.md", "CONTRIBUTING.md", "CHANGELOG.md"]
NAMES += ["demos/README.md", "data/README.md"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


MARKDOWN = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (ROOT, ROOT / "data", ROOT / "demos", ROOT / "scratchvae")
    for path in (folder.glob("*.md") if folder == ROOT else folder.rglob("*.md"))
)
PYTHON = [
    pytest.param(block, id=f"{name} {i}")
    for name in MARKDOWN
    for i, block in enumerate(
        re.findall(r"^```(?:python|py)\n(.*?)^```", (ROOT / name).read_text("utf-8"), re.M | re.S)
    )
]


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def anchors(path: Path) -> set[str]:
    """The names that a forge gives to the headings of a Markdown file."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    """Every link of a document to a file, a picture or a heading of the repository has one."""
    here = ROOT / name
    text = here.read_text(encoding="utf-8")
    links = [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'src="([^"]+)"', text)]
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, heading = link.partition("#")
        target = here.parent / path if path else here
        assert target.exists(), link
        assert not heading or heading in anchors(target), link


@pytest.mark.parametrize("name", NAMES)
def test_prose_has_at_most_88_columns(name):
    """Lines of prose have at most 88 columns; tables and shell commands may be longer."""
    in_code = False
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            in_code = not in_code
        command = in_code and line.startswith("python3 -m venv")
        assert len(line) <= 88 or line.startswith("|") or command, line


def test_every_function_of_the_equation_table_exists():
    """`module.function` in the table from equation to function is an attribute of that module."""
    names = re.findall(r"`([a-z_]+)\.([A-Za-z_.]+)[`(]", section("From equation to function"))
    assert len(names) > 20
    for module, name in names:
        thing = importlib.import_module(f"scratchvae.{module}")
        for attribute in name.split("."):
            assert hasattr(thing, attribute), f"{module}.{name}"
            thing = getattr(thing, attribute)


def test_an_import_points_up_the_reading_order():
    """The reading order has every file of the core, and each imports only files above it.

    There is no import for type hints alone, which could point down.
    """
    order = re.findall(r"\]\(scratchvae/(\w+)\.py\)", section("Reading order"))
    files = {path.stem for path in (ROOT / "scratchvae").glob("*.py")}
    assert set(order) ^ files == {"__init__"} and len(order) == len(set(order))
    sources = (ROOT / "scratchvae").rglob("*.py")
    assert not [path for path in sources if "TYPE_CHECKING" in path.read_text(encoding="utf-8")]
    for i, name in enumerate(order):
        tree = ast.parse((ROOT / "scratchvae" / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scratchvae"):
                _, *module = node.module.split(".")
                used = set(module[:1] or [alias.name for alias in node.names]) & files
                assert used <= set(order[:i]), f"{name} imports {used - set(order[:i])}"


def test_the_core_knows_nothing_of_its_rooms():
    """A folder of the package is a room, and a command of `__main__`; no file of the core names one
    in an import.
    """
    package = ROOT / "scratchvae"
    folders = {path.parent.name for path in package.glob("*/*.py")}
    assert folders == set(ROOMS)
    for path in package.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom | ast.Import):
                words = ast.unparse(node).replace(",", " ").replace(".", " ").split()
                assert not folders & set(words), (path.name, ast.unparse(node))


PUBLIC_ALL_THE_SAME = {
    "_asdict",
    "_exit",
    "_fields",
    "_replace",
    "_SubParsersAction",
}  # Python's own


def private_names(source: str) -> set[str]:
    """The names with one underscore that a source imports, or takes of an object not its own."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
            names |= set((node.module or "").split("."))
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls"):
            names.add(node.attr)
    return {name for name in names if re.match(r"_(?!_)", name)} - PUBLIC_ALL_THE_SAME


def test_a_name_with_an_underscore_stays_in_its_file():
    """No file of the package and no demo uses a private name of another file, or of an object
    that is not its own: what somebody else needs has a public name, and a docstring.
    """
    sources = [*(ROOT / "scratchvae").rglob("*.py"), *(ROOT / "demos").rglob("*.py")]
    used = {
        path.relative_to(ROOT).as_posix(): private_names(path.read_text(encoding="utf-8"))
        for path in sources
    }
    assert {name: names for name, names in used.items() if names} == {}


def imported(path: Path) -> set[str]:
    """The top names of all that a source imports, inside functions too."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names}


def test_matplotlib_is_in_one_file_and_nothing_is_pickled():
    """In the package figures.py alone imports Matplotlib, pictures.py alone Pillow, and no file
    imports pickle.
    """
    sources = {path: imported(path) for path in (ROOT / "scratchvae").rglob("*.py")}
    for library, file in (("matplotlib", "figures.py"), ("PIL", "pictures.py")):
        assert [path.name for path, names in sources.items() if library in names] == [file]
    pickling = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "cloudpickle"}
    assert not [path for path, names in sources.items() if names & pickling]


def test_every_demo_and_every_picture_is_shown():
    """demos/README.md names every demo, and shows every picture there is."""
    text = (ROOT / "demos" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "demos").glob("*.py"):
        assert path.stem == "__main__" or f"]({path.name})" in text, path.name
    for path in (ROOT / "demos" / "pictures").glob("*.png"):
        assert f"](pictures/{path.name})" in text, path.name


def test_the_diagram_is_one_diagram():
    """The README shows the diagram of vae.py's docstring, line for line."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    start = readme.index("```\nENCODER") + 4
    source = (ROOT / "scratchvae" / "vae.py").read_text(encoding="utf-8")
    in_source = [line.strip() for line in source.splitlines()]
    for line in readme[start : readme.index("```", start)].splitlines():
        assert line.strip() in in_source


def parts(text: str) -> dict[str, list[str]]:
    """What a translation keeps: the blocks of code, the links' ends, `code`, and the numbers."""
    blocks = re.findall(r"^```\n.*?^```", text, re.M | re.S)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    code = re.findall(r"`([^`]+)`", prose)
    plain = re.sub(r"`[^`]+`|\]\([^)]*\)|<img[^>]*>|^\d\. ", "", prose, flags=re.M)
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)*(?![\w.]*\d)", plain)
    return {"blocks": blocks, "code": sorted(code), "numbers": sorted(numbers)}


def test_the_korean_readme_has_the_commands_and_numbers_of_the_english_one():
    """The first screen, the process in words, and the reading order: the same commands, the same
    diagram, the same files in the same order, and each number as often.
    """
    korean = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    screens = [
        text.split("\n---\n")[0].split(end)[0]
        for text, end in ((README, '\n"The notes"'), (korean, '\n"노트"'))
    ]
    process = section("The whole process in words"), korean_section(korean, "말로 설명한 전체 과정")
    order = section("Reading order"), korean_section(korean, "읽는 순서").split("\n\n명령,")[0]
    for ours, theirs in (screens, process, order):
        english, translated = parts(ours), parts(theirs)
        assert translated["blocks"] == english["blocks"]
        assert translated["code"] == english["code"]
        assert translated["numbers"] == english["numbers"]
    files = [re.findall(r"\]\(([^)]+\.py)\)", text) for text in order]
    assert files[0] == files[1] and len(files[0]) > 30


def korean_section(text: str, title: str) -> str:
    """As `section`, of the Korean README."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("block", PYTHON)
def test_every_example_runs(block, tmp_path):
    """Each ```python block of a document, as it stands, in a new folder: on 300 images that have
    MNIST's size and MNIST's names, so that it takes seconds.
    """
    images = write_image_set(tmp_path / "images", n_train=200, n_test=100, height=28, width=28)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCRATCHVAE_DATA": str(images)}
    environment["PYTHONUTF8"] = "1"
    (tmp_path / "example.py").write_text(block, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=HANG,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Warning" not in ran.stderr


def test_the_readme_has_an_example():
    """The test above runs something."""
    assert any("README.md" in example.id for example in PYTHON)
