// Opens the page that write_page wrote in Chromium, and uses it:
//
//   node check.mjs PROGRAM PAGE.html [FOLDER for screenshots]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { Chromium } from './chromium.mjs';

const [program, file, shots] = process.argv.slice(2);
const url = pathToFileURL(file).href;
let faults = 0;
const check = (good, what) => {
  if (!good) ++faults, console.log('fault: ' + what);
};

const browser = new Chromium(program);
try {
  for (const [name, width, dark, script] of
    [['light', 1280, false, true], ['dark', 1280, true, true], ['phone', 360, true, true], ['no script', 360, false, false]]) {
    const tab = await browser.tab();
    const { send, evaluate } = tab;
    const complaints = [], requests = [];
    tab.on('Runtime.exceptionThrown', ({ exceptionDetails: e }) => complaints.push(e.exception?.description ?? e.text));
    tab.on('Runtime.consoleAPICalled', ({ type, args }) => complaints.push(type + ' ' + args.map((a) => a.value).join(' ')));
    tab.on('Log.entryAdded', ({ entry }) => complaints.push(entry.text));
    tab.on('Network.requestWillBeSent', ({ request }) => requests.push(request.url));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(domain + '.enable');
    await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    await send('Emulation.setDeviceMetricsOverride', { width, height: 800, deviceScaleFactor: 1, mobile: width < 600 });
    await send('Emulation.setScriptExecutionDisabled', { value: !script });
    const loaded = new Promise((resolve) => tab.on('Page.loadEventFired', resolve));
    const begin = Date.now();
    await send('Page.navigate', { url });
    await loaded;
    const said = (good, what) => check(good, `${name}: ${what}`);
    const seconds = (Date.now() - begin) / 1000;
    said(seconds < 10, `expected it to open in a moment, took ${seconds} s`);
    const layout = await send('Page.getLayoutMetrics');
    said(layout.cssContentSize.width <= width, `expected nothing wider than ${width} pixels, got ${layout.cssContentSize.width}`);
    if (shots) {
      mkdirSync(shots, { recursive: true });
      const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true,
        clip: { x: 0, y: 0, width, height: layout.cssContentSize.height, scale: 1 } });
      writeFileSync(join(shots, name.replace(' ', '_') + '.png'), Buffer.from(data, 'base64'));
    }

    if (script) {
      // Texts are texts, however they look.
      said(await evaluate('document.title') === 'toy </script>"><b>x\ufffd', 'the title is another: ' + await evaluate('document.title'));
      said(await evaluate(`document.querySelectorAll('b').length`) === 2, 'expected the warnings\' names as the only <b>');
      said(await evaluate(`[...document.querySelectorAll('.plain td')].some((cell) => cell.textContent === '</td></table><script>alert(1)</script>')`),
        'a setting is not shown as it is');

      // The slider.
      const source = () => evaluate(`document.querySelector('.frames img').src`);
      const step = () => evaluate(`document.querySelector('.frames output').textContent`);
      const last = await source();
      said(await step() === 'step 900', 'expected the last frame first, got ' + await step());
      await evaluate(`{ const slider = document.querySelector('.frames input'); slider.value = 0; slider.dispatchEvent(new Event('input')); }`);
      said(await source() !== last && await step() === 'step 0', 'the slider shows no other picture; ' + await step());
      said(await evaluate(`document.querySelector('.frames img').decode().then(() => true, () => false)`), 'the picture is none');
      await evaluate(`document.querySelector('.frames button').click()`);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      said(await step() !== 'step 0', 'the button plays nothing');

      // Hovering shows values. The second chart has five points, the third of them a gap.
      const charts = await evaluate(`document.querySelectorAll('section.curves .u-over').length`);
      said(charts === 2, `expected 2 charts, got ${charts}`);
      const hover = async (number, share) => {
        await evaluate(`document.querySelectorAll('section.curves')[${number}].scrollIntoView({block: 'center'})`);
        const { x, y, width: w, height: h } =
          await evaluate(`document.querySelectorAll('section.curves .u-over')[${number}].getBoundingClientRect().toJSON()`);
        await send('Input.dispatchMouseEvent', { type: 'mouseMoved', x: x + share * (w - 1), y: y + h / 2 });
        await evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
        return evaluate(`[...document.querySelectorAll('section.curves')[${number}].querySelectorAll('.u-series:not(.unseen)')].map((row) => row.innerText.replace(/\\s+/g, ' ').trim()).join(' | ')`);
      };
      const short = await hover(1, 1);
      said(/step:? ?500 \| distance <\/script>:? ?8$/.test(short), 'the values under the pointer: ' + short);
      const long = await hover(0, 0.5);
      said(/step:? ?(49|50),\d{3} \| discriminator:? ?-?[\d.]+ \(mean 0\.\d+\) \| generator:? ?-?[\d.]+ \(mean 1\.\d+\)$/.test(long),
        'the values under the pointer: ' + long);

      const gap = await hover(0, 0.225);
      said(/discriminator:? ?[\d.]+ .* generator:? ?\u2013$/.test(gap), 'the values under the pointer in a gap: ' + gap);

      // Linear and logarithmic; what is drawn is seen in its colour.
      const painted = (number) => evaluate(`(() => {
        const canvas = document.querySelectorAll('section.curves canvas')[${number}];
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let sum = 0, count = 0;
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 0) ++count, sum = (sum * 31 + data[i] + data[i + 1] + i) % 1000003;
        return [count, sum];
      })()`);
      for (const number of [0, 1]) {
        const [count, linear] = await painted(number);
        said(count > 1000, `chart ${number} is empty: ${count} pixels`);
        const press = `document.querySelectorAll('section.curves button')[${number}].click()`;
        await evaluate(press);
        const [more, logarithmic] = await painted(number);
        said(more > 1000 && logarithmic !== linear, `chart ${number} has no logarithmic axis`);
        await evaluate(press);
        said((await painted(number))[1] === linear, `chart ${number} does not come back to its linear axis`);
      }
      said(await evaluate(`getComputedStyle(document.body).backgroundColor`) === (dark ? 'rgb(18, 20, 22)' : 'rgb(255, 255, 255)'),
        'the background is ' + await evaluate(`getComputedStyle(document.body).backgroundColor`));
    } else {
      // Pictures, bars and tables are there all the same; scripts of the protocol itself run.
      await send('Emulation.setScriptExecutionDisabled', { value: false });
      said(await evaluate(`[...document.querySelectorAll('img')].every((image) => image.complete && image.naturalWidth > 0)`), 'a picture is missing');
      said(await evaluate(`document.querySelectorAll('.u-over').length`) === 0, 'a script has run');
      said(await evaluate(`document.querySelectorAll('table').length === 2 && document.querySelectorAll('.bars i').length > 2`), 'tables or bars are missing');
    }
    const away = requests.filter((request) => request !== url && !request.startsWith('data:'));
    said(away.length === 0, 'it asks for ' + away);
    said(complaints.length === 0, 'it complains: ' + complaints.join('; '));
    console.log(`${name}: opened in ${seconds} s`);
  }
} finally {
  await browser.close();
}
console.log(`${faults} faults`);
process.exit(faults > 0 ? 1 : 0);
