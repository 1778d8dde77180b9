"""Wrong answers to chapter 1: entropy, cross entropy, KL, and what is built from them."""

from typing import Any

import numpy as np

from scratchvae.homework.mistakes import mistake
from scratchvae.info import cross_entropy, entropy


def _x_log_y(x: Any, y: Any) -> Any:
    """x log y, and 0 where x = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x > 0, x * np.log(y), 0)


# ---- 1.1 entropy ----


@mistake("1.1")
def entropy_negative(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have the entropy with its sign turned round: the minus is missing."""
    return _x_log_y(p, p).sum(axis=axis) / np.log(base)


@mistake("1.1")
def entropy_in_nats(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You return nats whatever the base: divide by log(base)."""
    return -_x_log_y(p, p).sum(axis=axis)


@mistake("1.1")
def entropy_in_bits(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You return bits whatever the base: `base` is not used."""
    return -_x_log_y(p, p).sum(axis=axis) / np.log(2)


@mistake("1.1")
def entropy_times_log_base(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You multiply by log(base), where you should divide by it."""
    return -_x_log_y(p, p).sum(axis=axis) * np.log(base)


@mistake("1.1")
def entropy_of_zero_is_nan(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You compute 0 log 0 as NaN: a probability of 0 should add 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(p * np.log(p)).sum(axis=axis) / np.log(base)


@mistake("1.1")
def entropy_with_1e6_added(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You add a small number inside the logarithm against log 0: the value is off everywhere."""
    return -(p * np.log(p + 1e-6)).sum(axis=axis) / np.log(base)


@mistake("1.1")
def entropy_with_1e8_added(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You add a small number inside the logarithm against log 0: the value is off everywhere."""
    return -(p * np.log(p + 1e-8)).sum(axis=axis) / np.log(base)


@mistake("1.1")
def entropy_with_a_tiny_number_added(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You keep the logarithm from 0 by a tiny number: the entropy of a certain event is not 0."""
    return -(p * np.log(p + 1e-12)).sum(axis=axis) / np.log(base)


@mistake("1.1")
def entropy_mean(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You take the mean over the outcomes, where it should be the sum: p is the weight already."""
    return -_x_log_y(p, p).mean(axis=axis) / np.log(base)


@mistake("1.1")
def entropy_of_the_last_axis(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You sum over the last axis whatever `axis` says."""
    return -_x_log_y(p, p).sum(axis=-1) / np.log(base)


@mistake("1.1")
def entropy_of_everything(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You sum over all axes: each distribution of a batch should have its own entropy."""
    return -_x_log_y(p, p).sum() / np.log(base)


@mistake("1.1")
def entropy_unweighted(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You add the surprises, and do not weigh them by p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log(p).sum(axis=axis) / np.log(base)


@mistake("1.1")
def entropy_gini(p: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You return the Gini impurity, 1 − Σ p², not the entropy."""
    return 1 - (p * p).sum(axis=axis)


# ---- 1.2 cross entropy ----


@mistake("1.2")
def cross_entropy_swapped(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have H(q, p): p and q are swapped. p weighs, and the logarithm is of q."""
    return -_x_log_y(q, p).sum(axis=axis) / np.log(base)


@mistake("1.2")
def cross_entropy_is_entropy(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have the entropy of p: the logarithm should be of q."""
    return -_x_log_y(p, p).sum(axis=axis) / np.log(base)


@mistake("1.2")
def cross_entropy_negative(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have the cross entropy with its sign turned round."""
    return _x_log_y(p, q).sum(axis=axis) / np.log(base)


@mistake("1.2")
def cross_entropy_is_kl(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have the KL divergence: the entropy of p is subtracted."""
    return (_x_log_y(p, p) - _x_log_y(p, q)).sum(axis=axis) / np.log(base)


@mistake("1.2")
def cross_entropy_in_nats(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You return nats whatever the base: divide by log(base)."""
    return -_x_log_y(p, q).sum(axis=axis)


@mistake("1.2")
def cross_entropy_in_bits(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You return bits whatever the base: `base` is not used."""
    return -_x_log_y(p, q).sum(axis=axis) / np.log(2)


@mistake("1.2")
def cross_entropy_times_log_base(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You multiply by log(base), where you should divide by it."""
    return -_x_log_y(p, q).sum(axis=axis) * np.log(base)


@mistake("1.2")
def cross_entropy_mean(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You take the mean over the outcomes, where it should be the sum: p is the weight already."""
    return -_x_log_y(p, q).mean(axis=axis) / np.log(base)


@mistake("1.2")
def cross_entropy_unweighted(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You add the lengths −log q, and do not weigh them by p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log(q).sum(axis=axis) / np.log(base)


@mistake("1.2")
def cross_entropy_binary(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You add (1 − p) log(1 − q) as for bits: here the outcomes themselves add up to 1."""
    both = _x_log_y(p, q) + _x_log_y(1 - p, 1 - q)
    return -both.sum(axis=axis) / np.log(base)


@mistake("1.2")
def cross_entropy_of_the_last_axis(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You sum over the last axis whatever `axis` says."""
    return -_x_log_y(p, q).sum(axis=-1) / np.log(base)


@mistake("1.2")
def cross_entropy_of_zero_is_nan(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You compute 0 log 0 as NaN: a probability of 0 should add 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(p * np.log(q)).sum(axis=axis) / np.log(base)


# ---- 1.3 KL ----


@mistake("1.3")
def kl_negative(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have the KL with its sign turned round: it is Σ p log(p/q), which is never negative."""
    return (_x_log_y(p, q) - _x_log_y(p, p)).sum(axis=axis) / np.log(base)


@mistake("1.3")
def kl_swapped(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have KL(q ‖ p): p and q are swapped, and the KL is not symmetric."""
    return (_x_log_y(q, q) - _x_log_y(q, p)).sum(axis=axis) / np.log(base)


@mistake("1.3")
def kl_is_cross_entropy(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have the cross entropy: the entropy of p is not subtracted."""
    return -_x_log_y(p, q).sum(axis=axis) / np.log(base)


@mistake("1.3")
def kl_plus_entropy(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You add the entropy of p, where you should subtract it."""
    return -(_x_log_y(p, p) + _x_log_y(p, q)).sum(axis=axis) / np.log(base)


@mistake("1.3")
def kl_in_nats(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You return nats whatever the base: divide by log(base)."""
    return (_x_log_y(p, p) - _x_log_y(p, q)).sum(axis=axis)


@mistake("1.3")
def kl_in_bits(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You return bits whatever the base: `base` is not used."""
    return (_x_log_y(p, p) - _x_log_y(p, q)).sum(axis=axis) / np.log(2)


@mistake("1.3")
def kl_times_log_base(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You multiply by log(base), where you should divide by it."""
    return (_x_log_y(p, p) - _x_log_y(p, q)).sum(axis=axis) * np.log(base)


@mistake("1.3")
def kl_mean(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You take the mean over the outcomes, where it should be the sum: p is the weight already."""
    return (_x_log_y(p, p) - _x_log_y(p, q)).mean(axis=axis) / np.log(base)


@mistake("1.3")
def kl_unweighted(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You add log(p/q), and do not weigh it by p."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(p / q).sum(axis=axis) / np.log(base)


@mistake("1.3")
def kl_symmetric(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You add KL(p ‖ q) and KL(q ‖ p): the KL is the first alone."""
    there, back = _x_log_y(p, p) - _x_log_y(p, q), _x_log_y(q, q) - _x_log_y(q, p)
    return (there + back).sum(axis=axis) / np.log(base)


@mistake("1.3")
def kl_of_the_last_axis(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You sum over the last axis whatever `axis` says."""
    return (_x_log_y(p, p) - _x_log_y(p, q)).sum(axis=-1) / np.log(base)


@mistake("1.3")
def kl_of_zero_is_nan(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You compute 0 log 0 as NaN: a probability of 0 should add 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (p * np.log(p / q)).sum(axis=axis) / np.log(base)


@mistake("1.3")
def kl_absolute(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You take the absolute value of each term: terms may be negative, only their sum is not."""
    with np.errstate(invalid="ignore"):
        return np.abs(_x_log_y(p, p) - _x_log_y(p, q)).sum(axis=axis) / np.log(base)


@mistake("1.3")
def kl_that_cancels(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You subtract H(p) from H(p, q): for q near p the digits cancel. Add up p log(p/q)."""
    return cross_entropy(p, q, base=base, axis=axis) - entropy(p, base=base, axis=axis)


@mistake("1.3")
def kl_is_total_variation(p: Any, q: Any, *, base: float = 2.0, axis: int = -1) -> Any:
    """You have the total variation, ½ Σ |p − q|, not the KL."""
    return 0.5 * np.abs(p - q).sum(axis=axis)


# ---- 1.4 binary cross entropy ----


@mistake("1.4")
def bce_only_ones(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You have the half for y = 1 alone: (1 − y) log(1 − ŷ) is missing."""
    return -_x_log_y(y, y_hat) / np.log(base)


@mistake("1.4")
def bce_only_zeros(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You have the half for y = 0 alone: y log ŷ is missing."""
    return -_x_log_y(1 - y, 1 - y_hat) / np.log(base)


@mistake("1.4")
def bce_swapped(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You have y and ŷ swapped: the logarithms should be of ŷ."""
    return -(_x_log_y(y_hat, y) + _x_log_y(1 - y_hat, 1 - y)) / np.log(base)


@mistake("1.4")
def bce_negative(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You have the cross entropy with its sign turned round."""
    return (_x_log_y(y, y_hat) + _x_log_y(1 - y, 1 - y_hat)) / np.log(base)


@mistake("1.4")
def bce_difference(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You subtract (1 − y) log(1 − ŷ) with the other sign: both terms have a minus."""
    return (-_x_log_y(y, y_hat) + _x_log_y(1 - y, 1 - y_hat)) / np.log(base)


@mistake("1.4")
def bce_mean(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You take the mean over the entries: each entry should have its own."""
    return -(_x_log_y(y, y_hat) + _x_log_y(1 - y, 1 - y_hat)).mean() / np.log(base)


@mistake("1.4")
def bce_sum(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You sum over the entries: each entry should have its own."""
    return -(_x_log_y(y, y_hat) + _x_log_y(1 - y, 1 - y_hat)).sum() / np.log(base)


@mistake("1.4")
def bce_row_sum(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You sum over the last axis: each entry should have its own."""
    return -(_x_log_y(y, y_hat) + _x_log_y(1 - y, 1 - y_hat)).sum(axis=-1) / np.log(base)


@mistake("1.4")
def bce_in_bits(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You return bits whatever the base: it should be nats unless `base` says otherwise."""
    return -(_x_log_y(y, y_hat) + _x_log_y(1 - y, 1 - y_hat)) / np.log(2)


@mistake("1.4")
def bce_in_nats(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You return nats whatever the base: divide by log(base)."""
    return -(_x_log_y(y, y_hat) + _x_log_y(1 - y, 1 - y_hat))


@mistake("1.4")
def bce_squared(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You have the squared error, not the cross entropy."""
    return (y - y_hat) ** 2


@mistake("1.4")
def bce_of_zero_is_nan(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You compute 0 log 0 as NaN: where y = 0, log ŷ should add 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)


@mistake("1.4")
def bce_clipped(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You clip ŷ against log 0: what should be infinite is finite."""
    y_hat = np.clip(y_hat, 1e-12, 1 - 1e-12)
    return -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / np.log(base)


@mistake("1.4")
def bce_with_1e8_added(y: Any, y_hat: Any, *, base: float = np.e) -> Any:
    """You add a small number inside the logarithms against log 0: the value is off everywhere."""
    return -(y * np.log(y_hat + 1e-8) + (1 - y) * np.log(1 - y_hat + 1e-8)) / np.log(base)


# ---- 1.5 information gain ----


def _entropies(children: Any, base: float) -> Any:
    """Of each child, 0 for an empty one."""
    return np.array([entropy(c / c.sum(), base=base) if c.sum() else 0.0 for c in children])


@mistake("1.5")
def gain_children_alike(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You weigh the children alike: their weights should be their sizes, N_k / N."""
    return float(entropy(parent / parent.sum(), base=base) - _entropies(children, base).mean())


@mistake("1.5")
def gain_children_added(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You add the children's entropies without weights: their weights should be N_k / N."""
    return float(entropy(parent / parent.sum(), base=base) - _entropies(children, base).sum())


@mistake("1.5")
def gain_without_the_parent(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You return the mean entropy after the split: subtract it from H(parent)."""
    return float(children.sum(axis=1) / parent.sum() @ _entropies(children, base))


@mistake("1.5")
def gain_negative(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You have the gain with its sign turned round: it is H(parent) minus what is left."""
    left = children.sum(axis=1) / parent.sum() @ _entropies(children, base)
    return float(left - entropy(parent / parent.sum(), base=base))


@mistake("1.5")
def gain_in_bits(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You return bits whatever the base: `base` is not passed on."""
    left = children.sum(axis=1) / parent.sum() @ _entropies(children, 2.0)
    return float(entropy(parent / parent.sum()) - left)


@mistake("1.5")
def gain_in_nats(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You return nats whatever the base: divide by log(base)."""
    left = children.sum(axis=1) / parent.sum() @ _entropies(children, np.e)
    return float(entropy(parent / parent.sum(), base=np.e) - left)


@mistake("1.5")
def gain_in_counts(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You weigh the children by N_k: the weights should be N_k / N."""
    left = children.sum(axis=1) @ _entropies(children, base)
    return float(entropy(parent / parent.sum(), base=base) - left)


@mistake("1.5")
def gain_by_columns(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You take the columns for the children: each row of `children` is a child."""
    left = children.sum(axis=0) / parent.sum() @ _entropies(children.T, base)
    return float(entropy(parent / parent.sum(), base=base) - left)


@mistake("1.5")
def gain_of_the_empty_is_nan(parent: Any, children: Any, *, base: float = 2.0) -> float:
    """You divide by the size of an empty child: it should add 0."""
    gain = entropy(parent / parent.sum(), base=base)
    for child in children:
        if child.sum() == 0:
            return float("nan")
        gain -= child.sum() / parent.sum() * entropy(child / child.sum(), base=base)
    return float(gain)


# ---- 1.6 code lengths ----


@mistake("1.6")
def lengths_rounded_down(q: Any) -> Any:
    """You round down, where it should be up: such lengths break Kraft's inequality."""
    with np.errstate(divide="ignore"):
        return np.floor(-np.log2(q))


@mistake("1.6")
def lengths_to_the_nearest(q: Any) -> Any:
    """You round to the nearest whole number, where it should be up."""
    with np.errstate(divide="ignore"):
        return np.round(-np.log2(q))


@mistake("1.6")
def lengths_not_rounded(q: Any) -> Any:
    """You do not round up to whole bits."""
    with np.errstate(divide="ignore"):
        return -np.log2(q)


@mistake("1.6")
def lengths_in_nats(q: Any) -> Any:
    """You take the natural logarithm: bits need log₂."""
    with np.errstate(divide="ignore"):
        return np.ceil(-np.log(q))


@mistake("1.6")
def lengths_plus_one(q: Any) -> Any:
    """You add 1 to what is rounded down: where q is a power of ½ that is a bit too much."""
    with np.errstate(divide="ignore"):
        return np.floor(-np.log2(q)) + 1


@mistake("1.6")
def lengths_negative(q: Any) -> Any:
    """You have the lengths with their sign turned round."""
    with np.errstate(divide="ignore"):
        return np.ceil(np.log2(q))


@mistake("1.6")
def lengths_by_a_rounded_logarithm(q: Any) -> Any:
    """You round up a logarithm that is rounded itself: just below a power of ½ a bit is missing."""
    with np.errstate(divide="ignore"):
        return np.ceil(-np.log2(q))


@mistake("1.6")
def lengths_by_a_quotient_of_logarithms(q: Any) -> Any:
    """You divide two rounded logarithms: at and beside a power of ½ the quotient is off."""
    with np.errstate(divide="ignore"):
        return np.ceil(-np.log(q) / np.log(2))


@mistake("1.6")
def lengths_by_the_logarithm_of_a_quotient(q: Any) -> Any:
    """You take log₂ of 1 / q, and both are rounded: just below a power of ½ a bit is missing."""
    with np.errstate(divide="ignore"):
        return np.ceil(np.log2(1 / q))
