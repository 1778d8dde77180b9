# %% [markdown]
"""One bit halves what was uncertain; entropy is the mean number of bits.

The claims (notes §1.1 and §1.2):

1. News that leaves half of what was possible carries 1 bit. So one of eight equally
   likely weathers is 3 bits, and an event of probability p is −log₂ p bits.
2. Not all that is said informs. A second message that follows from the first one adds 0
   bits. A message with errors tells less than it says.
3. The amount does not depend on the wording. Each wording that gives the weather back
   has the same entropy, whether it takes 3 characters or 30.
4. Entropy is the mean of −log₂ p. Of all distributions over n states the uniform one
   has the highest entropy, log₂ n. A certainty has 0. In Amman 300 days of 365 are
   sunny, and a forecast tells 0.68 bits a day.

What a message M tells of the weather X is how much it lowers the uncertainty of X:

    I(X; M) = H(X) + H(M) − H(X, M)          bits

H(X, M) is the entropy of the pair. If M follows from X, then H(X, M) = H(X), and so
I(X; M) = H(M).
"""

# %%
import itertools

import numpy as np
from common import BLUE, DARK, GREY, LIGHT, finish, note, options, panels

from scratchvae import info

args = options(__doc__)

# %% The numbers of the notes
eight = info.entropy(np.full(8, 1 / 8))
uneven, amman = [0.75, 0.25], [300 / 365, 65 / 365]
surprises = info.information(uneven)
print(f"eight equal weathers      {eight:.3f} bits")
print(
    f"75 % and 25 %             {info.entropy(uneven):.4f} bits"
    f" = 0.75 · {surprises[0]:.3f} + 0.25 · {surprises[1]:.3f}"
)
print(f"Amman, 300 of 365 sunny   {info.entropy(amman):.3f} bits")
print(f"one even chance           {info.entropy([0.5, 0.5]):.3f} bits")
assert eight == 3
assert abs(info.entropy(uneven) - 0.8113) < 5e-5 and abs(info.entropy(amman) - 0.68) < 5e-3

# %% What messages tell of one of eight equally likely weathers
WEATHERS = ["sun", "cloud", "wind", "fog", "drizzle", "rain", "hail", "snow"]
WRONG = 0.1  # the probability that a digit arrives wrong


def digits(i):
    """The number of the weather in three binary digits."""
    return f"{i:03b}"


def with_errors(i):
    """Every message of three digits, and its probability when each may arrive wrong."""
    for errors in itertools.product((0, 1), repeat=3):
        message = "".join(str(int(digit) ^ error) for digit, error in zip(digits(i), errors))
        yield message, WRONG ** sum(errors) * (1 - WRONG) ** (3 - sum(errors))


# A wording: from the number of the weather to its messages, each with a probability
WORDINGS = {
    "its name": lambda i: [(WEATHERS[i], 1)],
    "a sentence": lambda i: [(f"tomorrow we expect {WEATHERS[i]}", 1)],
    "three digits": lambda i: [(digits(i), 1)],
    "digits said twice": lambda i: [(digits(i) * 2, 1)],
    "digits and their sum": lambda i: [(digits(i) + str(digits(i).count("1")), 1)],
    "digits and a coin": lambda i: [(digits(i) + side, 1 / 2) for side in (" heads", " tails")],
    "one digit in ten wrong": with_errors,
    "wet or dry only": lambda i: [("dry" if i < 4 else "wet", 1)],
}


def measure(wording):
    """H(M), I(X; M) in bits, and the mean number of characters."""
    pair, message, length = {}, {}, 0.0
    for i in range(8):
        for text, probability in wording(i):
            pair[i, text] = probability / 8
            message[text] = message.get(text, 0) + probability / 8
            length += probability / 8 * len(text)
    H_pair, H_message = (info.entropy(list(p.values())) for p in (pair, message))
    return H_message, eight + H_message - H_pair, length


print("\nthe weather is told by    characters   bits in the message   bits about the weather")
told = {name: measure(wording) for name, wording in WORDINGS.items()}
for name, (H, tells, length) in told.items():
    print(f"  {name:24}{length:10.1f}{H:22.3f}{tells:25.3f}")
for name in list(WORDINGS)[:5]:  # each gives the weather back, and no more
    assert abs(told[name][0] - 3) < 1e-12 and abs(told[name][1] - 3) < 1e-12
assert abs(told["digits and a coin"][0] - 4) < 1e-12
assert abs(told["digits and a coin"][1] - 3) < 1e-12
per_digit = 1 - info.entropy([WRONG, 1 - WRONG])  # what is left of a digit that may be wrong
assert abs(told["one digit in ten wrong"][1] - 3 * per_digit) < 1e-12
assert abs(told["wet or dry only"][1] - 1) < 1e-12

# %% The uniform distribution has the highest entropy: 5000 others over eight weathers
drawn = info.entropy(np.random.default_rng(0).dirichlet(np.full(8, 0.7), 5000))
print(f"\n5000 random distributions over eight weathers: {drawn.min():.3f} to {drawn.max():.3f}")
assert drawn.max() < eight

# %% The picture
figure, ((halving, wordings), (curve, spread)) = panels(
    2, 2, (12, 7.6), "One bit halves what was uncertain; entropy is the mean number of bits"
)

left = [8, 4, 2, 1]
halving.barh(range(4), left, color=[GREY, GREY, GREY, BLUE], edgecolor="k")
for i, n in enumerate(left):
    bits = f"{3 - np.log2(n):.0f} bit{'' if n == 4 else 's'}"
    note(halving, f"{n} of 8 possible: {bits} told", (n, i), (5, 0))
halving.set(title="Each bit halves what is still possible", xlabel="weathers still possible")
halving.set(xlim=(0, 13), yticks=[], xticks=left, ylim=(3.6, -0.6))

names, rows = list(told), np.arange(len(told))
H, tells, length = np.array(list(told.values())).T
wordings.barh(rows, H, height=0.75, color="w", edgecolor="k", label="bits in the message")
wordings.barh(rows, tells, height=0.4, color=BLUE, label="bits about the weather")
for i in rows:
    note(wordings, f"{length[i]:.3g} characters", (H[i], i), (5, 0))
wordings.set(title="What a message tells does not depend on its wording", xlabel="bits")
wordings.set(xlim=(0, 5.2), ylim=(len(rows) + 0.7, -0.6), xticks=range(5))
wordings.set_yticks(rows, names, fontsize=9)
wordings.legend(frameon=False, fontsize=9, loc="lower right")

p = np.linspace(0, 1, 501)
curve.plot(p, info.entropy(np.stack([p, 1 - p], axis=1)), color="k")
for sun, name, away in ((0.5, "even chance", (-38, 9)), (0.75, "75 / 25", (8, 6)),
                        (300 / 365, "Amman", (8, 2))):  # fmt: skip
    H = info.entropy([sun, 1 - sun])
    curve.plot(sun, H, "o", color=BLUE, ms=6)
    note(curve, f"{name}: {H:.2f}", (sun, H), away)
curve.set(title="Entropy of two weathers", xlabel="probability of sun", ylabel="entropy H, bits")
curve.set(xlim=(0, 1.18), ylim=(0, 1.14), xticks=[0, 0.5, 1])

spread.hist(drawn, bins=40, color=LIGHT, edgecolor=GREY)
spread.axvline(eight, color=DARK, ls="--")
note(spread, "uniform: log₂ 8 = 3", (eight, 455), (-4, 0), ha="right")
spread.set(title="5000 random distributions over eight weathers", xlabel="entropy H, bits")
spread.set(ylabel="how many", ylim=(0, 480))
finish(figure, args)
