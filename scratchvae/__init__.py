"""The variational autoencoder by hand, in NumPy.

Every equation is a line of code. Every gradient is derived and tested.

The order in which to read the files is that of README's table. In short:

    info                          entropy, cross entropy, KL; it needs no other file
    parameters                    all weights in one vector
    layers, distributions         forward, and the backward pass by hand
    decoders, vae                 the model: the bound, and its gradient
    optimizers, training          SGD, Adagrad, Adam; Algorithm 1
    hmc, likelihood               estimates of log p(x)
    autoencoder, wake_sleep, mcem what the VAE is compared with

Matplotlib is imported only when a picture is drawn.
"""

from scratchvae.autoencoder import Autoencoder
from scratchvae.checkpoint import load_model, save_model
from scratchvae.datasets import ImageSet, binarize, load_images, load_mnist, minibatches
from scratchvae.evaluation import active_units, evaluate
from scratchvae.files import FileFormatError
from scratchvae.gradient_check import check_gradient
from scratchvae.history import Bound, Epoch, History
from scratchvae.likelihood import LogLikelihood, log_likelihood
from scratchvae.morph import straight
from scratchvae.optimizers import SGD, Adagrad, Adam
from scratchvae.parameters import Parameters
from scratchvae.pca import PCA
from scratchvae.readers import read_idx
from scratchvae.training import AEVB, epochs, fit, training_step
from scratchvae.vae import VAE

__all__ = [
    "AEVB", "PCA", "SGD", "VAE", "Adagrad", "Adam", "Autoencoder", "Bound", "Epoch",
    "FileFormatError", "History", "ImageSet", "LogLikelihood", "Parameters", "active_units",
    "binarize", "check_gradient", "epochs", "evaluate", "fit", "load_images", "load_mnist",
    "load_model", "log_likelihood", "minibatches", "read_idx", "save_model", "straight",
    "training_step",
]  # fmt: skip
__version__ = "0.3.0"
