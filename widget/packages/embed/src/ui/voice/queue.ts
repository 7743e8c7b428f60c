/** What of the browser's audio the queue needs; times are seconds of one clock. */
export interface Output {
  now(): number;
  /** Plays samples from `at` on; returns how to stop them. */
  play(samples: Float32Array, at: number): () => void;
  /** Calls `then` at `at`. */
  after(at: number, then: () => void): () => void;
}

/** How much sound is kept back when the queue was empty, so that late packets leave no hole. */
export const JITTER_SECONDS = 0.08;

/**
 * Plays sound in the order it came, without gaps and without overlap, and answers a mark when everything before it was
 * played, or thrown away by {@link clear}.
 */
export class PlayQueue {
  readonly #output: Output;
  readonly #rate: number;
  readonly #onMark: (n: number) => void;
  #end = 0;
  #stops = new Set<() => void>();
  #marks = new Map<number, () => void>();

  constructor(output: Output, rate: number, onMark: (n: number) => void) {
    this.#output = output;
    this.#rate = rate;
    this.#onMark = onMark;
  }

  /** Whether sound is being played. */
  get busy(): boolean {
    return this.#end > this.#output.now();
  }

  add(samples: Float32Array): void {
    const now = this.#output.now();
    const start = this.#end > now ? this.#end : now + JITTER_SECONDS;
    this.#end = start + samples.length / this.#rate;
    const stop = this.#output.play(samples, start);
    this.#stops.add(stop);
    this.#output.after(this.#end, () => this.#stops.delete(stop));
  }

  mark(n: number): void {
    if (!this.busy) {
      this.#onMark(n);
      return;
    }
    const cancel = this.#output.after(this.#end, () => {
      this.#marks.delete(n);
      this.#onMark(n);
    });
    this.#marks.set(n, cancel);
  }

  /** The person spoke over it: nothing of what waits is played, and every mark that waits is answered. */
  clear(): void {
    for (const stop of this.#stops) stop();
    this.#stops.clear();
    this.#end = 0;
    const waiting = [...this.#marks];
    this.#marks.clear();
    for (const [n, cancel] of waiting) {
      cancel();
      this.#onMark(n);
    }
  }
}
