// Draws avatars of DiceBear's style "pixel-art" as PNG files of 32 x 32 pixels, and writes what each shows to labels.csv:
// the kind (all four of the others together), skin, hair, glasses, hat.
//
// usage: node make.mjs COUNT FOLDER       (after npm ci in this folder; ./scripts/image_gan --demo does both)
import { createAvatar } from '@dicebear/core';
import * as pixelArt from '@dicebear/pixel-art';
import { Resvg } from '@resvg/resvg-js';
import { mkdirSync, writeFileSync } from 'node:fs';

const [count, folder] = [Number(process.argv[2]), process.argv[3]];
mkdirSync(folder, { recursive: true });
const colours = new Map();  // a short name for each colour, in the order in which the style lists them
for (const part of ['skin', 'hair'])
  pixelArt.schema.properties[`${part}Color`].default.forEach((colour, i) => colours.set(`${part}#${colour}`, `${part}${i}`));

const lines = ['file,kind,skin,hair,glasses,hat'];
for (let seed = 0; seed < count; ++seed) {
  const { svg, extra } = createAvatar(pixelArt, { seed: String(seed), size: 32, backgroundColor: ['ffffff'] }).toJson();
  const file = `${String(seed).padStart(5, '0')}.png`;
  writeFileSync(`${folder}/${file}`, new Resvg(svg, { fitTo: { mode: 'width', value: 32 } }).render().asPng());
  const shown = [colours.get(`skin${extra.skinColor}`), colours.get(`hair${extra.hairColor}`),
                 extra.glasses ? 'glasses' : 'none', extra.hat ? 'hat' : 'none'];
  const kind = [shown[0], shown[1], extra.glasses ? 'g' : '-', extra.hat ? 'h' : '-'].join('');
  lines.push([file, kind, ...shown].join(','));
  if (process.stderr.isTTY && seed % 500 === 0) process.stderr.write(`\rdrawing avatars ${seed} of ${count}`);
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
writeFileSync(`${folder}/labels.csv`, lines.join('\n') + '\n');
