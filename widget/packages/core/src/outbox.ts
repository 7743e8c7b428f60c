import type { ProblemBody, ResponseReply, ResponseRequest } from "@usher/protocol";

import { ProblemError } from "./api.ts";
import { backoff } from "./backoff.ts";
import { newKey } from "./key.ts";
import type { KeyValue } from "./storage.ts";

/** What the person wants the server to know. */
export type Outgoing =
  | { kind: "answer"; field: string; value: unknown; display: string }
  | { kind: "skip"; field: string }
  | { kind: "text"; text: string };

/**
 * `queued` waits for its turn or for the network, `sending` is under way, `sent` is durable at the server but not
 * yet in the view, `failed` was given up after three tries until somebody or something asks again, `refused`
 * will never be taken.
 */
export type EntryState = "queued" | "sending" | "sent" | "failed" | "refused";

export interface Entry {
  /** The idempotency key: the same for every try, also after a reload. */
  key: string;
  order: number;
  body: Outgoing;
  state: EntryState;
  /** The turn that took it. */
  seq: number | null;
  problem: ProblemBody | null;
}

/** How the sending of one entry ended. */
export type Outcome =
  | { result: "accepted"; reply: ResponseReply }
  | { result: "refused"; problem: ProblemBody }
  | { result: "queued" };

export interface OutboxOptions {
  session: string;
  storage: KeyValue;
  send(request: Omit<ResponseRequest, "sessionId">): Promise<ResponseReply>;
  onChange(): void;
  /** The server will never take this one. Whoever added it may be gone: it can be from an earlier page. */
  onRefused?(entry: Entry, problem: ProblemBody): void;
  /** Runs `task` while no other tab of this browser runs one of the same session. */
  exclusive?(task: () => Promise<void>): Promise<void>;
  wait?(milliseconds: number): Promise<void>;
  newKey?(): string;
  now?(): number;
}

const TRIES = 3;

/** Inputs on their way to the server: kept on disk until acknowledged, sent one by one in the order they were given. */
export class Outbox {
  #entries: Entry[] = [];
  #flushing: Promise<void> | null = null;
  #again = false;
  readonly #options: Required<OutboxOptions>;
  readonly #waiting = new Map<string, (outcome: Outcome) => void>();
  /** Keys of entries that the disk refused: they live as long as the page. */
  readonly #unkept = new Set<string>();

  constructor(options: OutboxOptions) {
    this.#options = {
      exclusive: (task) => task(),
      wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      newKey,
      now: () => Date.now(),
      onRefused: () => undefined,
      ...options,
    };
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Takes back what an earlier page could not send. */
  async restore(): Promise<void> {
    const known = new Set(this.#entries.map((entry) => entry.key));
    const stored = (await this.#options.storage.list(this.#path(""))) as Entry[];
    const restored = stored.filter((entry) => !known.has(entry.key));
    this.#entries = [...restored, ...this.#entries].sort((left, right) => left.order - right.order);
    this.#options.onChange();
  }

  /** Keeps `body` and starts to send it; resolves when it is accepted, refused, or left waiting for the network. */
  async add(body: Outgoing): Promise<Outcome> {
    const last = this.#entries.at(-1)?.order ?? 0;
    const entry: Entry = {
      key: this.#options.newKey(),
      order: Math.max(this.#options.now(), last + 1),
      body,
      state: "queued",
      seq: null,
      problem: null,
    };
    const outcome = new Promise<Outcome>((resolve) => this.#waiting.set(entry.key, resolve));
    // On disk before it is in the list: `#drain` takes what is listed but not on disk for sent by another tab.
    await this.#keep(entry);
    this.#entries = [...this.#entries, entry];
    this.#options.onChange();
    void this.flush();
    return outcome;
  }

  /** Sends what waits. Called when the network, the socket or the page comes back, and by "try again". */
  flush(): Promise<void> {
    this.#again = true;
    this.#flushing ??= this.#run();
    return this.#flushing;
  }

  async #run(): Promise<void> {
    try {
      do {
        this.#again = false;
        await this.#options.exclusive(() => this.#drain());
      } while (this.#again);
    } finally {
      this.#flushing = null;
    }
  }

  /** Forgets an entry that the person gave up. */
  async discard(key: string): Promise<void> {
    this.#drop(key);
    await this.#forget(key);
  }

  /** Forgets the sent entries that a view of turn `seq` contains. */
  settle(seq: number): void {
    this.#entries = this.#entries.filter((entry) => entry.state !== "sent" || (entry.seq ?? 0) > seq);
  }

  async #drain(): Promise<void> {
    for (;;) {
      const entry = this.#entries.find(({ state }) => state === "queued" || state === "failed");
      if (!entry) return;
      if (!(await this.#stored(entry.key))) {
        this.#drop(entry.key);
        continue;
      }
      const outcome = await this.#send(entry);
      this.#waiting.get(entry.key)?.(outcome);
      this.#waiting.delete(entry.key);
      if (outcome.result === "queued") {
        this.#releaseWaiting();
        return;
      }
    }
  }

  async #send(entry: Entry): Promise<Outcome> {
    for (let attempt = 0; ; attempt += 1) {
      this.#change(entry.key, { state: "sending", problem: null });
      try {
        const reply = await this.#options.send(requestOf(entry));
        await this.#forget(entry.key);
        this.#change(entry.key, { state: "sent", seq: reply.seq });
        return { result: "accepted", reply };
      } catch (error) {
        const problem = error instanceof ProblemError ? error.problem : null;
        if (problem && !problem.retryable) {
          await this.#forget(entry.key);
          this.#change(entry.key, { state: "refused", problem });
          this.#options.onRefused(entry, problem);
          return { result: "refused", problem };
        }
        if (attempt + 1 >= TRIES || isOffline()) {
          this.#change(entry.key, { state: problem ? "failed" : "queued", problem });
          return { result: "queued" };
        }
        const asked = error instanceof ProblemError ? (error.retryAfter ?? 0) : 0;
        await this.#options.wait(Math.max(asked, backoff(attempt)));
      }
    }
  }

  /** What stands behind an entry that cannot leave now cannot leave either; nobody should wait for it. */
  #releaseWaiting(): void {
    for (const resolve of this.#waiting.values()) resolve({ result: "queued" });
    this.#waiting.clear();
  }

  #change(key: string, change: Partial<Entry>): void {
    this.#entries = this.#entries.map((entry) => (entry.key === key ? { ...entry, ...change } : entry));
    this.#options.onChange();
  }

  #drop(key: string): void {
    this.#entries = this.#entries.filter((entry) => entry.key !== key);
    this.#options.onChange();
  }

  #path(key: string): string {
    return `out:${this.#options.session}:${key}`;
  }

  async #keep(entry: Entry): Promise<void> {
    await this.#options.storage.put(this.#path(entry.key), entry).catch(() => this.#unkept.add(entry.key));
  }

  async #forget(key: string): Promise<void> {
    await this.#options.storage.remove(this.#path(key)).catch(() => undefined);
  }

  async #stored(key: string): Promise<boolean> {
    if (this.#unkept.has(key)) return true;
    const value = await this.#options.storage.get(this.#path(key)).catch(() => key);
    return value !== undefined;
  }
}

function isOffline(): boolean {
  return navigator.onLine === false;
}

function requestOf({ key, body }: Entry): Omit<ResponseRequest, "sessionId"> {
  switch (body.kind) {
    case "answer":
      return { field: body.field, value: body.value, idempotencyKey: key };
    case "skip":
      return { field: body.field, skip: true, idempotencyKey: key };
    case "text":
      return { text: body.text, idempotencyKey: key };
  }
}
