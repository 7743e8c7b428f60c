/** Samples between -1 and 1 of signed 16-bit little-endian sound; a last odd byte is left out. */
export function decode(bytes: ArrayBuffer): Float32Array {
  const view = new DataView(bytes);
  const samples = new Float32Array(bytes.byteLength >> 1);
  for (let index = 0; index < samples.length; index += 1) {
    samples[index] = view.getInt16(index * 2, true) / 32768;
  }
  return samples;
}

/** Brings sound to another rate and packs it into frames of a fixed length. Keeps its place between calls. */
export class Packer {
  readonly #from: number;
  readonly #to: number;
  readonly #frame: Int16Array;
  #filled = 0;
  #sum = 0;
  #count = 0;
  #position = 0;

  /** `from` and `to` in samples per second, `from` not below `to`; `size` samples make a frame. */
  constructor(from: number, to: number, size: number) {
    this.#from = from;
    this.#to = to;
    this.#frame = new Int16Array(size);
  }

  /** Calls `ready` with every frame that is full. The mean of what falls together keeps high tones from folding down. */
  push(samples: Float32Array, ready: (frame: Int16Array) => void): void {
    for (const sample of samples) {
      this.#sum += sample;
      this.#count += 1;
      // Whole numbers: a fraction would drift away over a long call.
      this.#position += this.#to;
      if (this.#position < this.#from) continue;
      this.#position -= this.#from;
      const mean = Math.max(-1, Math.min(1, this.#sum / this.#count));
      this.#frame[this.#filled] = Math.round(mean * 32767);
      this.#filled += 1;
      this.#sum = 0;
      this.#count = 0;
      if (this.#filled === this.#frame.length) {
        ready(this.#frame.slice());
        this.#filled = 0;
      }
    }
  }
}
