"""The variational autoencoder by hand, in NumPy: every gradient is derived and tested.

Each file opens with the derivation of what it does. Read them in this order: `info` (it
stands alone), `parameters`, `initializers`, `layers`, `distributions`, `decoders`, `vae`,
`optimizers`, `datasets`, `evaluation`, `training`, `hmc`, `likelihood`.
"""

from scratchvae.autoencoder import Autoencoder
from scratchvae.checkpoint import load_model, save_model
from scratchvae.datasets import ImageSet, binarize, load_mnist, read_idx
from scratchvae.evaluation import Bound, active_units, evaluate
from scratchvae.files import FileFormatError
from scratchvae.gradient_check import check_gradient
from scratchvae.likelihood import LogLikelihood, log_likelihood
from scratchvae.optimizers import SGD, Adagrad, Adam
from scratchvae.parameters import Parameters
from scratchvae.pca import PCA
from scratchvae.training import History, fit
from scratchvae.vae import VAE

__all__ = [
    "PCA", "SGD", "VAE", "Adagrad", "Adam", "Autoencoder", "Bound", "FileFormatError", "History",
    "ImageSet", "LogLikelihood", "Parameters", "active_units", "binarize", "check_gradient",
    "evaluate", "fit", "load_mnist", "load_model", "log_likelihood", "read_idx", "save_model",
]  # fmt: skip
__version__ = "0.1.0"
