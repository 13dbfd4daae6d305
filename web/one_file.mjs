// Makes a page one file, which opens from a disk, too: node one_file.mjs FOLDER/index.html TO.html
//
// Style sheets and the script are put into the page; what a script imports, starts as a worker or fetches becomes a data: URL.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

const [page, to] = process.argv.slice(2);
const types = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.safetensors': 'application/octet-stream' };

function script(file) {
  const url = (name) => dataUrl(join(dirname(file), name));
  return readFileSync(file, 'utf8')
    .replace(/\bfrom '(\.[^']+)'/g, (_, name) => `from '${url(name)}'`)
    .replace(/new URL\('(\.[^']+)', import\.meta\.url\)/g, (_, name) => `'${url(name)}'`);
}
function dataUrl(file) {
  const bytes = extname(file) === '.js' ? Buffer.from(script(file)) : readFileSync(file);
  return `data:${types[extname(file)]};base64,${bytes.toString('base64')}`;
}

const at = (name) => join(dirname(page), name);
const html = readFileSync(page, 'utf8')
  .replace(/<link rel="stylesheet" href="([^"]+)">/g, (_, name) => `<style>\n${readFileSync(at(name), 'utf8')}</style>`)
  .replace(/<script type="module" src="([^"]+)"><\/script>/g, (_, name) => `<script type="module">\n${script(at(name))}</script>`)
  .replace(/href="\.\.\/([a-z]+)\/"/g, 'href="$1.html"');
writeFileSync(to, html);
