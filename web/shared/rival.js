// The library as WebAssembly. Its functions are those of module/exports.cpp.

export class Rival {
  #exports;

  /// Of the bytes of rival.wasm.
  static async load(bytes) {
    const rival = new Rival();
    const memory = () => new DataView(rival.#exports.memory.buffer);
    // What a program without files, clock and environment still asks its system for.
    const system = {
      proc_exit(code) { throw new Error(`the module has ended with code ${code}`); },
      environ_sizes_get(count, size) { memory().setUint32(count, 0, true); memory().setUint32(size, 0, true); return 0; },
      fd_write(file, parts, count, written) {
        let sum = 0;
        for (let i = 0; i < count; ++i) sum += memory().getUint32(parts + 8 * i + 4, true);
        memory().setUint32(written, sum, true);
        return 0;
      },
    };
    const module = await WebAssembly.compile(bytes);
    const imports = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] = system[name] ?? (() => 0);
    }
    rival.#exports = (await WebAssembly.instantiate(module, imports)).exports;
    rival.#exports._initialize();
    return rival;
  }

  /// Hands bytes, or an array of numbers, or a text to the next call.
  give(argument) {
    const bytes = typeof argument === 'string' ? new TextEncoder().encode(argument)
      : new Uint8Array(argument.buffer ?? argument, argument.byteOffset ?? 0, argument.byteLength);
    const place = this.#exports.argument(bytes.length);
    new Uint8Array(this.#exports.memory.buffer).set(bytes, place);
  }

  /// Calls a function, and returns a copy of its first `count` numbers. Throws what the library throws.
  call(name, count, ...rest) {
    const place = this.#exports[name](...rest);
    const memory = this.#exports.memory.buffer;
    if (place !== 0) return new Float32Array(memory, place, count).slice();
    const bytes = new Uint8Array(memory), from = this.#exports.failure();
    throw new Error(new TextDecoder().decode(bytes.slice(from, bytes.indexOf(0, from))));
  }
}
