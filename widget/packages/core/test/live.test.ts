import type { ServerFrame } from "@usher/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { backoff } from "../src/backoff.ts";
import { type Connection, Live } from "../src/live.ts";
import { live } from "./fixtures.ts";

/** A socket whose other end is the test. */
class FakeSocket extends EventTarget {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readonly sent: unknown[] = [];
  readyState = 1;
  readonly url: string;

  constructor(url: string) {
    super();
    this.url = url;
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.readyState = 3;
  }

  hear(frame: ServerFrame): void {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
  }

  drop(): void {
    this.readyState = 3;
    this.dispatchEvent(new Event("close"));
  }
}

const poll = vi.fn(async () => undefined);
let states: Connection[] = [];
let frames: ServerFrame[] = [];
let connection: Live;
const newest = (): FakeSocket => FakeSocket.all.at(-1) as FakeSocket;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  states = [];
  frames = [];
  poll.mockClear();
  connection = new Live({
    url: () => `ws://host/ws/widget?since=${frames.length}`,
    onFrame: (frame) => frames.push(frame),
    onConnection: (state) => states.push(state),
    poll,
    random: () => 1,
  });
});

afterEach(() => {
  connection.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the live connection", () => {
  it("is live when the server greets, and acknowledges", () => {
    connection.start();
    newest().hear({ type: "hello", seq: 3 });
    expect(states).toEqual(["connecting", "live"]);
    connection.acknowledge(3);
    expect(newest().sent).toEqual([{ type: "ack", seq: 3 }]);
  });

  it("comes back after a loss, resuming after what it has", () => {
    connection.start();
    newest().hear({ type: "hello", seq: 0 });
    newest().hear({ type: "turn", seq: 1, view: live(1, []), transcript: [] });
    newest().drop();
    expect(states.at(-1)).toBe("offline");
    vi.advanceTimersByTime(backoff(0, () => 1));
    expect(FakeSocket.all).toHaveLength(2);
    expect(newest().url).toContain("since=2");
  });

  it("waits longer after every failure, from half a second to half a minute", () => {
    const waits = [0, 1, 2, 3, 4, 5, 6, 7].map((attempt) => [
      backoff(attempt, () => 0),
      backoff(attempt, () => 1),
    ]);
    expect(waits[0]).toEqual([500, 1000]);
    expect(waits.at(-1)).toEqual([15_000, 30_000]);
  });

  it("polls while sockets do not get through, and stops when they do", async () => {
    connection.start();
    newest().drop();
    await vi.advanceTimersByTimeAsync(1_000);
    newest().drop();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(poll).toHaveBeenCalled();
    newest().hear({ type: "hello", seq: 0 });
    poll.mockClear();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(poll).not.toHaveBeenCalled();
  });

  it("notices a peer that is gone without a word", () => {
    connection.start();
    newest().hear({ type: "hello", seq: 0 });
    vi.advanceTimersByTime(25_000);
    expect(newest().sent).toEqual([{ type: "ping" }]);
    vi.advanceTimersByTime(10_000);
    expect(states.at(-1)).toBe("offline");
  });

  it("connects at once when the network comes back", () => {
    connection.start();
    newest().drop();
    connection.kick();
    expect(FakeSocket.all).toHaveLength(2);
  });

  it("stays silent after it was stopped", () => {
    connection.start();
    connection.stop();
    vi.advanceTimersByTime(120_000);
    expect(FakeSocket.all).toHaveLength(1);
  });
});
