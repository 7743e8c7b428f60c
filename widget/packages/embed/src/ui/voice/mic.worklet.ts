import { Packer } from "./pcm.ts";

declare const sampleRate: number;
declare const registerProcessor: (name: string, processor: unknown) => void;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

/** Twenty milliseconds: what telephones send at a time. */
const FRAMES_PER_SECOND = 50;

/** Hands the microphone over in frames of 20 ms at the rate the server asked for. */
class Microphone extends AudioWorkletProcessor {
  readonly #packer: Packer;

  constructor(options: { processorOptions: { rate: number } }) {
    super();
    const { rate } = options.processorOptions;
    this.#packer = new Packer(sampleRate, rate, Math.round(rate / FRAMES_PER_SECOND));
  }

  process([input]: Float32Array[][]): boolean {
    const channel = input?.[0];
    if (channel) this.#packer.push(channel, (frame) => this.port.postMessage(frame, [frame.buffer]));
    return true;
  }
}

registerProcessor("usher-microphone", Microphone);
