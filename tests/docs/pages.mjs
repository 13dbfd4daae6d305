// Opens pages of the site in Chromium, on a desktop and a phone, light and dark:
//
//   node pages.mjs PROGRAM SITE [FOLDER for screenshots]
import { createServer } from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';

import { Chromium } from '../browser/chromium.mjs';

const [program, site, shots] = process.argv.slice(2);
const types = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.png': 'image/png',
  '.woff2': 'font/woff2', '.json': 'application/json' };
const server = createServer(({ url }, response) => {
  const path = normalize(decodeURIComponent(new URL(url, 'http://site').pathname));
  try {
    const body = readFileSync(join(site, path));
    response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const home = `http://127.0.0.1:${server.address().port}/`;

let faults = 0;
const check = (good, what) => {
  if (!good) ++faults, console.log('fault: ' + what);
};
const pages = ['index.html', 'tutorials/first_gan.html', 'tutorials/reading_the_curves.html', 'layers/norms.html',
  'training/adversarial.html', 'gallery.html', 'performance.html', 'faq.html'];

const browser = new Chromium(program);
try {
  for (const [name, width, dark] of [['desktop', 1300, false], ['desktop_dark', 1300, true], ['phone', 390, false], ['phone_dark', 390, true]]) {
    const tab = await browser.tab();
    const { send, evaluate } = tab;
    const complaints = [];
    tab.on('Runtime.exceptionThrown', ({ exceptionDetails: e }) => complaints.push(e.exception?.description ?? e.text));
    tab.on('Network.requestWillBeSent', ({ request: { url } }) => {
      if (!url.startsWith(home) && !url.startsWith('data:') && !url.startsWith('blob:')) complaints.push('it asks for ' + url);
    });
    tab.on('Network.responseReceived', ({ response: { status, url } }) => {
      if (status >= 400 && !url.endsWith('/favicon.ico')) complaints.push(`${status} for ${url}`);
    });
    for (const domain of ['Page', 'Runtime', 'Network']) await send(domain + '.enable');
    await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    await send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 });
    // The theme keeps the choice of the first tab for the others.
    await send('Page.addScriptToEvaluateOnNewDocument', { source: 'localStorage.clear()' });
    for (const page of pages) {
      const said = (good, what) => check(good, `${page}, ${name}: ${what}`);
      const loaded = new Promise((resolve) => tab.on('Page.loadEventFired', resolve));
      await send('Page.navigate', { url: home + page });
      await loaded;
      await evaluate('new Promise((resolve) => setTimeout(resolve, 300))');
      const wide = await evaluate('document.documentElement.scrollWidth');
      said(wide <= width, `expected nothing wider than ${width} pixels, got ${wide}`);
      said(await evaluate(`document.body.dataset.mdColorScheme`) === (dark ? 'slate' : 'default'), 'expected the other colours');
      said(await evaluate(`[...document.querySelectorAll('article img')].every((image) => image.complete && image.naturalWidth > 0)`), 'a picture is missing');
      const formulas = await evaluate(`[...document.querySelectorAll('.arithmatex')].map((e) => e.querySelector('.katex') !== null)`);
      said(formulas.every((drawn) => drawn), 'a formula is not drawn');
      said(!page.startsWith('layers') || formulas.length > 10, `expected formulas, got ${formulas.length}`);
      said(complaints.length === 0, 'it complains: ' + complaints.splice(0).join('; '));
      if (shots) {
        mkdirSync(shots, { recursive: true });
        const height = Math.min(3000, await evaluate('document.documentElement.scrollHeight'));
        const { data } = await send('Page.captureScreenshot', { captureBeyondViewport: true, clip: { x: 0, y: 0, width, height, scale: 1 } });
        writeFileSync(join(shots, page.replace(/\W/g, '_') + '_' + name + '.png'), Buffer.from(data, 'base64'));
      }
    }
    if (name === 'desktop') {  // the search finds
      await evaluate(`{ const query = document.querySelector('[data-md-component=search-query]');
        document.querySelector('[data-md-toggle=search]').checked = true; query.focus(); query.value = 'spectral';
        query.dispatchEvent(new Event('keyup', { bubbles: true })); query.dispatchEvent(new Event('input', { bubbles: true })); }`);
      let found = [];
      for (let i = 0; i < 100 && found.length === 0; ++i) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        found = await evaluate(`[...document.querySelectorAll('.md-search-result__link')].map((link) => link.getAttribute('href'))`);
      }
      check(found.some((link) => link.includes('spectral_norm')), 'search: expected the page of spectral norm, got ' + found);
    }
  }
} finally {
  await browser.close();
  server.close();
}
console.log(`${4 * pages.length} pages, ${faults} faults`);
process.exit(faults > 0 ? 1 : 0);
