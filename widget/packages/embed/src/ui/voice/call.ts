import type { CallEnd, Speaker, VoiceClientFrame, VoiceServerFrame } from "@usher/protocol";

import { decode } from "./pcm.ts";
import { PlayQueue } from "./queue.ts";
import type { Sound } from "./sound.ts";

/** How long a lost line may be tried again before the call counts as over. */
const RETRY_MS = [500, 1_500, 3_000];
/** More sound than this in the socket's buffer is sound nobody wants to hear any more. */
const MAX_BACKLOG_BYTES = 64_000;
/** Captions kept on the screen. */
const CAPTIONS = 50;

export interface Caption {
  id: number;
  from: Speaker;
  text: string;
  final: boolean;
}

export type Phase =
  | { name: "connecting" }
  | { name: "live" }
  | { name: "reconnecting" }
  | { name: "ended"; reason: CallEnd | "lost"; detail: string | null };

export interface CallState {
  phase: Phase;
  muted: boolean;
  captions: readonly Caption[];
}

export interface CallOptions {
  url: string;
  sound: Sound;
  onChange(state: CallState): void;
  connect?(url: string): WebSocket;
}

/** One call through the browser: a socket with sound and frames both ways. The server keeps everything that matters. */
export class Call {
  readonly #options: CallOptions;
  #state: CallState = { phase: { name: "connecting" }, muted: false, captions: [] };
  #socket: WebSocket | null = null;
  #queue: PlayQueue | null = null;
  #listening = false;
  #tries = 0;
  #ids = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  get state(): CallState {
    return this.#state;
  }

  /** Whether the agent is being heard now. */
  get speaking(): boolean {
    return this.#queue?.busy ?? false;
  }

  start(): void {
    const connect = this.#options.connect ?? ((url: string) => new WebSocket(url));
    let socket: WebSocket;
    try {
      socket = connect(this.#options.url);
    } catch {
      // A host page's policy can forbid the address outright.
      this.#end("failed", null);
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket !== socket) return;
      if (typeof data === "string") this.#heard(JSON.parse(data) as VoiceServerFrame);
      else this.#queue?.add(decode(data as ArrayBuffer));
    });
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  mute(on: boolean): void {
    this.#set({ muted: on });
    this.#send({ type: "mute", on });
  }

  say(text: string): void {
    this.#send({ type: "text", text });
  }

  hangUp(): void {
    this.#send({ type: "hangup" });
    this.#end("contact_hung_up", null);
  }

  #heard(frame: VoiceServerFrame): void {
    switch (frame.type) {
      case "ready":
        this.#ready(frame.inputRate, frame.outputRate);
        break;
      case "caption":
        this.#caption(frame);
        break;
      case "clear":
        this.#queue?.clear();
        break;
      case "mark":
        this.#queue?.mark(frame.n);
        break;
      case "ended":
        this.#end(frame.reason, null);
        break;
      case "error":
        this.#end("failed", frame.detail || frame.title);
        break;
    }
  }

  #ready(inputRate: number, outputRate: number): void {
    const { sound } = this.#options;
    this.#tries = 0;
    this.#queue?.clear();
    this.#queue = new PlayQueue(sound.output(outputRate), outputRate, (n) => this.#send({ type: "mark", n }));
    this.#set({ phase: { name: "live" } });
    if (this.#state.muted) this.#send({ type: "mute", on: true });
    if (this.#listening) return;
    this.#listening = true;
    sound.listen(inputRate, (frame) => this.#speak(frame)).catch(() => this.#end("failed", null));
  }

  #speak(frame: Int16Array): void {
    const socket = this.#socket;
    if (this.#state.muted || this.#state.phase.name !== "live" || !socket) return;
    if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < MAX_BACKLOG_BYTES) {
      socket.send(frame.buffer as ArrayBuffer);
    }
  }

  #caption({ from, text, final }: { from: Speaker; text: string; final: boolean }): void {
    const captions = [...this.#state.captions];
    const open = captions.findLastIndex((caption) => caption.from === from && !caption.final);
    if (open >= 0) captions[open] = { ...(captions[open] as Caption), text, final };
    else captions.push({ id: (this.#ids += 1), from, text, final });
    this.#set({ captions: captions.slice(-CAPTIONS) });
  }

  #lost(): void {
    this.#socket = null;
    if (this.#state.phase.name === "ended") return;
    this.#queue?.clear();
    const pause = RETRY_MS[this.#tries];
    if (pause === undefined) {
      this.#end("lost", null);
      return;
    }
    this.#tries += 1;
    this.#set({ phase: { name: "reconnecting" } });
    this.#retry = setTimeout(() => this.start(), pause);
  }

  #end(reason: CallEnd | "lost", detail: string | null): void {
    if (this.#state.phase.name === "ended") return;
    clearTimeout(this.#retry);
    this.#queue?.clear();
    this.#set({ phase: { name: "ended", reason, detail } });
    this.#options.sound.close();
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #send(frame: VoiceClientFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #set(change: Partial<CallState>): void {
    this.#state = { ...this.#state, ...change };
    this.#options.onChange(this.#state);
  }
}
