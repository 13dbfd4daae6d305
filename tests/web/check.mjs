// Opens the pages in Chromium, from a server and as files, and uses them:
//
//   node check.mjs PROGRAM FOLDER SAMPLES.txt FOLDER-for-screenshots
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';

import { Chromium } from '../browser/chromium.mjs';

const [program, folder, samples, shots] = process.argv.slice(2);
mkdirSync(shots, { recursive: true });
let faults = 0;
const check = (good, what) => {
  if (!good) ++faults, console.log('fault: ' + what);
};
const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

const types = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const server = createServer((request, answer) => {
  let file = join(folder, normalize(new URL(request.url, 'http://x').pathname));
  if (file.endsWith('/')) file += 'index.html';
  if (!existsSync(file)) return answer.writeHead(404).end();
  answer.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(answer);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const served = `http://127.0.0.1:${server.address().port}`;

const browser = new Chromium(program);

/// A page of that address: {name, send, evaluate, until, text, press, shot, close}.
async function open(name, url, { width = 1280, dark = false } = {}) {
  const { send, evaluate, on } = await browser.tab(), complaints = [];
  on('Runtime.exceptionThrown', ({ exceptionDetails: e }) => complaints.push(e.exception?.description ?? e.text));
  on('Runtime.consoleAPICalled', ({ type, args }) => complaints.push(type + ' ' + args.map((a) => a.value).join(' ')));
  on('Log.entryAdded', ({ entry }) => complaints.push(entry.text));
  for (const domain of ['Page', 'Runtime', 'Log']) await send(domain + '.enable');
  await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
  await send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 });
  await send('Page.navigate', { url });
  const page = {
    send, evaluate,
    check: (good, what) => check(good, `${name}: ${what}`),
    /// Asks until it is true, or the seconds are over.
    async until(seconds, expression, what) {
      const end = Date.now() + 1000 * seconds;
      while (Date.now() < end) {
        if (await evaluate(expression).catch(() => false)) return true;
        await wait(0.1);
      }
      page.check(false, `expected ${what} within ${seconds} s`);
      return false;
    },
    text: (id) => evaluate(`document.getElementById('${id}').textContent`),
    press: (id) => evaluate(`document.getElementById('${id}').click()`),
    async shot() {
      const layout = await send('Page.getLayoutMetrics');
      page.check(layout.cssContentSize.width <= width, `expected nothing wider than ${width} pixels, got ${layout.cssContentSize.width}`);
      const clip = { x: 0, y: 0, width, height: layout.cssContentSize.height, scale: 1 };
      const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true, clip });
      writeFileSync(join(shots, name.replaceAll(' ', '_') + '.png'), Buffer.from(data, 'base64'));
    },
    async close() {
      const unnamed = await evaluate(`[...document.querySelectorAll('button, input, select, canvas')].filter((e) =>
        !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length > 0)).map((e) => e.outerHTML)`);
      page.check(unnamed.length === 0, 'no name for who cannot see: ' + unnamed);
      page.check(complaints.length === 0, 'it complains: ' + complaints.join('; '));
      await send('Page.close').catch(() => {});
    },
  };
  return page;
}

const number = (text) => Number(text.replace(/[^\d.]/g, ''));

async function usePlayground(name, url, look, whole) {
  const page = await open(name, url, look), { evaluate, press, text, until } = page;
  const step = async () => number(await text('steps'));
  await until(30, `!document.getElementById('play').disabled`, 'the module');
  await press('step');
  await until(10, `document.getElementById('steps').textContent === '1'`, 'one step');
  await press('play');
  const begin = Date.now();
  if (whole) {
    if (await until(60, `document.getElementById('modes').textContent === '8 of 8' && parseInt(document.getElementById('quality').textContent) >= 30`,
      'the ring\'s 8 modes, and a third of the samples good')) {
      console.log(`${name}: all modes, and 30 % of the samples good, after ${await step()} steps and ${(Date.now() - begin) / 1000} s; ` +
        `${await text('rate')} steps a second`);
    }
    const gap = await evaluate(`new Promise((resolve) => {
      let longest = 0, last = performance.now(), begin = last;
      const tick = (now) => {
        longest = Math.max(longest, now - last);
        last = now;
        if (now - begin > 2000) resolve(longest);
        else requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    })`);
    console.log(`${name}: the longest time between two pictures of the page is ${Math.round(gap)} ms`);
    page.check(gap < 1000, `expected the page to answer while it trains, got a gap of ${gap} ms`);
  } else {
    await until(20, `parseInt(document.getElementById('steps').textContent.replace(',', '')) > 20`, '20 steps');
  }
  await page.shot();
  await press('play');
  // A picture or two may be on their way.
  let paused = -1, tries = 0;
  while (await step() !== paused && ++tries < 10) {
    paused = await step();
    await wait(0.5);
  }
  page.check(tries < 10, 'it trains though it is paused');
  if (whole) {
    // Settings go to the module, and its faults come back.
    const recipe = await text('recipe');
    page.check(recipe.includes('Wasserstein'), 'no recipe of Wasserstein');
    for (const name of ['gan', 'minimax', 'wgan', 'lsgan', 'hinge', 'nsgan', 'rpgan']) {
      await evaluate(`{ const e = document.getElementById('recipe'); e.value = '${name}'; e.dispatchEvent(new Event('change')); }`);
      const before = await step();
      await press('step');
      await until(10, `document.getElementById('steps').textContent.replace(',', '') === '${before + 1}'`, `a step of ${name}`);
    }
    page.check(await text('message') === '', 'a fault: ' + await text('message'));
    await evaluate(`{ const e = document.getElementById('r1'); e.value = 0; e.dispatchEvent(new Event('input')); }`);
    page.check(await text('r1-value') === '0' && await evaluate(`document.getElementById('recipe').value`) === 'own', 'the slider of R1 does nothing');

    // Drawn with the mouse, a stroke becomes data.
    await evaluate(`document.querySelector('#problems input[value=draw]').click()`);
    await evaluate(`scrollTo(0, 0)`);
    const box = await evaluate(`document.getElementById('plane').getBoundingClientRect().toJSON()`);
    const mouse = (type, share) => page.send('Input.dispatchMouseEvent', { type, button: 'left', buttons: type === 'mouseReleased' ? 0 : 1,
      clickCount: 1, x: box.x + share * box.width, y: box.y + 0.5 * box.height });
    await mouse('mousePressed', 0.2);
    for (let share = 0.22; share < 0.8; share += 0.02) await mouse('mouseMoved', share);
    await mouse('mouseReleased', 0.8);
    await press('reset');
    await press('play');
    await until(60, `parseInt(document.getElementById('modes').textContent) >= 60`, 'most of the drawing covered');
    await press('play');
    // The keyboard draws, too.
    await press('clear');
    await evaluate(`document.getElementById('plane').focus()`);
    for (const key of ['ArrowUp', ' ']) {
      for (const type of ['keyDown', 'keyUp']) await page.send('Input.dispatchKeyEvent', { type, key, code: key === ' ' ? 'Space' : key });
    }
    await until(5, `document.getElementById('hint').hidden`, 'a point of the keyboard\'s');
    // Collapse and its cure.
    await press('collapse');
    await until(60, `parseInt(document.getElementById('modes').textContent) <= 4 && parseInt(document.getElementById('steps').textContent.replace(',', '')) > 300`, 'modes to be lost');
    console.log(`${name}: collapsed to ${await text('modes')} after ${await step()} steps`);
    await press('cure');
    await until(90, `document.getElementById('modes').textContent === '8 of 8'`, 'the cure to find all modes');
    console.log(`${name}: cured after ${await step()} steps`);
    await press('play');
  }
  await page.close();
}

async function useDigits(name, url, look, whole) {
  const page = await open(name, url, look), { evaluate, press, until } = page;
  await until(30, `!document.getElementById('new').disabled`, 'the module');
  const sum = (id) => evaluate(`document.getElementById('${id}').toDataURL()`);
  let last = await sum('digit');
  const changes = async (what) => {
    const now = await sum('digit');
    page.check(now !== last, what + ' changes nothing');
    last = now;
  };
  await page.shot();
  if (whole) {
    await press('new');
    await changes('New handwriting');
    await evaluate(`document.querySelector('#classes button[aria-label="Class 7 alone"]').click()`);
    await changes('a class');
    page.check(await evaluate(`document.getElementById('digit').getAttribute('aria-label')`) === 'The digit: a 7', 'the digit is called another');
    await evaluate(`{ const e = document.querySelector('#classes input[aria-label="Share of class 1"]'); e.value = 60; e.dispatchEvent(new Event('input')); }`);
    await changes('the slider of a class');
    await evaluate(`{ const e = document.getElementById('direction0'); e.value = 3; e.dispatchEvent(new Event('input')); }`);
    await changes('a direction');
    await press('straight');
    await changes('Back to the middle');
    await press('walk');
    await wait(0.7);
    await changes('a walk');
    await press('walk');
    const sheet = await sum('sheet');
    await press('again');
    page.check(await sum('sheet') !== sheet, 'another sheet is the same');
    const saved = await evaluate(`new Promise((resolve) => {
      HTMLAnchorElement.prototype.click = function () { fetch(this.href).then((a) => a.arrayBuffer()).then((b) => resolve([this.download, b.byteLength, ...new Uint8Array(b).slice(1, 4)])); };
      document.getElementById('save').click();
    })`);
    page.check(saved[0] === 'digit.png' && saved[1] > 500 && String.fromCharCode(...saved.slice(2)) === 'PNG', 'the download is no PNG: ' + saved);

    const made = await evaluate(`(async () => {
      const { Rival } = await import('/shared/rival.js');
      const read = async (name) => (await fetch(name)).arrayBuffer();
      const rival = await Rival.load(await read('/shared/rival.wasm'));
      rival.give(await read('/digits/generator.safetensors'));
      const [latent, classes, height, width] = rival.call('digits_begin', 4), images = [];
      for (let k = 0; k < 10; ++k) {
        rival.give(rival.call('digits_draw', latent, k));
        images.push([...rival.call('digits_sample', height * width, 1, k)]);
      }
      rival.give(Float32Array.from([...rival.call('digits_draw', latent, 3), ...Array.from({ length: 10 }, (_, k) => k === 3 || k === 8 ? 0.5 : 0)]));
      images.push([...rival.call('digits_mix', height * width)]);
      return images;
    })()`);
    const native = readFileSync(samples, 'utf8').trim().split('\n').map((line) => line.split(' ').map(Number));
    let farthest = 0;
    native.forEach((image, k) => image.forEach((value, i) => { farthest = Math.max(farthest, Math.abs(value - made[k][i])); }));
    page.check(native.length === 11 && made.every((image) => image.length === 784), `expected 11 images of 784 pixels, got ${native.length}`);
    page.check(farthest <= 1e-4, `expected the native samples within 1e-4, got ${farthest}`);
    console.log(`${name}: the farthest pixel is ${farthest.toExponential(1)} from the native one`);
  }
  await page.close();
}

try {
  await useDigits('digits light', served + '/digits/', {}, true);
  await useDigits('digits phone dark', pathToFileURL(join(folder, 'digits.html')).href, { width: 390, dark: true }, false);
  await usePlayground('playground light', served + '/playground/', {}, true);
  await usePlayground('playground phone dark', pathToFileURL(join(folder, 'playground.html')).href, { width: 390, dark: true }, false);
} finally {
  await browser.close();
  server.close();
}
console.log(`${faults} faults`);
process.exit(faults > 0 ? 1 : 0);
