"""What the commands answer to a careless user, and what they print in another encoding."""

import ast
import errno
import io
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import demos.__main__
from scratchvae import VAE, Adam, History, epochs, files, load_images, load_model, save_model
from scratchvae.__main__ import main as all_commands
from scratchvae.files import FileFormatError, made, readable, written_whole
from scratchvae.progress import any_encoding, in_ascii, say
from scratchvae.resume import Saved
from scratchvae.study import sheet
from scratchvae.study.step import MOST_WEIGHTS, training_step

ROOT = Path(__file__).parents[1]
SOURCES = [*(ROOT / "scratchvae").rglob("*.py"), *(ROOT / "demos").glob("*.py")]
SYMBOLS = "".join(
    sorted(
        {c for path in SOURCES for c in path.read_text(encoding="utf-8") if not c.isascii()}
        - {*"Àÿ"}  # the ends of a range of letters
    )
)
QUICK = ["--hidden", "4", "--quiet", "--workers", "1"]


def run(*arguments):
    """Exit code, stdout and stderr of a command, of any room."""
    out, error = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["scratchvae", *map(str, arguments)]
    try:
        with redirect_stdout(out), redirect_stderr(error):
            code = all_commands()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = before
    return code, out.getvalue(), error.getvalue()


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """train draws nothing: it takes longer than all that is tested here."""
    monkeypatch.setattr("scratchvae.cli._train_pictures", lambda *_: [])


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A folder with pictures.npy, a model of one epoch in run/, and a plain file."""
    folder = tmp_path_factory.mktemp("own")
    np.save(folder / "pictures.npy", np.random.default_rng(0).random((60, 6, 5)) < 0.5)
    made(folder / "run")
    vae = VAE(30, (4,), 20, image_shape=(6, 5))
    save_model(vae, folder / "run" / "model.npz", load_images(folder / "pictures.npy").identity)
    (folder / "file").write_text("text")
    return folder


# ---- names ----

MEANT = [
    (["train", "--nz", "3"], "scratchvae train", "--n-z"),
    (["train", "--nz=3"], "scratchvae train", "--n-z"),
    (["train", "-nz", "3"], "scratchvae train", "--n-z"),
    (["train", "epochs=5"], "scratchvae train", "--epochs"),
    (["train", "--Epochs", "5"], "scratchvae train", "--epochs"),
    (["train", "--decoder", "gausian"], "scratchvae train", "gaussian"),
    (["train", "--pixels", "gray"], "scratchvae train", "grey"),
    (["sample", "m.npz", "--seeed", "1"], "scratchvae sample", "--seed"),
    (["tarin"], "scratchvae", "train"),
    (["help"], "scratchvae", "--help"),
    (["homework", "mak"], "scratchvae homework", "make"),
    (["homework", "make", "x", "--exercise", "2"], "scratchvae homework make", "--exercises"),
    (["homework", "grade", "x", "-jobs", "3"], "scratchvae homework grade", "--jobs"),
    (["study", "--uot", "x"], "scratchvae study", "--out"),
    (["trace", "--sise", "3"], "scratchvae trace", "--sizes"),
    (["explore", "m.npz", "--presice"], "scratchvae explore", "--precise"),
    (["paper", "figure22"], "scratchvae paper", "figure2"),
]


@pytest.mark.parametrize(("arguments", "command", "meant"), MEANT)
def test_an_unknown_name_is_answered_with_the_likest(arguments, command, meant):
    """Exit code 2, the usage of the command itself, and "did you mean" in the last line."""
    code, out, error = run(*arguments)
    assert (code, out) == (2, "")
    assert error.startswith(f"usage: {command} [-h]")
    assert error.splitlines()[-1].startswith(f"{command}: error: ")
    assert error.endswith(f"; did you mean {meant}?\n")


def test_what_is_like_nothing_is_not_guessed():
    """No name is near: the argument is named, and no other."""
    for arguments in (["train", "--qqq"], ["qqq"], ["sample", "m.npz", "--qqq"]):
        code, _, error = run(*arguments)
        assert code == 2 and "qqq" in error and "did you mean" not in error


def test_a_file_as_an_argument_of_its_own(own):
    """`train pictures.npy`: the file should be named by --data."""
    code, _, error = run("train", own / "pictures.npy")
    assert code == 2 and error.endswith(f"; did you mean --data {own / 'pictures.npy'}?\n")


def test_options_before_the_command():
    """`--nz 3 train`: 3 is not taken for a command."""
    code, _, error = run("--nz", 3, "train")
    assert code == 2 and "unrecognized arguments: --nz; options should stand after" in error


def test_the_demos_names(capsys):
    """`python -m demos wrong_vea`: the likest demo, and a demo's own options too."""
    assert demos.__main__.main(["wrong_vea"]) == 2
    assert "no demo is called wrong_vea; did you mean wrong_vaes?; there" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        demos.__main__.main(["notebooks", "--oot", "x"])
    assert "did you mean --out?" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "command"), [([], "COMMAND"), (["homework"], "ACTION")])
def test_a_command_without_its_command_prints_its_help(arguments, command):
    """The help, on stderr, with exit code 2; with --help on stdout, with 0."""
    code, out, error = run(*arguments)
    assert (code, out) == (2, "") and f"[-h] {command} ..." in error.replace("[--version] ", "")
    assert "error" not in error and "example: scratchvae" in error
    assert run(*arguments, "--help") == (0, error, "")


# ---- values ----

VALUES = [
    (["train", "--hidden", "500 200"], "--hidden: '500 200' should be whole numbers with commas"),
    (["train", "--hidden", "500,"], "--hidden: '500,' should be whole numbers with commas"),
    (["train", "--hidden", "500", "200"], "200; the numbers of --hidden should have commas"),
    (["trace", "--sizes", "4", "3", "2"], "3 2; the numbers of --sizes should have commas"),
    (["trace", "--seed", "-1"], "--seed: -1 should be 0 or more"),
    (["train", "--epochs", "ten"], "--epochs: 'ten' should be a whole number"),
    (["train", "--lr", "0,001"], "--lr: '0,001' should be a number, as 0.001"),
    (["train", "--lr", "-1e-3"], "lr is -0.001; it should be a finite number above 0"),
    (["train", "--max-memory", "1GB"], "--max-memory: '1GB' should be a number"),
    (["train", "--out", ""], "--out: '' should be the name of a file or folder"),
    (["train", "--data", ""], "--data: '' should be the name of a file or folder"),
    (["sample", "m.npz", "--out", ""], "--out: '' should be the name of a file or folder"),
    (["sample", ""], "MODEL: '' should be the name of a file or folder"),
    (["interpolate", "m.npz", "--pair", "1"], "--pair: '1' should be two whole numbers with a"),
    (["interpolate", "m.npz", "--pair", "-1,2"], "--pair: -1 should be 0 or more"),
    (["interpolate", "m.npz", "--pair", "a,b"], "--pair: 'a' should be a whole number"),
    (["homework", "grade", "x", "--seconds", "abc"], "--seconds: 'abc' should be a number"),
    (["homework", "grade", "x", "--jobs", "abc"], "--jobs: 'abc' should be a whole number"),
    (["paper", "figure2", "--samples", "many"], "--samples: 'many' should be a number"),
]


@pytest.mark.parametrize(("arguments", "message"), VALUES)
def test_a_value_that_cannot_be_is_told_what_it_should_be(own, arguments, message):
    """Exit code 2, the option, the value and what it should be; no name of a Python type."""
    data = ["--data", own / "pictures.npy"] if arguments[0] == "train" else []
    code, _, error = run(arguments[0], *data, *arguments[1:])
    assert code == 2 and message in error
    assert not re.search(r"\b(float|int|value|Traceback|Errno)\b", error.splitlines()[-1])


def test_hidden_with_spaces_after_its_commas(own, tmp_path):
    """--hidden "6, 5" is 6,5."""
    train = ["train", "--data", own / "pictures.npy", "--out", tmp_path, "--epochs", 1]
    assert run(*train, *QUICK, "--hidden", "6, 5")[0] == 0
    assert load_model(tmp_path / "model.npz").hidden == (6, 5)


def test_another_data_set_than_the_models(own):
    """Without --data, of a model of other data: that --data should name it."""
    code, _, error = run("evaluate", own / "run")
    assert (
        code == 2 and "the model is of 6 x 5; the model's data should be named by --data" in error
    )


def test_trace_refuses_what_nobody_reads(capsys):
    """Sizes with more weights than a trace shows: refused before any work, however large; the
    largest example of the message is allowed.
    """
    for sizes in ("784,100,20,100,784", ",".join(["1000000"] * 5)):
        code, _, error = run("trace", "--sizes", sizes)
        assert code == 2 and f"sizes is {sizes}, with " in error and "at most 20,000" in error
    vae = VAE(100, (50,), 10)
    assert vae.params.theta.size < MOST_WEIGHTS and "as 100,50,10,50,100 has" in error
    with pytest.raises(ValueError, match="with 163,824 weights"):
        training_step((784, 100, 20, 100, 784))


# ---- files ----


def test_a_folder_stands_for_the_model_in_it(own, tmp_path):
    """Each command that reads a model takes its folder, and names the file when there is none."""
    data = ["--data", own / "pictures.npy"]
    for command, more, suffix in (
        ("sample", [], ".png"), ("reconstruct", data, ".png"), ("interpolate", data, ".png"),
        ("evaluate", data, None), ("explore", [*data, "--images", 3], ".html"),
    ):  # fmt: skip
        out = tmp_path / f"{command}{suffix}"
        code, _, error = run(command, own / "run", *more, *(["--out", out] if suffix else []))
        assert code == 0 and out.exists() == bool(suffix), error
        code, _, error = run(command, tmp_path, *more)
        assert code == 2 and f"{tmp_path / 'model.npz'} cannot be read: it does not exist" in error
    assert run("manifold", own / "run")[2].startswith("scratchvae manifold: error: n_z is 20")


LONG = "a" * 300
OUTS = [  # the command, what is wrong with --out in a folder with `file`, what is said of it
    ("train", "file", "{} is a file; it should be a folder"),
    ("train", "file/run", "{} cannot be made: a part of its path is a file and no folder"),
    ("train", "/proc/x", "{} cannot be made: nothing can be made there; name another place"),
    ("train", LONG, "{} cannot be made: its name is too long; name another place"),
    ("sample", "no/x.png", "{} cannot be written: {parent} does not exist; name a folder that is"),
    ("sample", "file/x.png", "{} cannot be written: {parent} is a file and no folder; name a"),
    ("sample", "/proc/x.png", "{} cannot be written: nothing can be made there; name another"),
    ("sample", f"{LONG}.png", "its name is too long"),
    ("explore", "no/x.html", "{} cannot be written: {parent} does not exist; name a folder that"),
    ("trace", "file", "{} is a file; it should be a folder"),
    ("trace", "/proc/x", "{} cannot be made: nothing can be made there"),
    ("study", "file", "{} is a file; it should be a folder"),
    ("paper", "file", "{} is a file; it should be a folder"),
    ("autograder", "file/x.zip", "{parent} is a file; it should be a folder"),
    ("make", "file/x", "{}/a cannot be made: a part of its path is a file and no folder"),
]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize(("command", "out", "message"), OUTS)
def test_an_output_that_cannot_be(own, monkeypatch, command, out, message):
    """One sentence: the name, what is wrong with it, what to do; no number of the system's, and
    no name of a part.
    """
    # what is written does not matter
    monkeypatch.setattr("scratchvae.homework.make.handout", lambda *_: (None, {"a/b": "text"}))
    out = own / out
    arguments = {
        "train": ["--data", own / "pictures.npy", *QUICK, "--out"],
        "sample": [own / "run", "--out"],
        "explore": [own / "run", "--data", own / "pictures.npy", "--out"],
        "paper": ["figure4", "--data", own / "pictures.npy", "--out"],
        "autograder": ["--exercises", "2.2"],
        "make": ["--exercises", "2.2"],
    }.get(command, ["--out"])
    room = ["homework"] if command in ("autograder", "make") else []
    code, _, error = run(*room, command, *arguments, out)
    assert code == 2 and message.format(out, parent=out.parent) in error
    assert "Errno" not in error and ".part" not in error and len(error.splitlines()) <= 2


INS = {
    "missing": ("no/model.npz", "{} cannot be read: it does not exist"),
    "part of a file": ("file/x", "{} cannot be read: a part of its path is a file and no folder"),
    "long": (LONG, "{} cannot be read: its name is too long"),
    "device": ("/dev/null", "{} is no file; a file should be named"),
    "text": ("file", "{} is no model that save_model wrote: it is no .npz file"),
}


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
@pytest.mark.parametrize("kind", INS)
def test_a_model_that_cannot_be_read(own, kind):
    """One sentence with the name, and what is wrong with it."""
    name, message = INS[kind]
    code, _, error = run("sample", own / name)
    assert code == 2 and error == f"scratchvae sample: error: {message.format(own / name)}" + (
        ", or only a part of one\n" if kind == "text" else "\n"
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "there is no permission"),
        (errno.EROFS, "its disk can only be read"),
        (errno.ELOOP, "its links lead in a circle"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_what_the_system_refuses_is_said_in_words(tmp_path, monkeypatch, number, words):
    """A file that cannot be written, a folder that cannot be made, and a file that cannot be read
    keep the class of the error, and have its meaning in place of its number.
    """

    def refuse(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    (tmp_path / "there").touch()
    monkeypatch.setattr(files.os, "open", refuse)
    with pytest.raises(OSError) as caught, written_whole(tmp_path / "a"):
        pass
    assert str(caught.value) == f"{tmp_path / 'a'} cannot be written: {words}; name another place"
    assert type(caught.value) is type(OSError(number, "x"))
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OSError, match=f"^{tmp_path / 'b'} cannot be made: {words}; name another"):
        made(tmp_path / "b")
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(FileFormatError, match=f"^{tmp_path / 'there'} cannot be read: {words}$"):
        readable(tmp_path / "there")


def test_another_file_s_error_is_not_of_the_file_that_is_written(tmp_path):
    """The block reads a file that is not there: this one is named."""
    with pytest.raises(FileNotFoundError) as caught, written_whole(tmp_path / "a"):
        (tmp_path / "b").read_text()
    assert caught.value.filename == str(tmp_path / "b")


def test_any_error_of_a_file_is_a_sentence(own, monkeypatch):
    """An OSError that nobody foresaw: the command ends with the name and what it means."""

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", "/somewhere")

    monkeypatch.setattr("scratchvae.cli.load_model", refuse)
    code, _, error = run("sample", own / "run")
    assert code == 2
    assert error == (
        "scratchvae sample: error: /somewhere cannot be used: there is no permission\n"
    )


# ---- --resume --lr ----


def train_on(own, out, *more):
    train = ["train", "--data", own / "pictures.npy", "--out", out, *QUICK, "--batch-size", 16]
    code, _, error = run(*train, *more)
    return code, error, load_model(out / "model.npz").params.theta.tobytes()


def test_resume_with_another_learning_rate(own, tmp_path):
    """--resume --lr 0.0005 after 2 epochs: it is said, and θ is that of a loop which changes the
    rate there. The rate stays, with --resume alone and with the same --lr; the history too.
    """
    out = tmp_path / "run"
    note = "scratchvae train: note: lr was 0.001 and is 0.0005 from epoch 3 on\n"
    assert note not in train_on(own, out, "--epochs", 2)[1]
    assert note in train_on(own, out, "--resume", "--epochs", 3, "--lr", 0.0005)[1]
    assert "lr was" not in train_on(own, out, "--resume", "--epochs", 4)[1]
    code, error, theta = train_on(own, out, "--resume", "--epochs", 5, "--lr", "5e-4")
    assert code == 0 and "lr was" not in error

    data = load_images(own / "pictures.npy")
    vae = VAE(30, (4,), 20, seed=0, image_shape=(6, 5))
    adam, history = Adam(vae.params), History()
    for epoch in epochs(
        vae, data.train_images, 5, batch_size=16, optimizer=adam, test_images=data.test_images
    ):
        history.record(epoch)
        if epoch.number == 2:
            adam.lr = 0.0005
    assert theta == vae.params.theta.tobytes()
    written = ast.literal_eval((out / "history.json").read_text())
    assert written["elbo"] == history.elbo and written["test_elbo"] == history.test_elbo
    # a training that is done has no epoch to change
    assert "lr was" not in train_on(own, out, "--resume", "--epochs", 5, "--lr", 1)[1]


def test_resume_refuses_other_settings(own, tmp_path):
    """Beside lr, each setting has to be the same, and the sentence does not speak of lr."""
    out = tmp_path / "run"
    before = train_on(own, out, "--epochs", 1)[2]
    for more, words in (
        (["--batch-size", 8], "batch_size was 16 and is 8"),
        (["--weight-decay", 1], "weight_decay was 0.0 and is 1.0"),
        (["--optimizer", "sgd"], "optimizer was 'Adam' and is 'SGD'"),
    ):
        code, error, theta = train_on(own, out, "--resume", "--epochs", 2, "--lr", 0.5, *more)
        assert code == 2 and words in error and "lr was" not in error and theta == before


def test_in_python_the_learning_rate_of_a_resumed_training(tmp_path):
    """`epochs` puts the file's rate into the optimizer; another one set after it holds. Without
    `lr_of_file` another rate is refused.
    """
    images = np.random.default_rng(0).integers(0, 256, (40, 6)).astype(np.uint8)

    def training(n, lr, **more):
        vae = VAE(6, (3,), 1, seed=1)
        adam = Adam(vae.params, lr=lr)
        saved = Saved(tmp_path / "state.npz", History(), **more)
        return adam, epochs(vae, images, n, optimizer=adam, saved=saved)

    list(training(1, 0.01)[1])
    with pytest.raises(ValueError, match=r"lr was 0\.01 and is 0\.02"):
        training(2, 0.02)
    adam, each = training(2, 0.02, lr_of_file=True)
    assert adam.lr == 0.01
    adam.lr = 0.005
    assert [epoch.number for epoch in each] == [2]
    adam, each = training(3, 0.01)  # it began with 0.01, and 0.005 is state
    assert adam.lr == 0.005


# ---- encodings ----


def written(text, encoding):
    """What a stream with our rule for letters that the encoding does not have holds of the text."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="scratchvae", newline="\n")
    stream.write(text)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def has(encoding, letter):
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def test_every_symbol_of_the_sources_has_a_name():
    """Each letter beyond ASCII in the sources, Korean aside, has a name in ASCII, and no code."""
    symbols = re.sub("[가-힣]", "", SYMBOLS)
    assert len(symbols) > 100
    for symbol in symbols:
        name = in_ascii(symbol)
        assert name.isascii() and name.strip() and "\\" not in name and "?" not in name, symbol


@settings(max_examples=50)
@given(st.text(st.sampled_from(SYMBOLS + "ax1 (\n"), max_size=12))
def test_nothing_is_dropped(text):
    """In any encoding each symbol is itself, or its name; no "?" is new. Text that the encoding
    has is not changed.
    """
    for encoding in ("ascii", "latin-1", "cp949", "cp1252", "utf-8"):
        seen = written(text, encoding)
        assert "?" not in seen
        place = 0
        for letter in text:
            names = [letter, in_ascii(letter).strip("^_")]  # ² may belong to a run as ⁻²
            found = [(seen.find(name, place), name) for name in names if name in seen[place:]]
            assert found, (encoding, text, seen)
            place = min(found)[0] + len(min(found)[1])
        if all(has(encoding, letter) for letter in text):
            assert seen == text


def test_symbols_are_named_as_people_write_them():
    """The names are those of the field, powers and indices have one mark, and a name does not run
    into the next letter. Korean stays where the code page has it.
    """
    for text, name in {
        "μ, log σ² ← x": "mu, log sigma^2 <- x",
        "Σ_k π ε ‖x‖": "sum_k pi eps ||x||",
        "−½ → × ± ≤": "-1/2 -> x +- <=",
        "10⁻¹⁶ x₁₂ xᵀ": "10^-16 x_12 x^T",
        "m̂ = m / (1 − β₁ᵗ)": "m_hat = m / (1 - beta_1^t)",
        "∂loss/∂a, sin ωz, √N, 𝓛̃": "dloss/da, sin omega z, sqrt N, L_tilde",
    }.items():
        assert in_ascii(text) == written(text, "ascii") == name
    assert written("엔트로피 H(p) = −Σ p, 10⁻²", "cp949") == "엔트로피 H(p) = -Σ p, 10^-2"
    assert written("엔", "cp1252") == "\\uc5d4" and written("José…", "cp1252") == "José…"


PRINTED = [
    ["homework", "list"], ["trace"], ["trace", "--worksheet"], ["trace", "--key"],
    ["trace", "--json"], ["trace", "--decoder", "gaussian", "--optimizer", "adam"],
    ["gradcheck"], ["--help"], ["homework", "--help"],
    *([command, "--help"] for command in ("train", "sample", "trace", "study", "explore", "paper")),
]  # fmt: skip


@pytest.mark.parametrize("arguments", PRINTED, ids=" ".join)
def test_what_a_command_prints_in_other_encodings(arguments, monkeypatch):
    """It has no U+2212, so its numbers can be pasted. In ASCII and two code pages of Windows the
    same is printed, with names for symbols; nothing becomes a "?".
    """
    code, printed, _ = run(*arguments)
    assert code == 0 and "−" not in printed
    for encoding in ("ascii", "cp949", "cp1252"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
        monkeypatch.setattr(sys, "argv", ["scratchvae", *arguments])
        monkeypatch.setattr(sys, "stdout", stream)
        try:
            assert all_commands() == 0
        except SystemExit as stop:
            assert stop.code == 0
        stream.flush()
        seen = stream.buffer.getvalue().decode(encoding)
        assert seen == written(printed, encoding) and seen.count("?") == printed.count("?")
        assert len(seen.splitlines()) == len(printed.splitlines())


def test_numbers_of_a_trace_can_be_pasted():
    """Each number under an equation of the trace is a number of Python, some of them negative."""
    lines = sheet.key(training_step()).splitlines()
    words = [word for line in lines[3:-2] for word in line[34:].split()]
    assert len(words) > 100 and any(float(word) < 0 for word in words)


def test_say_writes_a_minus_that_can_be_pasted(capsys):
    """`say` of U+2212, the sign of equations, is "-"."""
    say("H(p) = −Σ p log p, −0.4")
    assert capsys.readouterr().out == "H(p) = -Σ p log p, -0.4\n"


def test_no_demo_prints_a_minus_that_cannot_be_pasted():
    """No text that a demo prints, and no list of demos, has U+2212."""
    for path in sorted((ROOT / "demos").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
                assert "−" not in ast.unparse(node), f"{path.name}:{node.lineno}"
    listed = io.StringIO()
    with redirect_stdout(listed):
        assert demos.__main__.main([]) == 0
    assert "−" not in listed.getvalue()


def test_any_encoding_reaches_both_streams(monkeypatch):
    """stdout and stderr have the rule from then on."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    any_encoding()
    say("σ²")
    say("σ²", error=True)
    assert [stream.buffer.getvalue() for stream in streams] == [b"sigma^2\n"] * 2
