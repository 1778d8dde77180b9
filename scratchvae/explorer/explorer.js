"use strict";
/* The explorer: the forward pass of both networks, and four panels that use it.

   Part 1 reads the weights. Part 2 has the equations, each with the name of the Python
   function that it repeats. Parts 3 to 8 are the page. Arrays are flat; a matrix W of
   (n_in, n_out) has its rows one after the other. Numbers are float64. */

const data = JSON.parse(document.getElementById("data").textContent);
const [rows, columns] = data.image_shape;
const n_x = data.n_x, n_z = data.n_z;

// ---- 1. From base64 to numbers -------------------------------------------------------

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function floats(base64) {
  const view = new DataView(bytes(base64).buffer);
  return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function halves(base64) { // float16: a sign, 5 bits of exponent, 10 bits of fraction
  const view = new DataView(bytes(base64).buffer);
  return Float32Array.from({ length: view.byteLength / 2 }, (_, i) => {
    const h = view.getUint16(2 * i, true);
    const exponent = (h >> 10) & 31, fraction = h & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    return h & 0x8000 ? -size : size;
  });
}

function weights(layer) { // W ≈ low + step (k + f / 4), one low and one step for each column
  if (layer.half) return halves(layer.half);
  const k = Float32Array.from(bytes(layer.k)), low = floats(layer.low), step = floats(layer.step);
  const W = new Float32Array(k.length), n_out = low.length;
  if (layer.f) { // f has two bits, for some rows
    const fours = bytes(layer.f);
    layer.rows.forEach((row, r) => {
      for (let j = 0; j < n_out; j++) {
        const at = r * n_out + j;
        k[row * n_out + j] += ((fours[at >> 2] >> (6 - 2 * (at & 3))) & 3) / 4;
      }
    });
  }
  for (let i = 0; i < k.length; i++) W[i] = low[i % n_out] + step[i % n_out] * k[i];
  return W;
}

const layers = {};
for (const [name, layer] of Object.entries(data.layers)) {
  layers[name] = { b: floats(layer.b) };
  if (layer.shape) layers[name].W = weights(layer);
}

function testImages() { // an array of x, each as the model sees it
  const packed = bytes(data.images.bits || data.images.levels);
  const width = data.images.bits ? Math.ceil(n_x / 8) : n_x;
  return Array.from({ length: data.images.n }, (_, i) => {
    const image = packed.subarray(i * width, (i + 1) * width);
    if (!data.images.bits) return Float64Array.from(image, (level) => level / 255);
    return Float64Array.from({ length: n_x }, (_, j) => (image[j >> 3] >> (7 - (j & 7))) & 1);
  });
}

// ---- 2. The equations ----------------------------------------------------------------

const sum = (values) => values.reduce((total, value) => total + value, 0);
const norm = (z) => Math.sqrt(sum(z.map((v) => v * v)));

function affine(name, x) { // y = x W + b                                  layers.Affine.forward
  const { W, b } = layers[name], y = Float64Array.from(b), n_out = y.length;
  for (let i = 0; i < x.length; i++) {
    const x_i = x[i], row = i * n_out;
    if (x_i !== 0) for (let j = 0; j < n_out; j++) y[j] += x_i * W[row + j];
  }
  return y;
}

const sigmoid = (a) => Math.exp(Math.min(a, 0)) / (1 + Math.exp(-Math.abs(a))); // layers.sigmoid
const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
const activation = { tanh: Math.tanh, relu: (a) => Math.max(a, 0), sigmoid }[data.activation];

function hidden(part, h) { // h ← f(h W + b), layer by layer
  for (let i = 0; i < data.hidden.length; i++) h = affine(`${part}.${i}`, h).map(activation);
  return h;
}

function encode(x) { // μ and log σ² of q(z|x)                             vae.VAE.encode
  const h = hidden("encoder", x);
  return { mu: affine("mu", h), logvar: affine("logvar", h) };
}

/* p(x|z), by its family (decoders.py). `given` turns z into the numbers that p(x|z) needs;
   the others use these numbers. */
const family = {
  bernoulli: {
    given: (z) => ({ logits: affine("logits", hidden("decoder", z)) }),
    mean: ({ logits }) => logits.map(sigmoid),
    draw: ({ logits }, random) => logits.map((a) => (random.uniform() < sigmoid(a) ? 1 : 0)),
    logDensity: (x, { logits }) => sum(logits.map((a, i) => x[i] * a - softplus(a))),
  },
  gaussian: normal((h) => ({ mu: affine("x_mu", h), s: affine("x_logvar", h) })),
  "sigmoid-gaussian": normal((h) => (
    { mu: affine("x_mu", h).map(sigmoid), s: affine("x_logvar", h) })),
  isotropic: normal((h) => (
    { mu: affine("x_mu", h), s: new Float64Array(n_x).fill(layers.x_logvar.b[0]) })),
}[data.decoder];

function normal(moments) { // N(x; μ, σ²), whose μ and s are computed from h′; σ² = σ_min² + e^s
  const m = 2 * Math.log(data.min_sigma); // decoders.floored_logvar
  const floored = (s) => Math.max(m, s) + Math.log1p(Math.exp(-Math.abs(s - m)));
  return {
    given: (z) => {
      const { mu, s } = moments(hidden("decoder", z));
      return { mu, logvar: s.map(floored) };
    },
    mean: ({ mu }) => mu,
    draw: ({ mu, logvar }, random) => reparameterize(mu, logvar, random.normals(n_x)),
    logDensity: (x, { mu, logvar }) => gaussianLogDensity(x, mu, logvar),
  };
}

function decode(z) { // E[x|z]                                              vae.VAE.decode
  return family.mean(family.given(z));
}

function gaussianLogDensity(x, mu, logvar) { // distributions.gaussian_log_density
  return sum(mu.map((m, i) =>
    -0.5 * (Math.log(2 * Math.PI) + logvar[i] + (x[i] - m) ** 2 / Math.exp(logvar[i]))));
}

function logPrior(z) { // distributions.standard_normal_log_density
  return -0.5 * sum(z.map((v) => v * v)) - 0.5 * z.length * Math.log(2 * Math.PI);
}

function gaussianKL(mu, logvar) { // KL_j of each unit; their sum is distributions.gaussian_kl
  return mu.map((m, j) => -0.5 * (1 + logvar[j] - m * m - Math.exp(logvar[j])));
}

function reparameterize(mu, logvar, eps) { // z = μ + σ ⊙ ε           distributions.reparameterize
  return mu.map((m, j) => m + Math.exp(0.5 * logvar[j]) * eps[j]);
}

function bound(x, eps) { // 𝓛(x) ≃ log p(x|z) − KL, z = μ + σ ⊙ ε          vae.VAE.elbo, L = 1
  const { mu, logvar } = encode(x);
  const z = reparameterize(mu, logvar, eps), given = family.given(z);
  const logPx = family.logDensity(x, given), klOfUnits = gaussianKL(mu, logvar);
  const kl = sum(klOfUnits);
  return { mu, logvar, z, mean: family.mean(given), logPx, klOfUnits, kl, elbo: logPx - kl };
}

function straight(z0, z1, t) { // morph.straight
  return z0.map((v, j) => (1 - t) * v + t * z1[j]);
}

function onSphere(z0, z1, t) { // morph.on_sphere; null when there is no one path
  const r0 = norm(z0), r1 = norm(z1);
  if (r0 === 0 || r1 === 0) return straight(z0, z1, t);
  const u0 = z0.map((v) => v / r0), u1 = z1.map((v) => v / r1);
  const apart = norm(u1.map((v, j) => v - u0[j])), together = norm(u1.map((v, j) => v + u0[j]));
  const omega = 2 * Math.atan2(apart, together);
  if (Math.PI - omega < 1e-6) return null;
  if (omega < 1e-6) return straight(z0, z1, t);
  const r = (1 - t) * r0 + t * r1;
  const c0 = Math.sin((1 - t) * omega) / Math.sin(omega);
  const c1 = Math.sin(t * omega) / Math.sin(omega);
  return u0.map((v, j) => r * (c0 * v + c1 * u1[j]));
}

function generator(seed) { // mulberry32, and Box and Muller's normal numbers from it
  const uniform = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normals: (n) => Float64Array.from({ length: n }, normal) };
}

// ---- 3. What all panels use -----------------------------------------------------------

const $ = (id) => document.getElementById(id);
const images = testImages(), codes = images.map(encode);
const random = generator(data.seed + 1);
const units = Array.from(data.activity.keys()).sort((i, j) => data.activity[j] - data.activity[i]);
const active = units.filter((j) => data.activity[j] > 0.01); // evaluation.active_units
const subscript = (j) => String(j + 1).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
const number = (value, digits = 2) => {
  const rounded = value.toFixed(digits);
  return (Number(rounded) === 0 ? (0).toFixed(digits) : rounded).replace("-", "−");
};
const vector = (z) => n_z <= 3
  ? `(${Array.from(z, (v) => number(v)).join(", ")})`
  : `(${Array.from(z.slice(0, 3), (v) => number(v)).join(", ")}, …)`;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const named = (element, name) => { // what a screen reader says
  element.setAttribute("aria-label", name);
  return element;
};
const pressed = (button, yes) => button.setAttribute("aria-pressed", String(yes));

/* Drawing waits for the browser's next frame, and happens once in it. */
const waiting = new Set(), frames = []; // frames: milliseconds of the last ones
function soon(draw) {
  if (waiting.size === 0) requestAnimationFrame(drawAll);
  waiting.add(draw);
}
function drawAll() {
  const start = performance.now(), draws = [...waiting];
  waiting.clear();
  for (const draw of draws) draw();
  frames.push(performance.now() - start);
  if (frames.length > 1000) frames.shift();
}

let theme;
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  const rgb = (name) => value(name).split(" ").map(Number);
  theme = { paper: rgb("--paper"), ink: rgb("--ink") };
  for (const name of ["card", "text", "quiet", "line", "soft", "one", "two", "focus"]) {
    theme[name] = value(`--${name}`);
  }
  theme.classes = Array.from({ length: 10 }, (_, i) => value(`--class-${i}`));
}

/* A picture: 0 is paper, 1 is ink. The style sheet makes it larger. */
function paint(canvas, x) {
  if (canvas.width !== columns || canvas.height !== rows) {
    canvas.width = columns;
    canvas.height = rows;
  }
  const context = canvas.getContext("2d"), pixels = context.createImageData(columns, rows);
  const { paper, ink } = theme;
  for (let i = 0; i < n_x; i++) {
    const v = Math.min(Math.max(x[i], 0), 1);
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = paper[c] + v * (ink[c] - paper[c]);
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

/* A drawing surface of the canvas's size on the screen. Returns its context and that size. */
function surface(canvas, ratio) {
  const width = canvas.clientWidth || 300, height = Math.round(width * ratio);
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.aspectRatio = `${width} / ${height}`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

const kinds = [...new Set(data.labels ?? [])].sort((a, b) => a - b); // none: no labels anywhere
const labelOf = (i) => data.labels?.[i];
const classColour = (label) => theme.classes[Math.max(kinds.indexOf(label), 0) % 10];
const testImage = (i) => `test image ${i}${data.labels ? `, label ${data.labels[i]}` : ""}`;

/* Buttons that choose a test image: the one before, the next one, of any label or of one. */
function chooser(root, what, choose) {
  let at = 0;
  const select = named(make("select"), `${what}: label`);
  select.append(make("option", { value: "" }, "any label"));
  for (const kind of kinds) select.append(make("option", { value: kind }, `label ${kind}`));
  const move = (step) => {
    for (let tries = 0; tries < images.length; tries++) {
      at = (at + step + images.length) % images.length;
      if (select.value === "" || labelOf(at) === Number(select.value)) break;
    }
    choose(at);
  };
  const before = named(make("button", { type: "button" }, "‹"), `${what}: the test image before`);
  const next = named(make("button", { type: "button" }, "›"), `${what}: the next test image`);
  before.onclick = () => move(-1);
  next.onclick = () => move(1);
  select.onchange = () => { if (labelOf(at) !== Number(select.value)) move(1); };
  root.append(...(data.labels ? [before, select, next] : [before, next]));
  return (i) => { at = i; };
}

const state = {
  z: new Float64Array(n_z), // panel 1
  held: false, // panel 1: the mouse does not move z
  near: null, // panel 1: index of a test image
  only: null, // panel 1: the one label that is shown
  x: null, // panel 2
  cell: [Math.floor(rows / 2), Math.floor(columns / 2)], // panel 2: the keyboard's place
  samples: [], // panel 2: of q(z|x)
  a: 0, b: 1, t: 0.5, // panel 3
  zs: [], xs: [], // panel 4
};

// ---- 4. Panel 1: decode ---------------------------------------------------------------

function setZ(z) {
  state.z = Float64Array.from(z);
  soon(drawDecoded);
}

function drawDecoded() {
  paint($("decoded"), decode(state.z));
  named($("decoded"), `decoded image at z = ${vector(state.z)}`);
  $("z").textContent = vector(state.z);
  if (n_z === 2) drawPlane();
  else showSliders();
}

/* The plane, n_z = 2. `reach` is the largest |z_j| on it. */
const furthest = Math.max(...codes.map(({ mu }) => Math.max(...mu.map(Math.abs))));
const reach = Math.min(8, Math.max(3.3, furthest + 0.3));

function toPlane(z, side) {
  return [(z[0] / reach + 1) * side / 2, (1 - z[1] / reach) * side / 2];
}

/* The prior's circles at 1, 2, 3 and the test images, each as its label. */
function drawBackground(context, side, withLabels) {
  context.lineWidth = 1;
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const j of [0, 1]) { // the axes, with their whole numbers
    context.strokeStyle = theme.soft;
    for (let v = -Math.floor(reach); v <= reach; v++) {
      const [p] = toPlane([v, 0], side), q = j ? side - p : p;
      context.beginPath();
      context.moveTo(...(j ? [0, q] : [q, 0]));
      context.lineTo(...(j ? [side, q] : [q, side]));
      context.stroke();
    }
  }
  for (const radius of [1, 2, 3]) {
    context.strokeStyle = theme.quiet;
    context.beginPath();
    context.arc(side / 2, side / 2, radius / reach * side / 2, 0, 2 * Math.PI);
    context.stroke();
  }
  if (!withLabels) return;
  context.font = "bold 11px system-ui, sans-serif";
  codes.forEach(({ mu }, i) => {
    const faint = state.only !== null && labelOf(i) !== state.only;
    context.globalAlpha = faint ? 0.12 : 1;
    context.fillStyle = classColour(labelOf(i));
    context.fillText(labelOf(i) ?? "•", ...toPlane(mu, side));
  });
  context.globalAlpha = 1;
  context.font = "12px system-ui, sans-serif";
  const boxed = (words, x, y) => {
    const width = context.measureText(words).width + 6;
    context.fillStyle = theme.card;
    context.fillRect(x - width / 2, y - 8, width, 16);
    context.fillStyle = theme.text;
    context.fillText(words, x, y);
  };
  for (const radius of [1, 2, 3]) { // P(|z| < r) = 1 − e^(−r²/2) in two dimensions
    const inside = 100 * (1 - Math.exp(-radius * radius / 2));
    const [x, y] = toPlane([-radius * 0.7071, radius * 0.7071], side);
    boxed(`${number(inside, 0)} %`, x, y);
  }
  for (let v = -Math.floor(reach); v <= reach; v++) {
    const [x] = toPlane([v, 0], side);
    boxed(number(v, 0), x, side - 10);
    if (v > -reach + 0.6) boxed(number(v, 0), 12, side - x);
  }
  boxed("z₁", side - 12, side - 28);
  boxed("z₂", 34, 12);
}

let background = null; // the plane without the cursor: it is drawn once
function drawPlane() {
  const canvas = $("plane"), { context, width: side } = surface(canvas, 1);
  if (!background || background.width !== canvas.width) {
    background = make("canvas", { width: canvas.width, height: canvas.height });
    const below = background.getContext("2d");
    below.scale(canvas.width / side, canvas.width / side);
    drawBackground(below, side, true);
  }
  context.drawImage(background, 0, 0, side, side);
  if (state.near !== null) { // q(z|x): the ellipses at 1 and 2 standard deviations
    const { mu, logvar } = codes[state.near], centre = toPlane(mu, side);
    const unit = side / 2 / reach;
    for (const [colour, width] of [[theme.card, 5], [theme.text, 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      for (const radius of [1, 2]) {
        context.beginPath();
        context.ellipse(...centre, radius * Math.exp(0.5 * logvar[0]) * unit,
          radius * Math.exp(0.5 * logvar[1]) * unit, 0, 0, 2 * Math.PI);
        context.stroke();
      }
    }
  }
  const [x, y] = toPlane(state.z, side);
  for (const [colour, width] of [[theme.card, 6], [theme.two, 3]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    if (state.held) context.arc(x, y, 1.5, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 7 * dx, y + 7 * dy);
      context.lineTo(x + 14 * dx, y + 14 * dy);
    }
    context.stroke();
  }
}

/* The test image whose code is nearest to z, when it is within that distance. */
function nearest(z, within) {
  let best = null, least = within;
  codes.forEach(({ mu }, i) => {
    const distance = Math.hypot(mu[0] - z[0], mu[1] - z[1]);
    const hidden = state.only !== null && labelOf(i) !== state.only;
    if (!hidden && distance < least) [best, least] = [i, distance];
  });
  return best;
}

function showNear(i) {
  if (i === null || i === state.near) return;
  state.near = i;
  soon(drawNear);
}

function drawNear() {
  const i = state.near, { mu, logvar } = codes[i], sigma = logvar.map((s) => Math.exp(0.5 * s));
  $("near").hidden = false;
  $("near-title").textContent = testImage(i).replace("t", "T");
  paint($("near-x"), images[i]);
  paint($("near-mean"), decode(mu));
  $("near-q").textContent =
    `q(z|x): μ = ${vector(mu)}, σ = ${vector(sigma)}. ` +
    "The ellipses in the plane are at 1 σ and 2 σ.";
  soon(drawDecoded);
}

function makePlane() {
  $("choose-z").innerHTML = `
    <canvas class="screen" id="plane" tabindex="0" role="application" aria-describedby="plane-keys"
      aria-label="The latent plane. Arrow keys move z."></canvas>
    <div class="buttons" id="chips" role="group" aria-label="show one label alone"></div>
    <p class="keys" id="plane-keys">Keyboard: arrows move z (with Shift, further); N and P go to
      the next and the previous test image; Enter encodes it in panel 2.</p>`;
  const plane = $("plane");
  plane.style.maxWidth = "36rem";
  const fromEvent = (event) => {
    const box = plane.getBoundingClientRect(), side = box.width;
    const inside = (v) => Math.min(Math.max(v, -reach), reach);
    return [inside(((event.clientX - box.left) / side * 2 - 1) * reach),
      inside((1 - (event.clientY - box.top) / side * 2) * reach)];
  };
  const follow = (event) => {
    const z = fromEvent(event), finger = event.pointerType === "touch" ? 2 : 1;
    setZ(z);
    showNear(nearest(z, finger * 10 / plane.clientWidth * 2 * reach));
  };
  let down = null; // where the button was pressed
  plane.onpointermove = (event) => { if (!state.held || event.buttons) follow(event); };
  plane.onpointerdown = (event) => {
    plane.setPointerCapture(event.pointerId);
    down = [event.clientX, event.clientY];
    follow(event);
  };
  plane.onpointerup = (event) => { // a click holds z or lets it go; after a drag it is held
    const dragged = Math.hypot(event.clientX - down[0], event.clientY - down[1]) > 4;
    state.held = dragged || !state.held;
    soon(drawDecoded);
  };
  plane.onkeydown = (event) => {
    const step = event.shiftKey ? 0.5 : 0.1;
    const moves = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step],
    };
    const turn = { n: 1, p: -1 }[event.key.toLowerCase()];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) {
      setZ(state.z.map((v, j) => Math.min(Math.max(v + moves[event.key][j], -reach), reach)));
      showNear(nearest(state.z, 0.15));
    } else if (turn) {
      const i = ((state.near ?? -turn) + turn + images.length) % images.length;
      setZ(codes[i].mu);
      showNear(i);
    } else if (event.key === "Enter" && state.near !== null) {
      setImage(images[state.near], state.near);
    } else return;
    event.preventDefault();
  };
  $("near-use").onclick = () => {
    setImage(images[state.near], state.near);
    $("encode-title").scrollIntoView({ block: "start" });
  };
  for (const kind of [null, ...kinds]) {
    const chip = make("button", { type: "button", className: "chip" }, String(kind ?? "all"));
    chip.dataset.kind = kind === null ? "" : kind;
    chip.onclick = () => { state.only = kind; restyle(); };
    $("chips").append(chip);
  }
  if (!data.labels) $("chips").remove();
}

function styleChips() {
  for (const chip of document.querySelectorAll(".chip")) {
    const kind = chip.dataset.kind === "" ? null : Number(chip.dataset.kind);
    pressed(chip, kind === state.only);
    chip.style.color = kind === null || kind === state.only ? "" : classColour(kind);
  }
}

/* Sliders, n_z ≠ 2: the active units, the most active first; the others folded away. */
const sliders = [];
function makeSliders() {
  $("choose-z").innerHTML = `
    <div class="buttons">
      <button type="button" id="z-zero">All 0</button>
      <button type="button" id="z-prior">z ~ N(0, I)</button>
      <button type="button" id="z-code">μ(x) of panel 2</button>
    </div>
    <div id="sliders"></div>
    <details id="inactive"><summary></summary><div></div></details>
    <p class="keys">Keyboard: Tab goes from slider to slider, arrows move it.</p>`;
  for (const j of units) {
    const input = make("input", { type: "range", min: -3, max: 3, step: 0.05, value: 0 });
    input.id = `z-${j}`;
    const shown = make("output", { className: "number" });
    input.oninput = () => setZ(state.z.map((v, i) => (i === j ? Number(input.value) : v)));
    sliders[j] = { input, shown };
    const activity = `Var μ(x) = ${data.activity[j]}`;
    const label = make("label", { htmlFor: input.id, title: activity }, `z${subscript(j)}`);
    const place = active.includes(j) ? $("sliders") : $("inactive").lastElementChild;
    place.append(make("div", { className: "slider" }, label, input, shown));
  }
  $("sliders").classList.toggle("many", active.length > 6);
  const idle = n_z - active.length;
  $("inactive").hidden = idle === 0;
  $("inactive").firstElementChild.textContent =
    `${idle} ${idle === 1 ? "unit" : "units"} that the encoder does not use (Var μ(x) ≤ 0.01)`;
  $("z-zero").onclick = () => setZ(new Float64Array(n_z));
  $("z-prior").onclick = () => setZ(random.normals(n_z));
  $("z-code").onclick = () => setZ(encode(state.x).mu);
}

function showSliders() {
  sliders.forEach(({ input, shown }, j) => {
    if (shown.textContent === number(state.z[j])) return;
    input.value = state.z[j];
    shown.textContent = number(state.z[j]);
  });
}

// ---- 5. Panel 2: encode ----------------------------------------------------------------

let eps = random.normals(n_z), remember = () => {}, erasing = false;

function setImage(x, index = null) {
  state.x = Float64Array.from(x);
  state.samples = [bound(state.x, eps)]; // the same ε: what changes now is due to x
  if (index !== null) remember(index);
  $("x-says").textContent = index === null
    ? "x is your drawing." : `x is ${testImage(index)}.`;
  soon(drawEncoded);
}

function sampleAgain(times) {
  for (let i = 0; i < times; i++) {
    eps = random.normals(n_z);
    state.samples.push(bound(state.x, eps));
  }
  soon(drawEncoded);
}

function drawEncoded() {
  drawGrid();
  paint($("mean"), decode(state.samples[0].mu));
  showBound();
  showUnits();
  showSamples();
}

function drawGrid() {
  const { context, width, height } = surface($("grid"), rows / columns);
  const side = width / columns;
  const picture = make("canvas");
  paint(picture, state.x);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, width, height);
  if ($("grid").matches(":focus-visible")) {
    const [row, column] = state.cell;
    context.lineWidth = 3;
    context.strokeStyle = theme.two;
    context.strokeRect(column * side - 1, row * side - 1, side + 2, side + 2);
  }
}

function showBound() {
  const { logPx, kl, elbo } = state.samples.at(-1);
  const parts = { "log-px": logPx, kl: -kl, elbo };
  const largest = Math.max(...Object.values(parts).map(Math.abs));
  const power = 10 ** Math.floor(Math.log10(largest));
  const scale = Math.ceil(largest / power * 2) / 2 * power;
  const positive = Math.max(...Object.values(parts)) > 0; // a density may have a positive log
  for (const [id, value] of Object.entries(parts)) {
    $(id).textContent = number(value, 1);
    const bar = $(id).previousElementSibling.firstElementChild;
    const share = Math.abs(value) / scale * (positive ? 50 : 100);
    bar.style.width = `${share}%`;
    bar.style.left = positive ? `${value < 0 ? 50 - share : 50}%` : `${100 - share}%`;
  }
  const grey = "The pixels are grey: log p(x|z) is minus a cross entropy and no likelihood. ";
  const note = data.decoder !== "bernoulli" ? "p(x|z) is a density: its log may be positive. "
    : data.images.bits ? "" : grey;
  $("bound-note").textContent =
    `${note}All in nats, for this x and one z ~ q(z|x) (L = 1). ` +
    `Bars go from 0, ${positive ? "in the middle" : "at the right"}.`;
}

const unitRows = {};
function makeUnits() {
  for (const j of units) {
    const bar = make("i"), mark = make("b");
    const cells = [0, 1, 2].map(() => make("td", { className: "number" }));
    const track = make("td", { className: "track" }, make("div", {}, bar, mark));
    const first = active.includes(j) || active.length === 0;
    const place = first ? $("units").tBodies[0] : $("more-units").querySelector("tbody");
    place.append(make("tr", {}, make("td", {}, `z${subscript(j)}`), track, ...cells));
    unitRows[j] = { bar, mark, cells };
  }
  const idle = active.length === 0 ? 0 : n_z - active.length;
  $("more-units").hidden = idle === 0;
  $("more-units").firstElementChild.textContent =
    `${idle} more, that the encoder does not use (Var μ(x) ≤ 0.01)`;
}

function showUnits() {
  const { mu, logvar, klOfUnits } = state.samples[0];
  const percent = (v) => Math.min(Math.max((v + 4) / 8 * 100, 0), 100);
  for (const j of units) {
    const sigma = Math.exp(0.5 * logvar[j]), { bar, mark, cells } = unitRows[j];
    mark.style.left = `${percent(mu[j])}%`;
    bar.style.left = `${percent(mu[j] - sigma)}%`;
    bar.style.width = `${percent(mu[j] + sigma) - percent(mu[j] - sigma)}%`;
    [mu[j], sigma, klOfUnits[j]].forEach((v, i) => { cells[i].textContent = number(v); });
  }
}

const SHOWN = 10; // samples with a picture
function showSamples() {
  const samples = state.samples, n = samples.length, elbos = samples.map((sample) => sample.elbo);
  const mean = sum(elbos) / n, sd = Math.sqrt(sum(elbos.map((v) => (v - mean) ** 2)) / (n - 1));
  if (n === 1) {
    $("moves").textContent = "One z so far. Below is E[x|z] at this z, and the bound for it.";
  } else {
    let spread = 0; // the pixels' standard deviation over the samples, its mean over pixels
    for (let i = 0; i < n_x; i++) {
      const m = sum(samples.map((s) => s.mean[i])) / n;
      spread += Math.sqrt(sum(samples.map((s) => (s.mean[i] - m) ** 2)) / (n - 1)) / n_x;
    }
    $("moves").textContent =
      `${n} samples: the bound is ${number(mean, 1)} ± ${number(sd, 1)} nats ` +
      "(mean ± standard deviation); " +
      `a pixel moves by ${number(spread, 3)} on average. The KL is exact and does not move. ` +
      "Below each image: the bound for this z.";
  }
  const figures = [];
  samples.slice(-SHOWN).forEach((s, i) => {
    figures.push([`z no. ${Math.max(n - SHOWN, 0) + i + 1}\n${number(s.elbo, 1)}`, s.mean]);
  });
  showPictures($("drawn"), figures);
}

/* Pictures with a caption each, in canvases that are kept. */
function showPictures(root, figures) {
  while (root.children.length > figures.length) root.lastChild.remove();
  while (root.children.length < figures.length) {
    root.append(make("figure", {}, make("canvas", { className: "picture" }), make("figcaption")));
  }
  figures.forEach(([caption, x], i) => {
    const [canvas, words] = root.children[i].children;
    paint(canvas, x);
    canvas.setAttribute("role", "img");
    named(canvas, caption || `image ${i + 1}`);
    words.textContent = caption;
    words.hidden = caption === "";
  });
}

/* One touch of the pen at (row, column), in cells: every cell within its radius. */
function touch(row, column) {
  const radius = Math.max(0.5, 1.1 * Math.min(rows, columns) / 28), x = Float64Array.from(state.x);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const distance = Math.hypot(r + 0.5 - row, c + 0.5 - column);
      const ink = data.images.bits ? Number(distance <= radius)
        : Math.min(Math.max(radius + 0.5 - distance, 0), 1);
      const i = r * columns + c;
      x[i] = erasing ? Math.min(x[i], 1 - ink) : Math.max(x[i], ink);
    }
  }
  state.x = x;
}

/* The image moved by whole cells, so that its centre of mass is in the middle. */
function centred(x) {
  const total = sum(x);
  if (total === 0) return x;
  let row = 0, column = 0;
  x.forEach((v, i) => {
    row += v * Math.floor(i / columns) / total;
    column += v * (i % columns) / total;
  });
  const down = Math.round((rows - 1) / 2 - row), right = Math.round((columns - 1) / 2 - column);
  return x.map((_, i) => {
    const r = Math.floor(i / columns) - down, c = (i % columns) - right;
    return r >= 0 && r < rows && c >= 0 && c < columns ? x[r * columns + c] : 0;
  });
}

function makeGrid() {
  const grid = $("grid");
  let last = null; // the pen's last place, while it is down
  const place = (event) => {
    const box = grid.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height * rows,
      (event.clientX - box.left) / box.width * columns];
  };
  const stroke = (to) => { // from the last place, in steps of half a cell
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - last[0], to[1] - last[1])));
    for (let i = 1; i <= steps; i++) {
      touch(last[0] + (to[0] - last[0]) * i / steps, last[1] + (to[1] - last[1]) * i / steps);
    }
    last = to;
    setImage(state.x);
  };
  grid.onpointerdown = (event) => {
    grid.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(last);
  };
  grid.onpointermove = (event) => { if (last) stroke(place(event)); };
  grid.onpointerup = grid.onpointercancel = () => { last = null; };
  grid.onfocus = grid.onblur = () => soon(drawGrid);
  grid.onkeydown = (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const move = moves[event.key];
    const erase = event.key === "Delete" || event.key === "Backspace";
    if (move) {
      state.cell = [Math.min(Math.max(state.cell[0] + move[0], 0), rows - 1),
        Math.min(Math.max(state.cell[1] + move[1], 0), columns - 1)];
      soon(drawGrid);
    } else if (event.key === " " || erase) {
      const before = erasing;
      erasing = erasing || erase;
      touch(state.cell[0] + 0.5, state.cell[1] + 0.5);
      erasing = before;
      setImage(state.x);
    } else return;
    event.preventDefault();
  };
  const mode = (erase) => {
    erasing = erase;
    pressed($("pen"), !erase);
    pressed($("eraser"), erase);
  };
  $("pen").onclick = () => mode(false);
  $("eraser").onclick = () => mode(true);
  $("clear").onclick = () => { mode(false); setImage(new Float64Array(n_x)); };
  $("centre").onclick = () => setImage(centred(state.x));
  $("again").onclick = () => sampleAgain(1);
  $("again10").onclick = () => sampleAgain(10);
  remember = chooser($("pick-x"), "x", (i) => setImage(images[i], i));
}

// ---- 6. Panel 3: morph -------------------------------------------------------------------

const STEPS = 9; // images of a strip
let playing = 0; // the time when Play was pressed, or 0

const ends = () => [codes[state.a].mu, codes[state.b].mu];

function setEnds(a, b) {
  [state.a, state.b] = [a, b];
  soon(drawStrips);
}

function drawStrips() {
  const [z0, z1] = ends(), there = onSphere(z0, z1, 0.5) !== null;
  for (const name of ["a", "b"]) {
    paint($(name), images[state[name]]);
    named($(name), testImage(state[name]));
  }
  const along = (path) => Array.from({ length: STEPS }, (_, i) => {
    const z = path(z0, z1, i / (STEPS - 1));
    return [number(norm(z), 1), decode(z)];
  });
  showPictures($("strip-straight"), along(straight));
  showPictures($("strip-sphere"), there ? along(onSphere) : []);
  $("no-sphere").hidden = there;
  $("no-sphere").textContent = n_z === 1
    ? "With n_z = 1 the sphere is two points, −r and r: no path on it joins these two codes."
    : "The two codes have opposite directions: no one path on the sphere joins them.";
  $("at-sphere").parentElement.hidden = !there;
  drawMorph();
}

function setT(t) {
  state.t = t;
  soon(drawMorph);
}

function drawMorph() {
  const [z0, z1] = ends();
  $("t").value = state.t;
  $("t-value").textContent = number(state.t);
  for (const [name, path] of [["straight", straight], ["sphere", onSphere]]) {
    const z = path(z0, z1, state.t);
    if (z === null) continue;
    paint($(`at-${name}`), decode(z));
    $(`length-${name}`).textContent = number(norm(z));
  }
  drawChart(z0, z1);
  if (n_z === 2) drawPaths(z0, z1);
}

/* Both paths, as lines of points: [[x, y], ...], with a colour and a dash each. */
function drawLines(context, lines) {
  for (const [points, colour, dash] of lines) {
    context.strokeStyle = colour;
    context.lineWidth = 3;
    context.setLineDash(dash);
    context.beginPath();
    points.forEach((point) => context.lineTo(...point));
    context.stroke();
  }
  context.setLineDash([]);
}

function pathsOf(z0, z1) { // 61 points of each path
  const along = (path) => Array.from({ length: 61 }, (_, i) => path(z0, z1, i / 60));
  const sphere = along(onSphere);
  return [[along(straight), theme.one, []], ...(sphere[0] ? [[sphere, theme.two, [7, 4]]] : [])];
}

function dot(context, [x, y], colour) {
  context.fillStyle = colour;
  context.strokeStyle = theme.card;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x, y, 6, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}

function drawChart(z0, z1) {
  const { context, width, height } = surface($("chart"), 0.6);
  const paths = pathsOf(z0, z1), values = paths.flatMap(([zs]) => zs.map(logPrior));
  const low = Math.min(...values), high = Math.max(...values, low + 1e-9);
  const left = 52, top = 14, right = width - 12, bottom = height - 24;
  const place = (t, value) => [left + t * (right - left),
    bottom - (value - low) / (high - low) * (bottom - top)];
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = theme.text;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(number(high, 1), left - 6, top);
  context.fillText(number(low, 1), left - 6, bottom);
  context.textAlign = "center";
  for (const t of [0, 0.5, 1]) context.fillText(t, left + t * (right - left), height - 9);
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.strokeRect(left, top, right - left, bottom - top);
  const line = (zs) => zs.map((z, i) => place(i / 60, logPrior(z)));
  drawLines(context, paths.map(([zs, ...style]) => [line(zs), ...style]));
  for (const [path, colour] of [[straight, theme.one], [onSphere, theme.two]]) {
    const z = path(z0, z1, state.t);
    if (z) dot(context, place(state.t, logPrior(z)), colour);
  }
}

function drawPaths(z0, z1) {
  const { context, width: side } = surface($("paths"), 1);
  drawBackground(context, side, false);
  const line = (zs) => zs.map((z) => toPlane(z, side));
  drawLines(context, pathsOf(z0, z1).map(([zs, ...style]) => [line(zs), ...style]));
  for (const [path, colour] of [[straight, theme.one], [onSphere, theme.two]]) {
    const z = path(z0, z1, state.t);
    if (z) dot(context, toPlane(z, side), colour);
  }
  context.font = "bold 14px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const [name, z] of [["A", z0], ["B", z1]]) {
    const [x, y] = toPlane(z, side), edge = (v) => Math.min(Math.max(v, 10), side - 10);
    context.fillStyle = theme.text;
    context.fillText(name, edge(x), edge(y + (y > side / 2 ? 17 : -17)));
  }
}

function play(now) { // t goes from 0 to 1 and back, in 2.5 seconds each way
  if (!playing) return;
  const turns = (now - playing) / 2500 + 1e-9, part = turns % 2;
  setT(part < 1 ? part : 2 - part);
  requestAnimationFrame(play);
}

function setPlaying(yes) {
  playing = yes ? performance.now() - 2500 * state.t : 0;
  $("play").textContent = yes ? "Pause" : "Play";
  pressed($("play"), yes);
  if (yes) requestAnimationFrame(play);
}

function makeMorph() {
  const rememberA = chooser($("pick-a"), "A", (i) => setEnds(i, state.b));
  const rememberB = chooser($("pick-b"), "B", (i) => setEnds(state.a, i));
  const other = images.findIndex((_, i) => labelOf(i) !== labelOf(0));
  setEnds(0, other < 0 ? images.length - 1 : other);
  rememberA(state.a);
  rememberB(state.b);
  $("t").oninput = () => { setPlaying(false); setT(Number($("t").value)); };
  $("play").onclick = () => setPlaying(!playing);
  $("paths-figure").hidden = n_z !== 2;
}

// ---- 7. Panel 4: sample --------------------------------------------------------------------

const SAMPLES = 24;
function drawZ() {
  state.zs = Array.from({ length: SAMPLES }, () => random.normals(n_z)); // z ~ p(z)
  drawX();
}

function drawX() {
  state.xs = state.zs.map((z) => family.draw(family.given(z), random)); // x ~ p(x|z)
  soon(showSampled);
}

function showSampled() {
  const drawn = $("draws").checked;
  $("sample-says").textContent = drawn
    ? `${SAMPLES} draws x ~ p(x|z), each of its own z: both samplings`
    : `${SAMPLES} means E[x|z], each of its own z: sampling 1 alone`;
  showPictures($("samples"), state.zs.map((z, i) => ["", drawn ? state.xs[i] : decode(z)]));
}

function makeSample() {
  const bits = data.decoder === "bernoulli";
  $("mean-words").textContent = bits
    ? "Grey is the probability that the pixel is 1; no pixel is drawn."
    : "No pixel is drawn: the noise σ is left out.";
  $("draw-words").textContent = bits
    ? "Each pixel is 0 or 1, drawn by itself once z is given: so neighbours do not agree."
    : "Each pixel has its own noise σ ε, drawn by itself once z is given.";
  $("draw-z").onclick = drawZ;
  $("draw-x").onclick = () => { $("draws").checked = true; drawX(); };
  $("means").onchange = $("draws").onchange = () => soon(showSampled);
}

// ---- 8. The words, and the start -------------------------------------------------------------

function writeWords() {
  const formula = (id, ...lines) => {
    $(id).innerHTML = lines.map(([equation, ...names]) => {
      const functions = names.map((name) => `<code>${name}</code>`).join(", ");
      return `${equation.replace(/_([ij])/g, "<sub>$1</sub>")} &ensp; ${functions}`;
    }).join("<br>");
  };
  const mean = {
    bernoulli: "E[x|z] = p = sigmoid(a), the logits a = affine(h′(z))",
    gaussian: "E[x|z] = μ<sub>x</sub>(z) = affine(h′(z))",
    "sigmoid-gaussian": "E[x|z] = μ<sub>x</sub>(z) = sigmoid(affine(h′(z)))",
    isotropic: "E[x|z] = μ<sub>x</sub>(z) = affine(h′(z))",
  }[data.decoder];
  const logPx = data.decoder === "bernoulli"
    ? ["log p(x|z) = Σ_i [ x_i a_i − softplus(a_i) ]", "distributions.bernoulli_log_likelihood"]
    : ["log p(x|z) = Σ_i log N(x_i; μ_i, σ_i²)", "distributions.gaussian_log_density"];
  const draw = {
    bernoulli: "x_i = 1 with probability p_i",
    gaussian: "x = μ<sub>x</sub>(z) + σ<sub>x</sub>(z) ⊙ ε",
    "sigmoid-gaussian": "x = μ<sub>x</sub>(z) + σ<sub>x</sub>(z) ⊙ ε",
    isotropic: "x = μ<sub>x</sub>(z) + σ<sub>x</sub> ε",
  }[data.decoder];
  $("name").textContent = data.name;
  document.title = `The latent space of ${data.name}`;
  const sizes = [n_x, ...data.hidden, n_z, ...[...data.hidden].reverse(), n_x].join("-");
  $("about").textContent =
    `A variational autoencoder, ${sizes}, ${data.activation}, ${data.decoder} decoder; its ` +
    `weights in ${data.bits_of_a_weight} bits. The encoder turns an image x into q(z|x), the ` +
    "decoder turns z into p(x|z).";
  $("decode-what").textContent = n_z === 2
    ? "Move over the plane: the image is decoded from that z. Each " +
      (data.labels ? "numeral is a test image at its code μ(x), by its label"
        : "point is a test image at its code μ(x)") + ". The circles hold 39, 86 and 99 % of the prior N(0, I). " +
      "A click holds z, the next click lets it go."
    : "Each slider is one number of z. The most active unit is first: its mean μ(x) varies most " +
      "from image to image.";
  formula("decode-formula", [mean, "vae.VAE.decode"],
    n_z === 2 ? ["log p(z) = −½ |z|² − log 2π", "distributions.standard_normal_log_density"]
      : ["activity of z_j = Var<sub>x</sub> μ_j(x)", "evaluation.active_units"]);
  formula("encode-formula",
    ["q(z|x) = N(z; μ(x), σ²(x))", "vae.VAE.encode"],
    ["z = μ + σ ⊙ ε, ε ~ N(0, I)", "distributions.reparameterize"],
    ["𝓛(x) ≃ log p(x|z) − KL(q(z|x) ‖ p(z))", "vae.VAE.elbo"],
    logPx,
    ["KL = Σ_j ½ (μ_j² + σ_j² − 1 − log σ_j²)", "distributions.gaussian_kl"]);
  formula("morph-formula",
    ["z(t) = (1 − t) z₀ + t z₁", "morph.straight"],
    ["z(t) = |z(t)| [ sin((1 − t) ω) u₀ + sin(t ω) u₁ ] / sin ω, u = z / |z|, ω the angle, " +
      "|z(t)| = (1 − t) |z₀| + t |z₁|", "morph.on_sphere"]);
  formula("sample-formula", ["z ~ N(0, I), then E[x|z]", "vae.VAE.sample(n)"],
    [`z ~ N(0, I), then x ~ p(x|z): ${draw}`, "vae.VAE.sample(n, draw=True)"]);
}

function restyle() { // after a change of colours, size or shown labels
  readTheme();
  background = null;
  styleChips();
  for (const draw of [drawDecoded, drawEncoded, drawStrips, showSampled]) soon(draw);
  if (state.near !== null) soon(drawNear);
}

document.documentElement.style.setProperty("--aspect", columns / rows);
readTheme();
writeWords();
$("seen").classList.toggle("beside-sliders", n_z !== 2);
if (n_z === 2) makePlane();
else makeSliders();
makeUnits();
makeGrid();
makeMorph();
makeSample();
setImage(images[0], 0);
drawZ();
if (n_z === 2) {
  setZ(codes[0].mu);
  showNear(0);
}
restyle();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
let width = document.body.clientWidth;
new ResizeObserver(() => {
  if (document.body.clientWidth !== width) {
    width = document.body.clientWidth;
    restyle();
  }
}).observe(document.body);

window.explorer = {
  data, images, codes, state, frames, encode, decode, bound, family, gaussianKL, logPrior,
  straight, onSphere, generator, setZ, setImage, setEnds, setT, drawAll,
};
