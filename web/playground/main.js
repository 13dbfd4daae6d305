// The page: hands what is chosen to the worker that trains, and draws what that sees.
import { drawnSigma, problems } from './data.js';
import { recipes } from './recipes.js';
import { drawPlane } from './plane.js';
import { drawChart, History } from './chart.js';

const $ = (id) => document.getElementById(id);
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const send = (kind, rest = {}, transfer = []) => worker.postMessage({ kind, ...rest }, transfer);

const reach = 1.4, longestDrawing = 400;
let settings = { ...recipes.rpgan }, problem = 'ring', drawing = [], ready = false, playing = false;
let frame = null, points = new Float32Array(), history = new History(), cursor = null, saidAt = 0;

// Sliders: a number of settings each; on a logarithmic scale from `from` to `to`, some with 0 left of it.
const sliders = [
  { key: 'generator_rate', name: 'Generator’s rate', from: 1e-5, to: 0.02 },
  { key: 'discriminator_rate', name: 'Discriminator’s rate', from: 1e-5, to: 0.02 },
  { key: 'r1', name: 'R1, penalty at the data', from: 1e-4, to: 2, zero: true },
  { key: 'r2', name: 'R2, penalty at the samples', from: 1e-4, to: 2, zero: true },
  { key: 'gp', name: 'WGAN’s gradient penalty', from: 1e-3, to: 10, zero: true },
  { key: 'beta1', name: 'Adam’s momentum (beta 1)', from: 0, to: 0.95, linear: true },
];
const ticks = 100;
function valueOf(slider, position) {
  if (slider.linear) return +(slider.from + (slider.to - slider.from) * position / ticks).toFixed(2);
  if (slider.zero && position === 0) return 0;
  return +(slider.from * (slider.to / slider.from) ** (position / ticks)).toPrecision(2);
}
function positionOf(slider, value) {
  if (slider.linear) return ticks * (value - slider.from) / (slider.to - slider.from);
  return value <= 0 ? 0 : Math.max(slider.zero ? 1 : 0, Math.round(ticks * Math.log(value / slider.from) / Math.log(slider.to / slider.from)));
}
const shownNumber = (value) => value === 0 ? '0' : value < 1e-3 ? value.toExponential().replace('e-', ' × 10⁻').replace(/⁻(\d)/, (_, d) => '⁻' + '⁰¹²³⁴⁵⁶⁷⁸⁹'[d]) : String(value);

const full = () => {
  const { name, ...rest } = settings;
  return { ...rest, seed: Number($('seed').value) };
};
const dataNow = () => problem === 'draw'
  ? { points: Float32Array.from(drawing.length > 0 ? drawing : [0, 0]), sigma: drawnSigma }
  : { points: problems[problem].points, sigma: problems[problem].sigma };

function draw() {
  drawPlane($('plane'), { frame, points: problem === 'draw' && drawing.length === 0 ? [] : points, reach, cursor });
  drawChart($('losses'), history, [[0, 'real'], [1, 'made']], null);
  drawChart($('coverage'), history, [[2, 'real'], [3, 'made']], [0, 1]);
}
let asked = false;
function drawSoon() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
}

function show(now) {
  frame = now;
  const counted = problem !== 'draw' && problems[problem].counted, share = now.covered / now.modes;
  if (now.step > 0) history.add(now.step, [now.discriminator, now.generator, share, now.quality]);
  $('steps').textContent = now.step.toLocaleString('en');
  $('rate').textContent = now.playing && now.rate > 0 ? Math.round(now.rate).toLocaleString('en') : '–';
  $('modes-name').textContent = $('modes-chart').textContent = counted ? 'Modes found' : 'Data covered';
  $('modes').textContent = counted ? `${now.covered} of ${now.modes}` : `${Math.round(100 * share)} %`;
  $('quality').textContent = `${Math.round(100 * now.quality)} %`;
  const summary = `Step ${now.step}: ${counted ? `${now.covered} of ${now.modes} modes found` : `${Math.round(100 * share)} percent of the data covered`}, ${Math.round(100 * now.quality)} percent of the samples good.`;
  $('plane').setAttribute('aria-label', 'The plane: data, samples, and the discriminator’s scores. ' + summary);
  // Often enough to follow, seldom enough to listen to.
  if (performance.now() - saidAt > 10000 || !now.playing) {
    saidAt = performance.now();
    $('said').textContent = summary;
  }
  drawSoon();
  requestAnimationFrame(() => send('drawn'));
}

function setPlaying(on) {
  if (on === playing) return;
  playing = on;
  $('play').textContent = on ? 'Pause' : 'Play';
  send(on ? 'play' : 'pause');
}

function begin() {
  $('message').textContent = '';
  history = new History();
  frame = null;
  send('begin', { settings: full(), data: dataNow() });
  if (playing) send('play');
}
function change() { send('change', { settings: full() }); }

/// Puts the settings into the controls.
function showSettings() {
  for (const slider of sliders) {
    $(slider.key).value = positionOf(slider, settings[slider.key]);
    $(slider.key + '-value').textContent = shownNumber(settings[slider.key]);
    $(slider.key).setAttribute('aria-valuetext', shownNumber(settings[slider.key]));
  }
  for (const key of ['loss', 'batch', 'discriminator_steps', 'width']) $(key).value = settings[key];
  $('average').checked = settings.average;
  const found = Object.keys(recipes).find((key) => Object.entries(recipes[key]).every(([name, value]) => name === 'name' || settings[name] === value));
  $('recipe').value = found ?? 'own';
}
function choose(next) {
  const anew = next.width !== settings.width;
  settings = { ...next };
  showSettings();
  if (!ready) return;
  if (anew) begin();
  else change();
}

function chooseProblem(name) {
  problem = name;
  const draws = name === 'draw';
  $('drawing').hidden = !draws;
  $('hint').hidden = !draws || drawing.length > 0;
  $('plane').classList.toggle('drawing', draws);
  cursor = null;
  document.querySelector(`#problems input[value=${name}]`).checked = true;
  if (ready) send('data', { data: dataNow() });
  drawSoon();
}

// Drawing, with a pointer or the keyboard.
let sent = false;
function put(x, y) {
  const [a, b] = drawing.slice(-2);
  if (Math.hypot(x - a, y - b) < 0.05) return;
  if (drawing.length >= 2 * longestDrawing) drawing.splice(0, 2);
  drawing.push(x, y);
  $('hint').hidden = true;
  if (sent) return;
  sent = true;
  setTimeout(() => {
    sent = false;
    send('data', { data: dataNow() });
  }, 60);
}
function putPointer(event) {
  const box = $('plane').getBoundingClientRect(), inside = (value) => Math.min(1.3, Math.max(-1.3, value));
  put(inside((2 * (event.clientX - box.left) / box.width - 1) * reach), inside((1 - 2 * (event.clientY - box.top) / box.height) * reach));
}
$('plane').addEventListener('pointerdown', (event) => {
  if (problem !== 'draw') return;
  $('plane').setPointerCapture(event.pointerId);
  putPointer(event);
});
$('plane').addEventListener('pointermove', (event) => {
  if (problem === 'draw' && event.buttons !== 0) putPointer(event);
});
$('plane').addEventListener('keydown', (event) => {
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], ' ': [0, 0] }[event.key];
  if (problem !== 'draw' || !move) return;
  event.preventDefault();
  cursor ??= [0, 0];
  cursor = cursor.map((value, i) => Math.min(1.3, Math.max(-1.3, value + 0.1 * move[i])));
  if (event.key === ' ') put(...cursor);
  drawSoon();
});
$('clear').addEventListener('click', () => {
  drawing = [];
  chooseProblem('draw');
});

// Controls.
for (const [value, name] of [...Object.entries(problems).map(([key, { name: shown }]) => [key, shown]), ['draw', 'Draw']]) {
  const label = document.createElement('label'), input = document.createElement('input'), text = document.createElement('span');
  Object.assign(input, { type: 'radio', name: 'problem', value, checked: value === problem });
  text.textContent = name;
  input.addEventListener('change', () => chooseProblem(value));
  label.append(input, text);
  $('problems').append(label);
}
for (const slider of sliders) {
  const label = document.createElement('label'), input = document.createElement('input'), output = document.createElement('output');
  label.className = 'slider';
  label.htmlFor = slider.key;  // otherwise it would be the output's
  Object.assign(input, { type: 'range', id: slider.key, min: 0, max: ticks, step: 1 });
  output.id = slider.key + '-value';
  label.append(slider.name, output, input);
  input.addEventListener('input', () => choose({ ...settings, [slider.key]: valueOf(slider, Number(input.value)) }));
  $('sliders').append(label);
}
for (const [value, { name }] of [...Object.entries(recipes), ['own', { name: 'Your own' }]]) $('recipe').append(new Option(name, value));
const losses = { relativistic: 'Relativistic pairing', 'non-saturating': 'Non-saturating', minimax: 'Minimax', wasserstein: 'Wasserstein', hinge: 'Hinge', 'least-squares': 'Least squares' };
for (const [value, name] of Object.entries(losses)) $('loss').append(new Option(name, value));
$('recipe').addEventListener('change', () => {
  if ($('recipe').value !== 'own') choose(recipes[$('recipe').value]);
});
$('loss').addEventListener('change', () => choose({ ...settings, loss: $('loss').value }));
for (const key of ['batch', 'discriminator_steps', 'width']) $(key).addEventListener('change', () => choose({ ...settings, [key]: Number($(key).value) }));
$('average').addEventListener('change', () => choose({ ...settings, average: $('average').checked }));
$('play').addEventListener('click', () => setPlaying(!playing));
$('step').addEventListener('click', () => {
  setPlaying(false);
  send('step');
});
$('reset').addEventListener('click', begin);
$('seed').addEventListener('change', () => {
  $('seed').value = Math.min(999999, Math.max(0, Math.floor(Number($('seed').value) || 0)));
  begin();
});

$('collapse').addEventListener('click', () => {
  settings = { ...recipes.collapse };
  showSettings();
  chooseProblem('ring');
  begin();
  setPlaying(true);
  $('story').textContent = 'Without a penalty the discriminator grows sure of itself, and the generator runs to whatever it likes at the moment, all samples together. Watch modes go, then press “Cure it”: the networks stay as they are.';
});
$('cure').addEventListener('click', () => {
  choose(recipes.rpgan);
  setPlaying(true);
  $('story').textContent = 'Now each sample is compared with a real point, so no mode may be left behind. R1 and R2 keep the scores smooth, so that samples find the way to it.';
});

worker.addEventListener('message', ({ data }) => {
  if (data.kind === 'frame') show(data);
  else if (data.kind === 'data') {
    points = data.points;
    drawSoon();
  } else if (data.kind === 'loaded') {
    ready = true;
    for (const id of ['play', 'step', 'reset', 'collapse', 'cure']) $(id).disabled = false;
    begin();
  } else if (data.kind === 'failed') {
    playing = false;
    $('play').textContent = 'Play';
    $('message').textContent = `${data.text}. Press Reset, or choose smaller rates or a penalty.`;
  }
});
addEventListener('resize', drawSoon);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawSoon);
showSettings();
drawSoon();
fetch(new URL('../shared/rival.wasm', import.meta.url)).then((answer) => answer.arrayBuffer()).then(
  (bytes) => send('load', { bytes }, [bytes]),
  (error) => { $('message').textContent = `The module cannot be loaded (${error.message}). Serve this folder, or open the page that is one file.`; });
