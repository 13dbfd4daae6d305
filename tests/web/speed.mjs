// How fast the playground's module trains, in steps a second of one core's time: node speed.mjs rival.wasm
import { readFileSync } from 'node:fs';
import { Rival } from '../../web/shared/rival.js';

const rival = await Rival.load(readFileSync(process.argv[2]));
const ring = Float32Array.from({ length: 16 }, (_, i) => (i % 2 ? Math.sin : Math.cos)((i >> 1) * Math.PI / 4));
for (const settings of [{}, { r1: 0, r2: 0, loss: 'non-saturating' }]) {
  rival.give(JSON.stringify(settings));
  rival.call('playground_begin', 0);
  rival.give(ring);
  rival.call('playground_data', 0, 8, 0.04);
  const steps = (count) => {
    for (let i = 0; i < count; ++i) rival.call('playground_step', 0);
  };
  steps(200);
  const before = process.cpuUsage();
  steps(1000);
  const { user, system } = process.cpuUsage(before);
  console.log(`${JSON.stringify(settings)}: ${Math.round(1e9 / (user + system))} steps a second`);
}
