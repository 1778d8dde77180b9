"""The variational autoencoder by hand, in NumPy.

Every equation is a line of code. Every gradient is derived and tested.

Read the files in this order. Each uses only files before it, and the helpers:

    info                          entropy, cross entropy, KL; it needs no other file
    parameters                    all weights in one vector
    datasets                      MNIST and your own data, and minibatches
    layers, distributions         forward, and the backward pass by hand
    initializers                  how the weights are drawn
    decoders, vae, autoencoder    the models: the bound or the loss, and its gradient
    optimizers                    SGD, Adagrad, Adam
    history, evaluation, training the bound of a data set, and Algorithm 1
    hmc, likelihood               estimates of log p(x)

Helpers: checks, files, archive, readers, progress, gradient_check, pca, checkpoint. Pictures:
figures. Commands: cli. Matplotlib is imported only when a picture is drawn.
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
