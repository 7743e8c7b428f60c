import type { Output } from "./queue.ts";

/** Why there is no microphone. */
export type SoundFailure = "denied" | "missing" | "unsupported";

export class SoundError extends Error {
  readonly failure: SoundFailure;

  constructor(failure: SoundFailure, cause?: unknown) {
    super(`no microphone: ${failure}`, { cause });
    this.name = "SoundError";
    this.failure = failure;
  }
}

/** The browser's microphone and loudspeaker for one call. */
export interface Sound {
  /** How loud the microphone is now, 0 to 1. */
  level(): number;
  /** Sends frames of 20 ms, signed 16-bit samples at `rate`, to `onFrame` until the sound is closed. */
  listen(rate: number, onFrame: (frame: Int16Array) => void): Promise<void>;
  /** Where sound of `rate` samples per second is played. */
  output(rate: number): Output;
  close(): void;
}

/** Asks for the microphone. Call it from a click: browsers keep sound silent otherwise. */
export async function openSound(worklet: string): Promise<Sound> {
  if (!("AudioWorkletNode" in window) || !navigator.mediaDevices?.getUserMedia) {
    throw new SoundError("unsupported");
  }
  const context = new AudioContext({ latencyHint: "interactive" });
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    try {
      await Promise.all([context.audioWorklet.addModule(worklet), context.resume()]);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
    return new BrowserSound(context, stream);
  } catch (error) {
    void context.close();
    throw new SoundError(failureOf(error), error);
  }
}

function failureOf(error: unknown): SoundFailure {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "NotReadableError" || name === "OverconstrainedError")
    return "missing";
  return "unsupported";
}

class BrowserSound implements Sound {
  readonly #context: AudioContext;
  readonly #stream: MediaStream;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #meter: AnalyserNode;
  readonly #window: Float32Array<ArrayBuffer>;

  constructor(context: AudioContext, stream: MediaStream) {
    this.#context = context;
    this.#stream = stream;
    this.#source = context.createMediaStreamSource(stream);
    this.#meter = context.createAnalyser();
    this.#meter.fftSize = 512;
    this.#window = new Float32Array(this.#meter.fftSize);
    this.#source.connect(this.#meter);
  }

  level(): number {
    this.#meter.getFloatTimeDomainData(this.#window);
    const power = this.#window.reduce((sum, sample) => sum + sample * sample, 0) / this.#window.length;
    // From -60 dB to -10 dB is what speech uses.
    return Math.max(0, Math.min(1, (10 * Math.log10(power + 1e-9) + 60) / 50));
  }

  async listen(rate: number, onFrame: (frame: Int16Array) => void): Promise<void> {
    const node = new AudioWorkletNode(this.#context, "usher-microphone", {
      numberOfOutputs: 0,
      channelCount: 1,
      processorOptions: { rate },
    });
    node.port.onmessage = ({ data }) => onFrame(data as Int16Array);
    this.#source.connect(node);
  }

  output(rate: number): Output {
    const context = this.#context;
    return {
      now: () => context.currentTime,
      play(samples, at) {
        const buffer = context.createBuffer(1, samples.length, rate);
        buffer.copyToChannel(samples as Float32Array<ArrayBuffer>, 0);
        const source = context.createBufferSource();
        source.buffer = buffer;
        source.connect(context.destination);
        source.start(at);
        return () => source.stop();
      },
      after(at, then) {
        const timer = setTimeout(then, Math.max(0, (at - context.currentTime) * 1000));
        return () => clearTimeout(timer);
      },
    };
  }

  close(): void {
    for (const track of this.#stream.getTracks()) track.stop();
    void this.#context.close();
  }
}
