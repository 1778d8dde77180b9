"""The variational autoencoder by hand, in NumPy: every equation a line of code, every gradient derived and tested.

The files in the order in which they build on one another: `parameters`, `initializers`, `layers`, `distributions`, `vae`, `optimizers`,
`datasets`, `evaluation`, `training`. Matplotlib is imported only when a picture is drawn.
"""

from scratchvae.autoencoder import Autoencoder
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
    "PCA", "SGD", "VAE", "Adagrad", "Adam", "Autoencoder", "Bound", "FileFormatError", "History", "ImageSet",
    "LogLikelihood", "Parameters", "active_units", "binarize", "check_gradient", "evaluate", "fit", "load_mnist",
    "log_likelihood", "read_idx",
]  # fmt: skip
__version__ = "0.1.0"
