import type { ProblemBody, ServerFrame, SessionResponse, TranscriptLine } from "@usher/protocol";

import { Api, ProblemError } from "./api.ts";
import { withoutSecrets } from "./derive.ts";
import { type Connection, Live } from "./live.ts";
import { type Entry, Outbox, type Outcome, type Outgoing } from "./outbox.ts";
import { leave, memory, openStorage, take, type KeyValue } from "./storage.ts";
import { exclusively, Tabs } from "./tabs.ts";

/** Why there is nothing to show. `expired` and `forbidden` are final; the others are worth another try. */
export interface Failure {
  kind: "expired" | "forbidden" | "unreachable" | "problem";
  detail: string;
  correlationId: string;
}

/** A refusal of what was entered for one field, with what was entered. */
export interface Refusal {
  message: string;
  value: unknown;
}

export interface State {
  view: SessionResponse | null;
  failure: Failure | null;
  connection: Connection;
  /** Inputs on their way. */
  entries: readonly Entry[];
  /** By field. */
  refusals: Readonly<Record<string, Refusal>>;
}

/** What a host page may want to know. Never the answers themselves: its other scripts need not see them. */
export type Notice =
  | {
      name: "message";
      detail: { from: TranscriptLine["from"]; channel: TranscriptLine["channel"]; seq: number };
    }
  | { name: "answer"; detail: { field: string; channel: TranscriptLine["channel"]; seq: number } }
  | { name: "complete"; detail: { seq: number } }
  | { name: "error"; detail: { kind: Failure["kind"]; correlationId: string } };

type TabMessage = { kind: "frame"; frame: ServerFrame } | { kind: "connection"; connection: Connection };

/** How long the socket may take to bring the turn that a reply has promised. */
const CATCH_UP_MS = 1_500;
const SAVE_MS = 300;

/** One session as this page knows it: the server's view, what is on its way, and the line between them. */
export class Conversation {
  readonly api: Api;
  #state: State = { view: null, failure: null, connection: "connecting", entries: [], refusals: {} };
  #storage: KeyValue = memory();
  #outbox: Outbox | null = null;
  #tabs: Tabs<TabMessage> | null = null;
  #leads = false;
  #drafts: Record<string, unknown> = {};
  readonly #live: Live;
  #stopped = false;
  readonly #watchers = new Set<() => void>();
  readonly #listeners = new Set<(notice: Notice) => void>();
  /** What is to be stored soon, by name. */
  readonly #unsaved = new Map<string, { timer: ReturnType<typeof setTimeout>; save: () => void }>();

  constructor(base: string, session: string) {
    this.api = new Api(base, session);
    this.#live = new Live({
      url: () => this.api.socketUrl(this.#state.view?.session.seq ?? 0),
      onFrame: (frame) => {
        this.#tabs?.tell({ kind: "frame", frame });
        this.#take(frame);
        if (frame.type === "turn") this.#live.acknowledge(frame.seq);
      },
      onConnection: (connection) => {
        this.#tabs?.tell({ kind: "connection", connection });
        this.#connected(connection);
      },
      poll: () => this.refresh(),
    });
  }

  get state(): State {
    return this.#state;
  }

  /** Calls `watcher` after every change; returns how to stop that. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Calls `listener` with what a host page may want to know. */
  listen(listener: (notice: Notice) => void): void {
    this.#listeners.add(listener);
  }

  async start(): Promise<void> {
    const { session } = this.api;
    this.#storage = await openStorage();
    if (this.#stopped) return;
    this.#outbox = new Outbox({
      session,
      storage: this.#storage,
      send: (request) => this.api.respond(request),
      onChange: () => {
        // The socket can bring a turn before the request that caused it is answered.
        this.#outbox?.settle(this.#state.view?.session.seq ?? 0);
        this.#set({ entries: this.#outbox?.entries ?? [] });
      },
      onRefused: (entry, problem) => this.#refused(entry, problem),
      exclusive: (task) => exclusively(`usher-outbox-${session}`, task),
    });
    await this.#recall();
    await this.refresh();
    // A session that has ended, or may not be shown here, does not come back.
    const { failure } = this.#state;
    if (this.#stopped || failure?.kind === "expired" || failure?.kind === "forbidden") return;
    this.#listenToThePage();
    this.#tabs = new Tabs<TabMessage>({
      name: `usher-live-${session}`,
      onLead: () => {
        this.#leads = true;
        this.#live.start();
      },
      onMessage: (message) =>
        message.kind === "frame" ? this.#take(message.frame) : this.#connected(message.connection),
    });
    void this.#outbox.flush();
  }

  /** Stops everything this conversation does in the background. */
  stop(): void {
    this.#stopped = true;
    this.#leavePage();
    this.#live.stop();
    this.#tabs?.leave();
    this.#watchers.clear();
    this.#saveNow();
  }

  /** Asks the server for the whole view. */
  async refresh(): Promise<void> {
    try {
      this.#show(await this.api.load());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hands in an answer, a skip or words; resolves when the view contains it, or it is refused or left waiting. */
  async submit(body: Outgoing): Promise<Outcome["result"]> {
    if (!this.#outbox) return "queued";
    if (body.kind !== "text") this.forget(body.field);
    const outcome = await this.#outbox.add(body);
    if (outcome.result === "accepted") await this.caughtUp(outcome.reply.seq);
    return outcome.result;
  }

  /** Tries again what could not be sent. */
  retry(): void {
    this.#live.kick();
    void this.#outbox?.flush();
  }

  /** Gives up what was entered for a field and was refused or is not yet handed in. */
  forget(field: string): void {
    const { [field]: _gone, ...refusals } = this.#state.refusals;
    this.#set({ refusals });
    this.saveDraft(field, undefined);
  }

  /** Gives up an input that will not be taken. */
  discard(key: string): void {
    void this.#outbox?.discard(key);
  }

  /** What was typed for a field and not yet handed in. */
  draft(field: string): unknown {
    return this.#drafts[field];
  }

  saveDraft(field: string, value: unknown): void {
    const { [field]: _old, ...others } = this.#drafts;
    this.#drafts = value === undefined ? others : { ...others, [field]: value };
    const secret = this.#state.view?.fields.find(({ id }) => id === field)?.sensitive ?? false;
    if (!secret) this.#saveLater("drafts", () => this.#publicDrafts());
  }

  #publicDrafts(): Record<string, unknown> {
    const secret = new Set(this.#state.view?.fields.filter((field) => field.sensitive).map(({ id }) => id));
    return Object.fromEntries(Object.entries(this.#drafts).filter(([field]) => !secret.has(field)));
  }

  /** What an earlier page left: its view for the time without a network, its drafts, its unsent inputs. */
  async #recall(): Promise<void> {
    const { session } = this.api;
    const [view, drafts] = await Promise.all([
      this.#storage.get(`view:${session}`).catch(() => undefined),
      this.#storage.get(`drafts:${session}`).catch(() => undefined),
      this.#outbox?.restore().catch(() => undefined),
    ]);
    const newest = take(`drafts:${session}`) ?? drafts;
    if (typeof newest === "object" && newest !== null) this.#drafts = newest as Record<string, unknown>;
    // Only a start without network needs it; otherwise the fresh view comes before anybody sees this one.
    if (view && navigator.onLine === false) this.#set({ view: view as SessionResponse });
    else if (view) this.#remembered = view as SessionResponse;
  }

  #remembered: SessionResponse | null = null;

  #take(frame: ServerFrame): void {
    const { view } = this.#state;
    if (!view) return;
    if (frame.type === "hello" && frame.seq < view.session.seq) void this.refresh();
    if (frame.type !== "turn" || frame.seq <= view.session.seq) return;
    if (frame.seq > view.session.seq + 1) {
      // A tab that listens to another one can have missed a turn.
      void this.refresh();
      return;
    }
    this.#show({ ...view, ...frame.view, transcript: [...view.transcript, ...frame.transcript] });
  }

  #show(view: SessionResponse): void {
    const before = this.#state.view;
    if (before && view.session.seq < before.session.seq && view.session.id === before.session.id) return;
    this.#outbox?.settle(view.session.seq);
    this.#set({ view, failure: null, entries: this.#outbox?.entries ?? [] });
    this.#saveLater("view", () => withoutSecrets(view));
    if (before) this.#announce(before, view);
  }

  #announce(before: SessionResponse, view: SessionResponse): void {
    const { seq } = view.session;
    const known = new Map(before.fields.map((field) => [field.id, field.answer?.at]));
    for (const { id, answer } of view.fields) {
      if (answer && known.get(id) !== answer.at) {
        this.#notify({ name: "answer", detail: { field: id, channel: answer.channel, seq } });
      }
    }
    for (const line of view.transcript) {
      if (line.seq > before.session.seq && line.from !== "client") {
        this.#notify({ name: "message", detail: { from: line.from, channel: line.channel, seq: line.seq } });
      }
    }
    if (view.session.status === "complete" && before.session.status !== "complete") {
      this.#notify({ name: "complete", detail: { seq } });
    }
  }

  #fail(error: unknown): void {
    const problem = error instanceof ProblemError ? error.problem : null;
    const failure: Failure = {
      kind: failureKind(problem),
      detail: problem?.detail ?? "",
      correlationId: problem?.correlation_id ?? "",
    };
    const final = failure.kind === "expired" || failure.kind === "forbidden";
    // A view that is there stays there: the person can go on, and what they enter waits in the outbox.
    const view = final ? null : (this.#state.view ?? this.#remembered);
    if (final) this.#live.stop();
    this.#set({ failure: view ? null : failure, view });
    if (!view) this.#notify({ name: "error", detail: failure });
  }

  #refused({ key, body }: Entry, problem: ProblemBody): void {
    if (problem.id === "unknown-session" || problem.id === "origin-not-allowed") {
      this.#fail(new ProblemError(problem));
      return;
    }
    if (body.kind === "text") return;
    const message = problem.errors?.find(({ field }) => field === body.field)?.message;
    const refusal: Refusal = {
      message: message ?? problem.detail ?? problem.title,
      value: body.kind === "answer" ? body.value : null,
    };
    this.discard(key);
    this.#set({ refusals: { ...this.#state.refusals, [body.field]: refusal } });
  }

  /** Waits until the view contains turn `seq`, asking for it when the socket does not bring it. */
  async caughtUp(seq: number): Promise<void> {
    const behind = (): boolean => (this.#state.view?.session.seq ?? 0) < seq;
    if (behind() && this.#state.connection === "live") await this.#change(behind, CATCH_UP_MS);
    if (behind()) await this.refresh();
  }

  #change(pending: () => boolean, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        unwatch();
        resolve();
      };
      const timer = setTimeout(finish, milliseconds);
      const unwatch = this.watch(() => {
        if (!pending()) finish();
      });
    });
  }

  #connected(connection: Connection): void {
    const before = this.#state.connection;
    this.#set({ connection });
    if (connection === "live" && before !== "live") void this.#outbox?.flush();
  }

  #leavePage: () => void = () => undefined;

  #listenToThePage(): void {
    const back = (): void => {
      if (document.visibilityState === "hidden") {
        // It may be the last this page does.
        const drafts = this.#publicDrafts();
        if (Object.keys(drafts).length > 0) leave(`drafts:${this.api.session}`, drafts);
        this.#saveNow();
        return;
      }
      if (this.#leads) this.#live.kick();
      void this.#outbox?.flush();
    };
    const gone = (): void => this.#connected("offline");
    window.addEventListener("online", back);
    window.addEventListener("pageshow", back);
    window.addEventListener("offline", gone);
    document.addEventListener("visibilitychange", back);
    this.#leavePage = () => {
      window.removeEventListener("online", back);
      window.removeEventListener("pageshow", back);
      window.removeEventListener("offline", gone);
      document.removeEventListener("visibilitychange", back);
    };
  }

  #set(change: Partial<State>): void {
    this.#state = { ...this.#state, ...change };
    for (const watcher of this.#watchers) watcher();
  }

  #notify(notice: Notice): void {
    for (const listener of this.#listeners) listener(notice);
  }

  #saveLater(name: string, value: () => unknown): void {
    clearTimeout(this.#unsaved.get(name)?.timer);
    const save = (): void => {
      this.#unsaved.delete(name);
      this.#store(name, value());
    };
    this.#unsaved.set(name, { timer: setTimeout(save, SAVE_MS), save });
  }

  #saveNow(): void {
    for (const { timer, save } of this.#unsaved.values()) {
      clearTimeout(timer);
      save();
    }
  }

  #store(name: string, value: unknown): void {
    // Losing these costs a person nothing they would notice while the network is there.
    this.#storage.put(`${name}:${this.api.session}`, value).catch(() => undefined);
  }
}

function failureKind(problem: ProblemBody | null): Failure["kind"] {
  if (!problem) return "unreachable";
  if (problem.id === "unknown-session") return "expired";
  return problem.id === "origin-not-allowed" ? "forbidden" : "problem";
}
