// What the telephone plays: telephone audio from the simulator, as it comes.

const RATE = 8000;
/** Frames are played this much later than they arrive, so that a late one leaves no gap. */
const DELAY = 0.12;

/** The value of every byte of telephone audio. */
const SAMPLES = Float32Array.from({ length: 256 }, (_, byte) => {
  const inverted = ~byte & 0xff;
  const magnitude = ((((inverted & 0x0f) << 3) + 0x84) << ((inverted >> 4) & 7)) - 0x84;
  return (inverted & 0x80 ? -magnitude : magnitude) / 32768;
});

/** Plays one call until it ends or is stopped. */
export class Sound {
  #context = new AudioContext();
  #gain = this.#context.createGain();
  #stopped = new AbortController();
  #next = 0;

  constructor() {
    this.#gain.connect(this.#context.destination);
  }

  set muted(muted) {
    this.#gain.gain.value = muted ? 0 : 1;
  }

  async play(path) {
    try {
      const response = await fetch(path, { signal: this.#stopped.signal });
      if (!response.ok) return;
      const reader = response.body.getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) this.#add(piece.value);
    } catch (error) {
      if (error.name !== "AbortError") console.warn("The call cannot be heard here.", error);
    }
  }

  #add(bytes) {
    const buffer = this.#context.createBuffer(1, bytes.length, RATE);
    buffer.copyToChannel(
      Float32Array.from(bytes, (byte) => SAMPLES[byte]),
      0,
    );
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#gain);
    const now = this.#context.currentTime;
    // After a pause of the network the delay is built up again.
    if (this.#next < now) this.#next = now + DELAY;
    source.start(this.#next);
    this.#next += buffer.duration;
  }

  stop() {
    this.#stopped.abort();
    this.#context.close();
  }
}
