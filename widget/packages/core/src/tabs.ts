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
    const shared = typeof BroadcastChannel === "function" && Boolean(navigator.locks);
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
    navigator.locks.request(name, { signal: this.#left.signal }, lead).catch(() => {
      // Refused because this tab left before its turn came, or because a sandboxed frame may not use locks.
      if (!this.#left.signal.aborted) onLead();
    });
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

/** Runs `task` while no other tab runs one of the same name, or at once where the browser has no locks to give. */
export async function exclusively(name: string, task: () => Promise<void>): Promise<void> {
  let granted = false;
  try {
    await navigator.locks.request(name, () => {
      granted = true;
      return task();
    });
  } catch (error) {
    // Old browsers have no locks, insecure pages and sandboxed frames are refused them.
    if (granted) throw error;
    await task();
  }
}
