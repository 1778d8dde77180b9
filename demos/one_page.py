# %% [markdown]
"""The whole VAE in 100 lines of NumPy: AEVB (arXiv 1312.6114), section 2 of the notes.
`python demos/one_page.py` trains it for three epochs and draws four digits as text."""

# %%
import numpy as np

from scratchvae import load_mnist

N_X, N_H, N_Z, B = 784, 500, 20, 100  # pixels, hidden units, latent numbers, images at a time
SIZES = (N_X, N_H), (N_H, N_Z), (N_H, N_Z), (N_Z, N_H), (N_H, N_X)


# %% The weights θ, W and b in turn: of x → h1 → (μ, log σ²), then of z → h2 → a
def draw_weights(rng, dtype=np.float32):
    theta = []
    for n_in, n_out in SIZES:
        c = np.sqrt(6 / (n_in + n_out))  # W ~ U(−c, c) has Var W = 2 / (n_in + n_out)
        theta += [rng.uniform(-c, c, (n_in, n_out)).astype(dtype), np.zeros(n_out, dtype)]
    return theta


def encoder(theta, x):
    W1, b1, W_mu, b_mu, W_logvar, b_logvar = theta[:6]
    h1 = np.tanh(x @ W1 + b1)  # h1 = tanh(x W + b)
    return h1, h1 @ W_mu + b_mu, h1 @ W_logvar + b_logvar  # q(z|x) = N(z; μ, σ²)


def decoder(theta, z):
    W2, b2, W3, b3 = theta[6:]
    h2 = np.tanh(z @ W2 + b2)  # h2 = tanh(z W + b)
    return h2, h2 @ W3 + b3  # p(x_i = 1|z) = sigmoid(a_i)


def sigmoid(a):
    return np.exp(np.minimum(a, 0)) / (1 + np.exp(-np.abs(a)))  # 1 / (1 + e^−a), no overflow


def bound(x, mu, logvar, a):
    softplus = np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a)))  # log(1 + e^a), no overflow
    log_px_z = (x * a - softplus).sum(axis=1)  # Σ_i x_i log p_i + (1 − x_i) log(1 − p_i), eq. (11)
    kl = -0.5 * (1 + logvar - mu * mu - np.exp(logvar)).sum(axis=1)  # KL(q(z|x) ‖ N(0, I))
    return (log_px_z - kl).mean()  # 𝓛 ≃ log p(x|z) − KL, eq. (10) with one z for each x


# %% Backward: the gradient of loss = −𝓛, from its end to its beginning; dz is ∂loss/∂z
def loss_and_gradient(theta, x, eps):
    W_mu, W_logvar, W2, W3 = theta[2::2]
    h1, mu, logvar = encoder(theta, x)
    sigma = np.exp(0.5 * logvar)  # σ = e^(½ log σ²)
    z = mu + sigma * eps  # z = μ + σ ⊙ ε, ε ~ N(0, I): so z has a derivative in μ and σ
    h2, a = decoder(theta, z)

    da = (sigmoid(a) - x) / len(x)  # ∂softplus/∂a = sigmoid(a); the loss is a mean over x
    dW3, db3 = h2.T @ da, da.sum(axis=0)  # y = h W + b: dW = hᵀ dy, db = Σ dy, dh = dy Wᵀ
    ds2 = da @ W3.T * (1 - h2 * h2)  # h2 = tanh s2 and tanh′ = 1 − tanh²
    dW2, db2 = z.T @ ds2, ds2.sum(axis=0)  # the same rule for s2 = z W + b
    dz = ds2 @ W2.T  # ∂s2/∂z = W
    dmu = dz + mu / len(x)  # ∂z/∂μ = 1, ∂KL/∂μ = μ
    dlogvar = 0.5 * (dz * eps * sigma + (sigma * sigma - 1) / len(x))  # ∂σ/∂log σ² = ½ σ
    dW_mu, db_mu = h1.T @ dmu, dmu.sum(axis=0)  # μ = h1 W + b
    dW_logvar, db_logvar = h1.T @ dlogvar, dlogvar.sum(axis=0)  # log σ² = h1 W + b
    ds1 = (dmu @ W_mu.T + dlogvar @ W_logvar.T) * (1 - h1 * h1)  # h1 is used twice: both add
    dW1, db1 = x.T @ ds1, ds1.sum(axis=0)  # s1 = x W + b; nobody needs dx
    gradient = [dW1, db1, dW_mu, db_mu, dW_logvar, db_logvar, dW2, db2, dW3, db3]
    return -bound(x, mu, logvar, a), gradient


# %% Training
def adam_step(theta, gradient, m, v, t, lr=1e-3, beta1=0.9, beta2=0.999, rows=32):
    for parts in zip(theta, gradient, m, v):
        for i in range(0, len(parts[0]), rows):  # a few rows at a time stay in the cache
            W, g, m_i, v_i = (part[i : i + rows] for part in parts)
            m_i += (1 - beta1) * (g - m_i)  # m ← β₁ m + (1 − β₁) g
            v_i += (1 - beta2) * (g * g - v_i)  # v ← β₂ v + (1 − β₂) g²
            W -= lr * m_i / (1 - beta1**t) / (np.sqrt(v_i / (1 - beta2**t)) + 1e-8)  # α m̂ / √v̂


def train(theta, images, rng, n):  # Algorithm 1; it gives the mean bound of each of n epochs
    (m, v), t, dtype = ([np.zeros_like(W) for W in theta] for _ in range(2)), 0, theta[0].dtype
    for _ in range(n):
        order, total = rng.permutation(len(images)), 0
        for rows in np.split(order, range(B, len(order), B)):
            u = rng.integers(0, 255, (len(rows), N_X), np.uint8)  # P(u < pixel) = pixel / 255
            x = (u < images[rows]).astype(dtype)  # X^M: bits of a random minibatch
            eps = rng.standard_normal((len(x), N_Z), dtype)  # ε ~ N(0, I)
            loss, gradient = loss_and_gradient(theta, x, eps)  # g = ∇ loss
            adam_step(theta, gradient, m, v, t := t + 1)  # θ ← update using g
            total -= loss * len(x)
        yield total / len(images)


# %% New digits: z ~ p(z) = N(0, I), and the mean sigmoid(a) of p(x|z)
if __name__ == "__main__":
    theta = draw_weights(rng := np.random.default_rng(0))
    for nats in train(theta, load_mnist().train_images, rng, n=3):
        print(f"bound {nats:.2f} nats for each image")
    digits = sigmoid(decoder(theta, rng.standard_normal((4, N_Z)))[1]).reshape(4, 14, 2, 28)
    for row in np.hstack(digits.mean(axis=2)):  # a letter for two pixels
        print("".join(" .:-=+*#%@"[int(9.99 * p)] for p in row))
