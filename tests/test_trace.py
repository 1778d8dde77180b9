"""`scratchvae trace`: its numbers are the package's own, and its gradients are derivatives."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import unread

from scratchvae import VAE, Adagrad, Adam, cli, distributions, layers, vae
from scratchvae.gradient_check import complex_step
from scratchvae.optimizers import OPTIMIZERS
from scratchvae.study import graph, sheet
from scratchvae.study.cli import add_commands
from scratchvae.study.derivatives import Analytic
from scratchvae.study.step import check_sizes, training_step
from scratchvae.study.trace import record

PACKAGE = Path(vae.__file__).parent
DECODERS = ("bernoulli", "gaussian", "sigmoid-gaussian", "isotropic", "continuous-bernoulli")


def given(step, name, owner=""):
    return step.find(name, owner, "given").value


def model_of(step):
    """The same VAE, made anew, with the weights that the step was given."""
    middle = len(step.sizes) // 2
    model = VAE(
        step.sizes[0],
        step.sizes[1:middle],
        step.sizes[middle],
        decoder=step.decoder,
        activation=step.activation,
        dtype=np.float64,
    )
    for name, value in model.params.values.items():
        owner, _, short = name.rpartition(".")
        value[...] = given(step, short, owner)
    return model, given(step, "x"), given(step, "eps")


# ---- the numbers are the package's own ----


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("decoder", DECODERS)
def test_every_number_is_the_package_s_own_to_the_bit(decoder, optimizer, monkeypatch):
    """What each layer and each distribution returns without a tracer is in the trace, bit by bit.

    So are the loss, every gradient, and the weights after the step.
    """
    step = training_step((4, 3, 3, 2, 3, 3, 4), decoder=decoder, optimizer=optimizer, seed=5)
    model, x, eps = model_of(step)
    returned = []

    def spied(function):
        def spy(*arguments):
            value = function(*arguments)
            for part in value if isinstance(value, tuple) else (value,):
                if part is not None:
                    returned.append(np.array(part))
            return value

        return spy

    for kind in (layers.Affine, layers.Tanh, layers.Sigmoid):
        for name in ("forward", "backward_input"):
            monkeypatch.setattr(kind, name, spied(getattr(kind, name)))
    for module in (vae, vae.layers, sys.modules["scratchvae.decoders"]):
        for name in dir(module):
            of_distributions = getattr(distributions, name, None)
            if callable(of_distributions) and getattr(module, name) is of_distributions:
                monkeypatch.setattr(module, name, spied(of_distributions))
    loss = model.loss_and_grad(x, eps)
    assert loss == step.loss == step.find("loss").value
    values = {np.asarray(q.value, float).tobytes() for q in step.quantities}
    assert len(returned) > 20
    assert all(value.tobytes() in values for value in returned)
    for name, gradient in model.params.grads.items():
        owner, _, short = name.rpartition(".")
        shown = [
            q
            for q in step.quantities
            if q.phase == "backward"
            and q.name == {"x_logvar": "ds"}.get(name, f"d{short}")
            and (q.owner == owner if owner else q.function == "Isotropic.backward")
        ]
        assert shown[-1].value.tobytes() == gradient.tobytes()
    OPTIMIZERS[optimizer](model.params, lr=given(step, "lr")).step()
    assert step.find("theta", phase="update").value.tobytes() == model.params.theta.tobytes()


def test_the_steps_are_in_the_order_in_which_python_runs_them():
    """The lines of VAE.forward and VAE.backward come in the order of the file."""
    step = training_step()
    for function in ("VAE.forward", "VAE.backward"):
        lines = [s.line for s in step.steps if s.function == function]
        assert len(lines) > 5 and lines == sorted(lines)
    phases = [q.phase for q in step.quantities]
    assert phases == sorted(phases, key=("given", "forward", "backward", "update").index)


# ---- its gradients are derivatives ----


def loss_by_hand(sizes, theta, x, eps, **moved):
    """−𝓛(x) of a Bernoulli VAE with one hidden layer of tanh, in analytic functions alone.

    moved: numbers to add on the way: to h, z, a, or to mu or logvar where z, or the KL, uses it.
    """
    n_x, n_h, n_z, _, _ = sizes
    shapes = [(n_x, n_h), (n_h,), (n_h, n_z), (n_z,), (n_h, n_z), (n_z,)]
    shapes += [(n_z, n_h), (n_h,), (n_h, n_x), (n_x,)]
    parts = iter(np.split(theta, np.cumsum([np.prod(shape) for shape in shapes])[:-1]))
    W, b, W_mu, b_mu, W_s, b_s, V, c, U, d = (
        part.reshape(shape) for part, shape in zip(parts, shapes)
    )
    h = np.tanh(x @ W + b) + moved.get("h", 0)
    mu, s = h @ W_mu + b_mu, h @ W_s + b_s
    z = mu + moved.get("mu", 0) + np.exp((s + moved.get("logvar", 0)) / 2) * eps
    z = z + moved.get("z", 0)
    a = np.tanh(z @ V + c) @ U + d + moved.get("a", 0)
    log_p = (x * np.log(1 / (1 + np.exp(-a))) + (1 - x) * np.log(1 / (1 + np.exp(a)))).sum()
    m, t = mu + moved.get("kl_mu", 0), s + moved.get("kl_logvar", 0)
    kl = -(1 + t - m**2 - np.exp(t)).sum() / 2
    return kl - log_p


@pytest.mark.parametrize("seed", range(5))
def test_gradients_are_derivatives_of_a_formula_written_by_hand(seed):
    """Every weight's gradient, and dh, dz, da, dμ, dlog σ² on the way: within 1e-9.

    The formula has log(1 / (1 + e^−a)) in place of the safe form, so |a| and max are not in it.
    """
    step = training_step(seed=seed)
    model, x, eps = model_of(step)
    theta, sizes = model.params.theta.copy(), step.sizes
    g = complex_step(lambda moved: loss_by_hand(sizes, moved, x, eps), theta)
    model.loss_and_grad(x, eps)
    assert np.abs(model.params.g - g).max() < 1e-9
    through_z = {
        q.name: q.value for q in step.quantities if q.function == "reparameterize_backward"
    }
    ways = {
        "h": step.find("dh_encoder").value,
        "z": step.find("dz").value,
        "a": step.find("dlogits").value,
        "mu": through_z["dmu"],
        "logvar": through_z["dlogvar"],
        "kl_mu": step.find("dkl_dmu").value,
        "kl_logvar": step.find("dkl_dlogvar").value,
    }
    for name, ours in ways.items():
        exact = complex_step(
            lambda moved, name=name: loss_by_hand(sizes, theta, x, eps, **{name: moved}),
            np.zeros(ours.size),
        )
        assert np.abs(ours.ravel() - exact).max() < 1e-9, name


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_every_gradient_is_compared_and_agrees(decoder, activation):
    """No gradient is without its complex step; other numbers are on the way to σ, sigmoid or κ′."""
    step = training_step(decoder=decoder, activation=activation, seed=2)
    unchecked = {q.name for q in step.quantities if q.phase == "backward" and q.difference is None}
    # sigmoid(s − m), m = log σ_min², and ds without its factor −1 / (L B)
    of_floor = {"a", "_log_square", "factor", "ds"}
    if decoder in ("gaussian", "sigmoid-gaussian", "isotropic"):
        assert any(q.name == "ds" and q.difference is not None for q in step.quantities)
    of_mean = {"t", "small", "large", "square", "series", "closed", "E[x]"}
    assert unchecked <= {"eps", "e", "sigmoid(a)", "logvar"} | (
        of_mean if decoder == "continuous-bernoulli" else of_floor
    )
    assert sum(q.difference is not None for q in step.quantities) >= 24
    assert step.largest_difference < 1e-9


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("gaussian_kl_backward", lambda mu, logvar: (mu.copy(), np.exp(logvar) - 1)),
        ("reparameterize_backward", lambda dz, s, eps: (dz.sum(0), (dz * eps).sum(0))),
    ],
)
def test_a_wrong_gradient_is_seen(name, wrong, monkeypatch):
    """With a wrong backward pass the largest difference is no rounding error."""
    monkeypatch.setattr(vae, name, wrong)
    assert training_step().largest_difference > 0.01


def test_the_model_is_as_before():
    """The complex step leaves θ, g, the dtype and the layers as they were."""
    step = training_step()
    assert step.vae.params.theta.dtype == step.vae.dtype == np.float64
    assert step.vae.layers["mu"].W.base is step.vae.params.theta
    assert not any("forward" in vars(layer) for layer in step.vae.layers.values())


def test_analytic_absolute_values():
    """For real a ≠ 0: Im |a + ih| / h is ±1, and max and min keep the part that they choose."""
    a = (np.array([-2.0, 3.0]) + 1j).view(Analytic)
    assert np.abs(a).tolist() == [2 - 1j, 3 + 1j]
    assert np.maximum(a, 0).tolist() == [0, 3 + 1j]
    assert np.minimum(a, 0).tolist() == [-2 + 1j, 0]
    assert isinstance(np.exp(a).sum(axis=0, keepdims=True), Analytic)


# ---- the recorder ----


def test_a_view_is_the_same_quantity_and_a_change_in_place_is_a_new_one():
    """y = x @ W, y += b: two quantities. `mu` is another name of the second, h is no copy."""
    step = training_step()
    ys = [s for s in step.steps if s.owner == "mu" and s.name == "y"]
    assert [s.new for s in ys] == [True, True, False]
    mu = next(s for s in step.steps if s.function == "VAE.forward" and s.name == "mu")
    assert not mu.new and mu.key == ys[1].index
    assert len({q.key for q in step.quantities if q.number and q.phase != "update"}) == sum(
        q.number > 0 and q.phase != "update" for q in step.quantities
    )


def test_kinds_of_statements():
    """`out=`, `if`, `for`, a call that changes an array, and a statement of several lines."""
    model = VAE(2, (), 1, dtype=np.float64)
    model.params.g[...] = 1
    optimizer = Adam(model.params, weight_decay=0.5)
    _, steps = record(optimizer.step)
    by_name = {(s.function, s.name): s for s in steps}
    assert by_name["Adam.update", "work"].statement.text.startswith("work *= self.lr")
    assert by_name["Optimizer.step", "self.weight_decay"].value is True
    assert by_name["Optimizer.step", "start"].value == 0
    assert "not set yet" in by_name["Optimizer.step", "work"].value
    Adagrad(model.params).step()
    _, steps = record(model.loss_and_grad, [[0.0, 1.0]], [[0.3]])
    whole = next(s for s in steps if s.function == "VAE.loss_and_grad" and s.name[:4] == "self")
    assert whole.name == "self.params.g" and whole.text == "self.backward()"
    _, steps = record(model.noise, 3, np.random.default_rng(0))
    assert [s.shape for s in steps] == [(3, 1)]


def test_record_gives_back_what_the_function_returns_or_raises():
    """And Python's own tracing is as before, also after an exception."""
    before = sys.gettrace()
    model = VAE(2, (), 1, dtype=np.float64)
    returned, steps = record(model.elbo, [[0.0, 1.0]], [[0.3]])
    assert returned.tobytes() == model.elbo([[0.0, 1.0]], [[0.3]]).tobytes() and steps
    with pytest.raises(ValueError, match="should be"):
        record(model.elbo, [[0.0, 1.0, 2.0]], [[0.3]])
    assert sys.gettrace() is before


def test_every_step_is_a_line_of_the_file():
    """file:line has the text, and the equation is cut from the file, not written again."""
    for decoder in DECODERS:
        step = training_step(decoder=decoder, optimizer="adam")
        for q in step.quantities:
            if q.phase == "given":
                continue
            source = (PACKAGE / q.file).read_text(encoding="utf-8")
            start = "\n".join(source.splitlines()[q.line - 1 :])
            assert re.sub(r"\s+", "", start).startswith(re.sub(r"\s+", "", q.code))
            squeezed = re.sub(r"\s", "", source)
            assert q.equation and re.sub(r"\s", "", q.equation) in squeezed, q.equation


# ---- the command ----


def run(*arguments):
    return cli.main(["trace", *arguments], rooms=[add_commands])


def test_worksheet_and_key_belong_together(capsys):
    """The worksheet has a blank for each number of the key, and the numbers that are given."""
    assert run("--seed", "3", "--worksheet") == 0
    worksheet = capsys.readouterr().out
    assert run("--seed", "3", "--key") == 0
    key = capsys.readouterr().out
    step = training_step(seed=3)
    asked = [q for q in step.quantities if q.phase != "given"]
    assert worksheet.count("_________") == sum(np.size(q.value) for q in asked)
    assert "complex step" not in worksheet and sheet.numbers(step.loss)[0] not in worksheet
    for q in asked:
        assert re.search(rf"^ *{q.number}\. ", worksheet, re.M)
        weights = step.vae.params.values.values() if q.name == "theta" else [q.value]
        assert all(sheet.numbers(value)[0].strip() in key for value in weights)
    assert run("--seed", "4", "--key") == 0
    assert capsys.readouterr().out != key


def test_json_gives_the_bits_back(capsys):
    """Each value, read from the JSON, is the quantity to the bit."""
    assert run("--json", "--decoder", "gaussian") == 0
    read = json.loads(capsys.readouterr().out)
    step = training_step(decoder="gaussian")
    assert read["loss"] == step.loss and len(read["quantities"]) == len(step.quantities)
    for entry, q in zip(read["quantities"], step.quantities):
        value = np.array(entry["value"], float)
        assert value.tobytes() == np.asarray(q.value, float).tobytes()
        assert tuple(entry["shape"]) == q.shape


def test_text_says_how_far_each_gradient_is_from_its_complex_step(capsys):
    """The line at the end has the largest difference of all."""
    assert run() == 0
    out = capsys.readouterr().out
    assert "gradients compared with the complex step" in out.splitlines()[-1]
    assert out.count("complex step: largest difference") == sum(
        q.difference is not None for q in training_step().quantities
    )
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("decoder", DECODERS)
def test_picture(decoder, tmp_path):
    """trace.png, for each decoder, and for sizes whose weights do not fit in."""
    for i, sizes in enumerate(((4, 3, 2, 3, 4), (9, 8, 7, 3, 7, 8, 9))):
        path = tmp_path / f"{i}.png"
        graph.draw(training_step(sizes, decoder=decoder), path)
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("sizes", [(4, 2, 4), (4, 3, 2, 4), (4, 3, 2, 3, 5), (4, 0, 2, 0, 4)])
def test_sizes_that_are_none(sizes, capsys):
    """One sentence, and exit code 2."""
    with pytest.raises(ValueError, match="the same from both ends"):
        check_sizes(sizes)
    assert run("--sizes", ",".join(map(str, sizes))) == 2
    assert "the same from both ends" in capsys.readouterr().err


def test_output_that_goes_away_loses_no_picture(tmp_path):
    """Nobody reads the numbers: the picture is written."""
    assert unread("trace", "--out", tmp_path / "here", cwd=tmp_path) == 0
    assert (tmp_path / "here" / "trace.png").is_file()


def test_the_command_is_quick():
    """It takes less than 10 times the processor's time of Python's start with NumPy, which is less
    than a second where that takes a tenth of one.
    """
    resource = pytest.importorskip("resource", reason="not on this system")

    def seconds(*arguments):
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *arguments], cwd=PACKAGE.parent, check=True, stdout=subprocess.DEVNULL
        )
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime

    bare = [seconds("-c", "import numpy") for _ in range(3)]
    trace = [seconds("-m", "scratchvae", "trace") for _ in range(3)]
    assert min(trace) < 10 * min(bare)
