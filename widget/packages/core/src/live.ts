import type { ClientFrame, ServerFrame } from "@usher/protocol";

import { backoff } from "./backoff.ts";

export type Connection = "connecting" | "live" | "offline";

export interface LiveOptions {
  /** The socket's address, resuming after the newest turn that is known. */
  url(): string;
  onFrame(frame: ServerFrame): void;
  onConnection(connection: Connection): void;
  /** Asks by HTTP instead, while sockets do not get through. */
  poll(): Promise<void>;
  random?(): number;
}

const PING_MS = 25_000;
const SILENCE_MS = 10_000;
const POLL_MS = 5_000;
/** Failed connections in a row after which polling starts. */
const POLL_AFTER = 2;

/** Keeps one socket open: reconnects with growing pauses, notices dead peers, polls when sockets are blocked. */
export class Live {
  #socket: WebSocket | null = null;
  #failures = 0;
  #stopped = false;
  #reconnect: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setTimeout> | undefined;
  #polling: ReturnType<typeof setTimeout> | undefined;
  readonly #options: LiveOptions;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = false;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#reconnect);
    clearTimeout(this.#polling);
    this.#polling = undefined;
    this.#hangUp();
  }

  /** The network or the page came back: no reason to sit out the pause. */
  kick(): void {
    if (this.#stopped || this.#socket) return;
    this.#failures = 0;
    clearTimeout(this.#reconnect);
    this.#connect();
  }

  /** Tells the server how far this browser has read. */
  acknowledge(seq: number): void {
    this.#send({ type: "ack", seq });
  }

  #connect(): void {
    this.#options.onConnection("connecting");
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.#options.url());
    } catch {
      // A host page's policy can forbid the address outright.
      this.#failed();
      return;
    }
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#heard(socket, event.data));
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#failed();
    });
    this.#watch(SILENCE_MS, () => this.#lost());
  }

  #heard(socket: WebSocket, data: unknown): void {
    if (this.#socket !== socket || typeof data !== "string") return;
    const frame = JSON.parse(data) as ServerFrame;
    this.#watch(PING_MS, () => {
      this.#send({ type: "ping" });
      this.#watch(SILENCE_MS, () => this.#lost());
    });
    if (frame.type === "hello") {
      this.#failures = 0;
      clearTimeout(this.#polling);
      this.#polling = undefined;
      this.#options.onConnection("live");
    }
    this.#options.onFrame(frame);
  }

  #watch(milliseconds: number, then: () => void): void {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(then, milliseconds);
  }

  #lost(): void {
    this.#hangUp();
    this.#failed();
  }

  #hangUp(): void {
    clearTimeout(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #failed(): void {
    this.#hangUp();
    if (this.#stopped) return;
    this.#options.onConnection("offline");
    const pause = backoff(this.#failures, this.#options.random);
    this.#failures += 1;
    this.#reconnect = setTimeout(() => this.#connect(), pause);
    if (this.#failures >= POLL_AFTER && this.#polling === undefined) this.#poll();
  }

  #poll(): void {
    this.#polling = setTimeout(() => {
      if (document.visibilityState === "hidden") {
        this.#poll();
        return;
      }
      void this.#options.poll().finally(() => {
        if (!this.#stopped && this.#polling !== undefined) this.#poll();
      });
    }, POLL_MS);
  }

  #send(frame: ClientFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }
}
