// Runs the models that onnx_write_models wrote with onnxruntime, and compares what they make with what they made there:
//
//   node check.mjs FOLDER
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

// From where this is run: the packages do not lie beside this file.
const ort = createRequire(join(process.cwd(), 'package.json'))('onnxruntime-node');

const folder = process.argv[2];
const cases = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));

const numbers = new Uint8Array(readFileSync(join(folder, 'numbers.bin'))).buffer;

function read({ offset, type, shape }) {
  const Numbers = type === 'int64' ? BigInt64Array : Float32Array;
  const count = shape.reduce((product, extent) => product * extent, 1);
  const bytes = numbers.slice(offset, offset + count * Numbers.BYTES_PER_ELEMENT);
  return new ort.Tensor(type, new Numbers(bytes), shape);
}

// Both sides round sums in float, in different orders: relative to the largest number that a run makes (all outputs are
// sums of the same features) 1e-5 is some hundred roundings.
const tolerance = 1e-5;
let worst = 0, faults = 0, session, loaded;
for (const { model, inputs, outputs } of cases) {
  try {
    if (loaded !== model) {
      session = await ort.InferenceSession.create(join(folder, model), { logSeverityLevel: 2, intraOpNumThreads: 1 });
      loaded = model;
    }
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, read(tensor)]));
    const results = await session.run(feeds);
    if (Object.keys(results).sort().join() !== Object.keys(outputs).sort().join())
      throw new Error(`expected the outputs ${Object.keys(outputs)}, got ${Object.keys(results)}`);
    const size = Math.max(...Object.values(outputs).flatMap((tensor) => [...read(tensor).data].map(Math.abs)));
    for (const [name, tensor] of Object.entries(outputs)) {
      const expected = read(tensor), got = results[name];
      if (expected.dims.join('x') !== got.dims.join('x'))
        throw new Error(`${name}: expected ${expected.dims.join('x')}, got ${got.dims.join('x')}`);
      let apart = 0;
      for (let i = 0; i < got.data.length; ++i) {
        const d = Math.abs(expected.data[i] - got.data[i]);
        apart = d <= apart ? apart : d;  // NaN is kept
      }
      worst = Math.max(worst, apart / size);
      if (!(apart <= tolerance * size)) throw new Error(`${name}: ${apart} apart, the largest being ${size}`);
    }
  } catch (error) {
    ++faults;
    console.log(`${model}: ${error.message}`);
  }
}
console.log(`${cases.length} runs of onnxruntime, ${faults} faults, relative errors up to ${worst.toExponential(1)}`);
process.exit(faults > 0 || cases.length === 0 ? 1 : 0);
