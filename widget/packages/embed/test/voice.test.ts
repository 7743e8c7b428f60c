import { describe, expect, it, vi } from "vitest";

import type { VoiceServerFrame } from "@usher/protocol";

import en from "../locales/voice.en.json";
import es from "../locales/voice.es.json";
import { Call, type CallState } from "../src/ui/voice/call.ts";
import { decode, Packer } from "../src/ui/voice/pcm.ts";
import { JITTER_SECONDS, PlayQueue, type Output } from "../src/ui/voice/queue.ts";
import type { Sound } from "../src/ui/voice/sound.ts";

/** A clock that moves when told, and a loudspeaker that writes down what it plays. */
class Studio implements Output {
  time = 0;
  played: { at: number; length: number; stopped: boolean }[] = [];
  #later: { at: number; act: () => void }[] = [];

  now(): number {
    return this.time;
  }

  play(samples: Float32Array, at: number): () => void {
    const piece = { at, length: samples.length, stopped: false };
    this.played.push(piece);
    return () => {
      piece.stopped = true;
    };
  }

  after(at: number, act: () => void): () => void {
    const entry = { at, act };
    this.#later.push(entry);
    return () => {
      this.#later = this.#later.filter((other) => other !== entry);
    };
  }

  pass(seconds: number): void {
    this.time += seconds;
    const due = this.#later.filter(({ at }) => at <= this.time);
    this.#later = this.#later.filter(({ at }) => at > this.time);
    for (const { act } of due) act();
  }
}

const RATE = 8_000;
const piece = (seconds: number): Float32Array => new Float32Array(RATE * seconds);

describe("the play queue", () => {
  it("plays pieces one after the other, without gap and without overlap", () => {
    const studio = new Studio();
    const queue = new PlayQueue(studio, RATE, () => undefined);
    for (const seconds of [0.5, 0.25, 0.5]) queue.add(piece(seconds));
    const starts = studio.played.map(({ at }) => at);
    expect(starts).toEqual([JITTER_SECONDS, JITTER_SECONDS + 0.5, JITTER_SECONDS + 0.75]);
  });

  it("keeps a little sound back again after it ran dry", () => {
    const studio = new Studio();
    const queue = new PlayQueue(studio, RATE, () => undefined);
    queue.add(piece(0.5));
    studio.pass(2);
    queue.add(piece(0.5));
    expect(studio.played[1]?.at).toBeCloseTo(2 + JITTER_SECONDS);
  });

  it("answers a mark when everything before it was played, and not earlier", () => {
    const studio = new Studio();
    const marks: number[] = [];
    const queue = new PlayQueue(studio, RATE, (n) => marks.push(n));
    queue.mark(1);
    expect(marks).toEqual([1]);
    queue.add(piece(0.5));
    queue.mark(2);
    queue.add(piece(0.5));
    queue.mark(3);
    studio.pass(0.5);
    expect(marks).toEqual([1]);
    studio.pass(0.1);
    expect(marks).toEqual([1, 2]);
    studio.pass(0.5);
    expect(marks).toEqual([1, 2, 3]);
  });

  it("throws everything away when the person speaks over it, and answers each waiting mark once", () => {
    const studio = new Studio();
    const marks: number[] = [];
    const queue = new PlayQueue(studio, RATE, (n) => marks.push(n));
    queue.add(piece(5));
    queue.mark(1);
    queue.clear();
    expect(marks).toEqual([1]);
    expect(studio.played[0]?.stopped).toBe(true);
    expect(queue.busy).toBe(false);
    studio.pass(10);
    expect(marks).toEqual([1]);
  });
});

describe("samples", () => {
  it("survive the way through a frame", () => {
    const frames: Int16Array[] = [];
    new Packer(16_000, 16_000, 4).push(Float32Array.from([0, 0.5, -0.5, 1]), (frame) => frames.push(frame));
    const [frame] = frames;
    const heard = Array.from(decode(frame?.buffer as ArrayBuffer), (sample) => Math.round(sample * 10) / 10);
    expect(heard).toEqual([0, 0.5, -0.5, 1]);
  });

  it.each([44_100, 48_000])("come at the wanted rate from %d, however they are cut", (from) => {
    const frames: Int16Array[] = [];
    const packer = new Packer(from, 16_000, 320);
    for (let sent = 0; sent < from; sent += 128) {
      packer.push(new Float32Array(Math.min(128, from - sent)), (frame) => frames.push(frame));
    }
    expect(frames.length).toBe(50);
  });
});

/** A socket in the hands of the test. */
class FakeSocket extends EventTarget {
  binaryType = "";
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  sent: unknown[] = [];

  send(data: unknown): void {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data);
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }

  says(frame: VoiceServerFrame): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
  }

  breaks(): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new Event("close"));
  }
}

function talk() {
  const studio = new Studio();
  const sockets: FakeSocket[] = [];
  let microphone: (frame: Int16Array) => void = () => undefined;
  let closed = 0;
  const sound: Sound = {
    level: () => 0,
    listen: (_rate, onFrame) => {
      microphone = onFrame;
      return Promise.resolve();
    },
    output: () => studio,
    close: () => (closed += 1),
  };
  const states: CallState[] = [];
  const call = new Call({
    url: "wss://usher.example/ws/widget/voice?session=s",
    sound,
    onChange: (state) => states.push(state),
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
  });
  call.start();
  const socket = (): FakeSocket => sockets.at(-1) as FakeSocket;
  return {
    call,
    states,
    sockets,
    socket,
    speak: () => microphone(new Int16Array(320)),
    closed: () => closed,
  };
}

describe("a call", () => {
  it("sends the microphone once the server is ready, and nothing while muted", () => {
    const { call, socket, speak } = talk();
    speak();
    expect(socket().sent).toEqual([]);
    socket().says({ type: "ready", inputRate: 16_000, outputRate: 16_000 });
    speak();
    expect(socket().sent).toHaveLength(1);
    call.mute(true);
    speak();
    expect(socket().sent.slice(1)).toEqual([{ type: "mute", on: true }]);
  });

  it("sends no sound that would arrive too late", () => {
    const { socket, speak } = talk();
    socket().says({ type: "ready", inputRate: 16_000, outputRate: 16_000 });
    socket().bufferedAmount = 1_000_000;
    speak();
    expect(socket().sent).toEqual([]);
  });

  it("replaces a caption that was not final and keeps one that was", () => {
    const { call, socket } = talk();
    const caption = (text: string, final: boolean) =>
      socket().says({ type: "caption", from: "client", text, final });
    caption("my na", false);
    caption("my name is Dana", true);
    caption("and", false);
    expect(call.state.captions.map(({ text }) => text)).toEqual(["my name is Dana", "and"]);
  });

  it("answers marks, at once after a clear", () => {
    const { socket } = talk();
    socket().says({ type: "ready", inputRate: 16_000, outputRate: 8_000 });
    socket().dispatchEvent(new MessageEvent("message", { data: new ArrayBuffer(16_000) }));
    socket().says({ type: "mark", n: 4 });
    expect(socket().sent).toEqual([]);
    socket().says({ type: "clear" });
    expect(socket().sent).toEqual([{ type: "mark", n: 4 }]);
  });

  it("dials again when the line breaks, and gives up after a while", () => {
    vi.useFakeTimers();
    const { call, socket, sockets, closed } = talk();
    socket().says({ type: "ready", inputRate: 16_000, outputRate: 16_000 });
    socket().breaks();
    expect(call.state.phase.name).toBe("reconnecting");
    vi.runAllTimers();
    socket().says({ type: "ready", inputRate: 16_000, outputRate: 16_000 });
    expect(call.state.phase.name).toBe("live");
    for (let line = 0; line < 4; line += 1) {
      socket().breaks();
      vi.runAllTimers();
    }
    expect(sockets).toHaveLength(5);
    expect(call.state.phase).toEqual({ name: "ended", reason: "lost", detail: null });
    expect(closed()).toBe(1);
    vi.useRealTimers();
  });

  it("ends once, whoever hangs up, and lets the microphone go", () => {
    const { call, socket, closed } = talk();
    socket().says({ type: "ready", inputRate: 16_000, outputRate: 16_000 });
    socket().says({ type: "ended", reason: "finished" });
    call.hangUp();
    expect(call.state.phase).toEqual({ name: "ended", reason: "finished", detail: null });
    expect(closed()).toBe(1);
  });

  it("says why it cannot be held", () => {
    const { call, socket } = talk();
    socket().says({
      type: "error",
      id: "busy",
      title: "Busy",
      detail: "All lines are busy.",
      retryable: true,
    });
    expect(call.state.phase).toEqual({ name: "ended", reason: "failed", detail: "All lines are busy." });
  });
});

it("speaks every language with the same sentences and the same places for values", () => {
  const places = (texts: Record<string, string>) =>
    Object.entries(texts).map(([key, text]) => [key, (text.match(/\{\w+\}/g) ?? []).sort()]);
  expect(places(es)).toEqual(places(en));
});
