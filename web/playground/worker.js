// Trains, and tells the page what it sees, no faster than the page can draw it.
import { Rival } from '../shared/rival.js';

const side = 48, reach = 1.4, arrows = 80, shown = 1000;
let rival, playing = false, running = false, drawn = true, last = 0;
let rate = { from: 0, steps: 0, value: 0 };

/// Lets messages in. A timer would wait for milliseconds.
const channel = new MessageChannel();
const others = () => new Promise((resolve) => {
  channel.port1.onmessage = resolve;
  channel.port2.postMessage(0);
});

function frame() {
  const [step, discriminator, generator, modes, covered, quality] = rival.call('playground_progress', 6);
  const message = {
    kind: 'frame', step, discriminator, generator, modes, covered, quality, playing, rate: rate.value, side, reach,
    samples: rival.call('playground_samples', 2 * shown),
    field: rival.call('playground_field', side * side, side, reach),
    arrows: rival.call('playground_arrows', 2 * arrows, arrows),
  };
  drawn = false;
  last = performance.now();
  postMessage(message, [message.samples.buffer, message.field.buffer, message.arrows.buffer]);
}

function failed(error) {
  playing = false;
  postMessage({ kind: 'failed', text: error.message });
}

async function run() {
  if (running) return;
  running = true;
  rate = { from: performance.now(), steps: 0, value: 0 };
  try {
    while (playing) {
      const until = performance.now() + 12;
      do {
        rival.call('playground_step', 0);
        ++rate.steps;
      } while (performance.now() < until);
      const now = performance.now();
      if (now - rate.from > 500) rate = { from: now, steps: 0, value: 1000 * rate.steps / (now - rate.from) };
      if (drawn && now - last > 40) frame();
      await others();
    }
  } catch (error) {
    failed(error);
  }
  running = false;
}

function setData({ points, sigma }) {
  rival.give(points);
  rival.call('playground_data', 0, points.length / 2, sigma);
  postMessage({ kind: 'data', points: rival.call('playground_points', 2 * 600, 600) });
}
function set(call, settings) {
  rival.give(JSON.stringify(settings));
  rival.call(call, 0);
}

const acts = {
  async load({ bytes }) {
    rival = await Rival.load(bytes);
    postMessage({ kind: 'loaded' });
  },
  begin({ settings, data }) {
    set('playground_begin', settings);
    setData(data);
    frame();
  },
  change({ settings }) { set('playground_change', settings); },
  data({ data }) {
    setData(data);
    if (!playing) frame();
  },
  play() {
    playing = true;
    run();
  },
  pause() {
    playing = false;
    rate.value = 0;
    frame();
  },
  step() {
    playing = false;
    rival.call('playground_step', 0);
    frame();
  },
  drawn() { drawn = true; },
};
onmessage = async ({ data }) => {
  try {
    await acts[data.kind](data);
  } catch (error) {
    failed(error);
  }
};
