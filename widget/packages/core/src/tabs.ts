/** Messages between the tabs of one browser that show the same session. */
export interface TabsOptions<Message> {
  /** Names the session. */
  name: string;
  /** This tab now holds the socket. */
  onLead(): void;
  /** The leading tab has something for the others. */
  onMessage(message: Message): void;
}

/** Elects the one tab that holds the socket; the others listen to it. Without the browser's help every tab leads. */
export class Tabs<Message> {
  readonly #channel: BroadcastChannel | null;
  readonly #left = new AbortController();
  #release: () => void = () => undefined;

  constructor({ name, onLead, onMessage }: TabsOptions<Message>) {
    const shared = typeof BroadcastChannel === "function" && "locks" in navigator;
    this.#channel = shared ? new BroadcastChannel(name) : null;
    if (!shared) {
      onLead();
      return;
    }
    this.#channel?.addEventListener("message", (event) => onMessage(event.data as Message));
    const lead = (): Promise<void> =>
      new Promise((resolve) => {
        this.#release = resolve;
        onLead();
      });
    // Refused only when this tab leaves before its turn comes.
    navigator.locks.request(name, { signal: this.#left.signal }, lead).catch(() => undefined);
  }

  tell(message: Message): void {
    this.#channel?.postMessage(message);
  }

  leave(): void {
    this.#left.abort();
    this.#release();
    this.#channel?.close();
  }
}

/** Runs `task` while no other tab runs one of the same name. */
export async function exclusively(name: string, task: () => Promise<void>): Promise<void> {
  if ("locks" in navigator) await navigator.locks.request(name, task);
  else await task();
}
