"""What is made again, in another process or from a file, is the same, or it is refused."""

import numpy as np
import pytest

from scratchvae import (
    SGD,
    VAE,
    Adam,
    Autoencoder,
    active_units,
    evaluate,
    fit,
    load_model,
    log_likelihood,
    save_model,
)

IMAGES = np.random.default_rng(0).integers(0, 256, (1100, 12)).astype(np.uint8)
X = (IMAGES[:4] > 127).astype(np.float32)


class Silent(VAE):
    """A VAE that sees γ x, whose settings do not tell γ."""

    gamma = 1.0

    def __init__(self, *args, gamma=1.0, **keywords):
        super().__init__(*args, **keywords)
        self.gamma = gamma

    def forward(self, x, eps):
        return super().forward(np.multiply(self.gamma, x, dtype=self.dtype), eps)


class Told(Silent):
    """The same, and the settings tell it."""

    @property
    def settings(self):
        return {**super().settings, "gamma": self.gamma}


class Needs(VAE):
    """Its constructor needs what the settings do not tell."""

    def __init__(self, *args, gamma, **keywords):
        super().__init__(*args, **keywords)


def changed(name, value, kind=VAE):
    """A model whose attribute was set from outside."""
    model = kind(12, (5,), 2)
    setattr(model, name, value)
    return model


WRONG = {
    "an argument that the settings do not tell": (
        lambda: Silent(12, (5,), 2, gamma=50),
        "gamma = 50",
    ),
    "an attribute of no argument": (lambda: changed("gamma", 50), "gamma = 50"),
    "a method replaced": (lambda: changed("backward", len), "backward = <built-in"),
    "an attribute of the class itself": (lambda: changed("n_z", 3), "n_z|weights"),
    "an array": (lambda: changed("mask", np.ones(12)), "mask = "),
    "a needed argument": (lambda: Needs(12, (5,), 2, gamma=3), "settings. says .*gamma"),
}
USES = {
    "fit, workers": lambda model: fit(model, IMAGES[:50], epochs=1, workers=2, progress=False),
    "fit, resume": lambda model: fit(
        model, IMAGES[:50], epochs=1, resume="not written", progress=False
    ),
    "evaluate": lambda model: evaluate(model, IMAGES, workers=2),
    "active_units": lambda model: active_units(model, IMAGES, workers=2),
    "log_likelihood": lambda model: log_likelihood(model, X, workers=2, progress=False),
    "save_model": lambda model: save_model(model, "not written"),
}


@pytest.mark.parametrize("use", [*USES])
@pytest.mark.parametrize("wrong", [*WRONG])
def test_what_would_be_lost_is_refused(tmp_path, monkeypatch, wrong, use):
    """TypeError that names the attribute, before any work: no file is written."""
    monkeypatch.chdir(tmp_path)
    make, message = WRONG[wrong]
    if use == "save_model" and make().__class__ is not VAE:
        message = "should be a VAE itself"
    with pytest.raises(TypeError, match=message):
        USES[use](make())
    assert not list(tmp_path.iterdir())


def test_a_subclass_that_tells_its_settings_is_the_same_in_two_processes():
    """γ = ½ of `settings`: fit, evaluate and log_likelihood by two processes are those by one,
    and differ from γ = 1.
    """
    bounds, thetas = [], []
    for workers, gamma in ((1, 0.5), (2, 0.5), (1, 1.0)):
        vae = Told(12, (5,), 2, gamma=gamma, dtype=np.float64)
        sgd = SGD(vae.params, 1e-3)
        fit(
            vae, IMAGES[:60], epochs=1, batch_size=20, workers=workers, optimizer=sgd,
            progress=False,
        )  # fmt: skip
        thetas.append(vae.params.theta)
        bounds.append(evaluate(vae, IMAGES, workers=workers).elbo)
        log_likelihood(vae, X, 8, method="importance", workers=workers, progress=False)
    np.testing.assert_allclose(thetas[0], thetas[1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(bounds[0], bounds[1], rtol=1e-12)
    assert np.abs(thetas[0] - thetas[2]).max() > 1e-4 and abs(bounds[0] - bounds[2]) > 0.01


def test_a_model_after_every_call_is_still_its_settings(tmp_path):
    """What forward, log_joint, fit and a data set's name leave in a model are no settings."""
    for model in (VAE(12, (5,), 2), Autoencoder(12, (5,), 2), Told(12, (5,), 2, gamma=0.5)):
        fit(model, IMAGES[:50], epochs=1, progress=False)
        if isinstance(model, VAE):
            model.log_joint(X, np.zeros((4, 2)))
            model.elbo(X, np.zeros((4, 2)))
            model.sample(3)
        evaluate(model, IMAGES, workers=2)
    vae = VAE(12, (5,), 2)
    vae.elbo(X, np.zeros((4, 2)))
    save_model(vae, tmp_path / "model.npz")
    assert load_model(tmp_path / "model.npz").params.theta.tobytes() == vae.params.theta.tobytes()


class Clipped(Adam):
    """Adam of a clipped gradient; the settings do not tell the limit."""

    limit = 1.0

    def __init__(self, params, lr=1e-3, *, limit=1.0, **keywords):
        super().__init__(params, lr, **keywords)
        self.limit = limit


class Averaged(SGD):
    """SGD that keeps a mean of θ, which `sums` does not name."""

    def __init__(self, params, lr=0.01, weight_decay=0.0):
        super().__init__(params, lr, weight_decay)
        self.mean = params.theta.copy()


@pytest.mark.parametrize("more", [{"workers": 2}, {"resume": "not written"}])
@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (lambda params: Clipped(params, limit=0.1), "optimizer has limit = 0.1"),
        (lambda params: Averaged(params), "array mean.*sums"),
    ],
)
def test_an_optimizer_that_would_be_another_is_refused(
    tmp_path, monkeypatch, more, optimizer, message
):
    """TypeError for what neither another process nor the file of a training would have."""
    monkeypatch.chdir(tmp_path)
    vae = VAE(12, (5,), 2)
    with pytest.raises(TypeError, match=message):
        fit(vae, IMAGES[:50], epochs=1, optimizer=optimizer(vae.params), progress=False, **more)


def test_a_class_in_a_function_is_refused():
    """Another process cannot import it: TypeError says where it should be."""

    class Local(VAE):
        pass

    with pytest.raises(TypeError, match="top of its module"):
        evaluate(Local(12, (5,), 2), IMAGES, workers=2)
