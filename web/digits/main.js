// The page: a latent vector and weights of classes in, a picture out.
import { Rival } from '../shared/rival.js';

const $ = (id) => document.getElementById(id);
const rows = 6, shownDirections = 6, farthest = 5, seconds = 2.5;
const read = async (url) => (await fetch(url)).arrayBuffer();

let rival, latent, classes, height, width, directions;
let base, weights, along = new Array(shownDirections).fill(0), seed = 1, sheetSeed = 1000, walking = 0;

const draw = (from) => rival.call('digits_draw', latent, from);

/// The latent vector of now: the base, and along each direction so far.
function vector() {
  return base.map((value, i) => along.reduce((sum, far, k) => sum + far * directions[k * latent + i], value));
}
function mix(from) {
  rival.give(Float32Array.from([...from, ...weights]));
  return rival.call('digits_mix', height * width);
}
function paint(canvas, pixels, left = 0, top = 0) {
  const image = new ImageData(width, height);
  pixels.forEach((value, i) => {
    const grey = Math.round(255 * Math.min(1, Math.max(0, (value + 1) / 2)));
    image.data.set([grey, grey, grey, 255], 4 * i);
  });
  canvas.getContext('2d').putImageData(image, left, top);
}

function show() {
  paint($('digit'), mix(vector()));
  const sum = weights.reduce((a, b) => a + b);
  const parts = weights.map((weight, k) => [weight / sum, k]).filter(([share]) => share > 0).sort((a, b) => b[0] - a[0]);
  $('digit').setAttribute('aria-label', 'The digit: ' + parts.map(([share, k]) => parts.length === 1 ? `a ${k}` : `${Math.round(100 * share)} percent ${k}`).join(', '));
  weights.forEach((weight, k) => {
    const row = $('classes').children[k];
    row.querySelector('button').setAttribute('aria-pressed', weight === sum);
    row.querySelector('output').textContent = `${Math.round(100 * weight / sum)} %`;
    row.querySelector('input').value = Math.round(100 * weight);
  });
  along.forEach((far, k) => {
    $('direction' + k).value = far;
    $(`direction${k}-value`).textContent = far.toFixed(1);
  });
}

function showSheet() {
  const sheet = $('sheet');
  sheet.width = width * classes;
  sheet.height = height * rows;
  const all = new Float32Array(rows * latent);
  for (let row = 0; row < rows; ++row) all.set(draw(sheetSeed + row), row * latent);
  for (let k = 0; k < classes; ++k) {
    rival.give(all);
    const images = rival.call('digits_sample', rows * height * width, rows, k);
    for (let row = 0; row < rows; ++row) paint(sheet, images.subarray(row * height * width, (row + 1) * height * width), k * width, row * height);
  }
}

/// Between two vectors of normal numbers, on the arc: the straight line leads through shorter ones.
function between(a, b, t) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const angle = Math.acos(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))), sine = Math.sin(angle);
  return a.map((value, i) => (Math.sin((1 - t) * angle) * value + Math.sin(t * angle) * b[i]) / sine);
}
function walk(from, to, start) {
  const mine = walking;
  const move = (now) => {
    if (mine !== walking) return;
    const t = Math.min(1, (now - start) / 1000 / seconds);
    base = between(from, to, t * t * (3 - 2 * t));
    show();
    if (t < 1) requestAnimationFrame(move);
    else walk(base, draw(++seed), now);
  };
  requestAnimationFrame(move);
}
function stop() {
  ++walking;
  $('walk').setAttribute('aria-pressed', 'false');
  $('walk').textContent = 'Walk';
}

/// Enlarged without smoothing, as it is seen.
function save(canvas, scale, name) {
  const large = document.createElement('canvas');
  large.width = canvas.width * scale;
  large.height = canvas.height * scale;
  const context = large.getContext('2d');
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  large.toBlob((blob) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }, 'image/png');
}

function take(row, k) {
  stop();
  base = draw(sheetSeed + row);
  along.fill(0);
  weights = weights.map((_, i) => i === k ? 1 : 0);
  show();
}

function makeControls() {
  for (let k = 0; k < classes; ++k) {
    const row = document.createElement('div'), button = document.createElement('button'), input = document.createElement('input'), output = document.createElement('output');
    row.className = 'class';
    button.textContent = k;
    button.setAttribute('aria-label', `Class ${k} alone`);
    Object.assign(input, { type: 'range', min: 0, max: 100 });
    input.setAttribute('aria-label', `Share of class ${k}`);
    button.addEventListener('click', () => {
      weights = weights.map((_, i) => i === k ? 1 : 0);
      show();
    });
    input.addEventListener('input', () => {
      weights[k] = Number(input.value) / 100;
      if (weights.every((weight) => weight === 0)) weights[k] = 0.01;
      show();
    });
    row.append(button, input, output);
    $('classes').append(row);
  }
  for (let k = 0; k < shownDirections; ++k) {
    const label = document.createElement('label'), input = document.createElement('input'), output = document.createElement('output');
    label.className = 'slider';
    label.htmlFor = 'direction' + k;  // otherwise it would be the output's
    Object.assign(input, { type: 'range', id: 'direction' + k, min: -farthest, max: farthest, step: 0.1 });
    output.id = `direction${k}-value`;
    label.append(`Direction ${k + 1}`, output, input);
    input.addEventListener('input', () => {
      along[k] = Number(input.value);
      show();
    });
    $('directions').append(label);
  }
  for (const button of document.querySelectorAll('button')) button.disabled = false;
}

$('new').addEventListener('click', () => {
  stop();
  base = draw(++seed);
  show();
});
$('walk').addEventListener('click', () => {
  const start = $('walk').getAttribute('aria-pressed') === 'false';
  stop();
  if (!start) return;
  $('walk').setAttribute('aria-pressed', 'true');
  $('walk').textContent = 'Stop';
  walk(base, draw(++seed), performance.now());
});
$('straight').addEventListener('click', () => {
  along.fill(0);
  show();
});
$('save').addEventListener('click', () => save($('digit'), 10, 'digit.png'));
$('save-sheet').addEventListener('click', () => save($('sheet'), 3, 'digits.png'));
$('again').addEventListener('click', () => {
  sheetSeed += rows;
  showSheet();
});
let chosen = [0, 0];
$('sheet').addEventListener('keydown', (event) => {
  const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [0, 0] }[event.key];
  if (!move) return;
  event.preventDefault();
  chosen = [(chosen[0] + move[0] + rows) % rows, (chosen[1] + move[1] + classes) % classes];
  take(...chosen);
});
$('sheet').addEventListener('click', (event) => {
  const box = $('sheet').getBoundingClientRect();
  take(Math.min(rows - 1, Math.floor((event.clientY - box.top) / box.height * rows)), Math.min(classes - 1, Math.floor((event.clientX - box.left) / box.width * classes)));
});

try {
  const [module, file] = await Promise.all([read(new URL('../shared/rival.wasm', import.meta.url)), read(new URL('./generator.safetensors', import.meta.url))]);
  rival = await Rival.load(module);
  rival.give(file);
  [latent, classes, height, width] = rival.call('digits_begin', 4);
  directions = rival.call('digits_directions', shownDirections * latent);
  base = draw(seed);
  weights = Array.from({ length: classes }, (_, k) => k === 3 ? 1 : 0);
  makeControls();
  show();
  showSheet();
} catch (error) {
  $('message').textContent = `The page cannot start: ${error.message}`;
}
