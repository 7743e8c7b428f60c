/** A small key-value store that outlives the page when the browser lets it. */
export interface KeyValue {
  /** Everything whose key starts with `prefix`. */
  list(prefix: string): Promise<unknown[]>;
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown): Promise<void>;
  remove(key: string): Promise<void>;
}

const DATABASE = "usher";
const TABLE = "kv";
const LOCAL_PREFIX = "usher:";

/** IndexedDB, else localStorage, else memory: private windows and strict settings take them away one by one. */
export async function openStorage(): Promise<KeyValue> {
  try {
    return indexed(await openDatabase());
  } catch {
    return usableLocalStorage() ?? memory();
  }
}

/** Keeps things until the page goes away. */
export function memory(): KeyValue {
  const map = new Map<string, unknown>();
  return {
    list: async (prefix) => [...map].filter(([key]) => key.startsWith(prefix)).map(([, value]) => value),
    get: async (key) => map.get(key),
    put: async (key, value) => void map.set(key, value),
    remove: async (key) => void map.delete(key),
  };
}

/**
 * Leaves something for the next page of this tab. It is there when this returns: a page that is being left may not live to
 * see a database answer. A browser that forbids it keeps what the database got.
 */
export function leave(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(LOCAL_PREFIX + key, JSON.stringify(value));
  } catch {
    // Forbidden, or full.
  }
}

/** Takes what an earlier page of this tab left, once. */
export function take(key: string): unknown {
  try {
    const text = sessionStorage.getItem(LOCAL_PREFIX + key);
    sessionStorage.removeItem(LOCAL_PREFIX + key);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function usableLocalStorage(): KeyValue | null {
  try {
    localStorage.setItem(`${LOCAL_PREFIX}probe`, "1");
    localStorage.removeItem(`${LOCAL_PREFIX}probe`);
    return local(localStorage);
  } catch {
    return null;
  }
}

/** Keeps things in `area` as JSON. */
export function local(area: Storage): KeyValue {
  const read = (key: string): unknown => {
    const text = area.getItem(key);
    return text === null ? undefined : JSON.parse(text);
  };
  return {
    list: async (prefix) =>
      Array.from({ length: area.length }, (_, index) => area.key(index) ?? "")
        .filter((key) => key.startsWith(LOCAL_PREFIX + prefix))
        .map(read),
    get: async (key) => read(LOCAL_PREFIX + key),
    put: async (key, value) => area.setItem(LOCAL_PREFIX + key, JSON.stringify(value)),
    remove: async (key) => area.removeItem(LOCAL_PREFIX + key),
  };
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore(TABLE));
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("IndexedDB refused")));
    request.addEventListener("blocked", () => reject(new Error("IndexedDB is blocked")));
  });
}

function indexed(database: IDBDatabase): KeyValue {
  const run = <T>(mode: IDBTransactionMode, use: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction(TABLE, mode);
      const request = use(transaction.objectStore(TABLE));
      // A page that is being left has no time for the browser to see that nothing else comes.
      transaction.commit();
      // Not the request's success: a write counts only when its transaction is on disk.
      transaction.addEventListener("complete", () => resolve(request.result));
      transaction.addEventListener("abort", () => reject(transaction.error ?? new Error("aborted")));
    });
  return {
    list: (prefix) => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
      return run<unknown[]>("readonly", (table) => table.getAll(range));
    },
    get: (key) => run<unknown>("readonly", (table) => table.get(key)),
    put: async (key, value) => void (await run("readwrite", (table) => table.put(value, key))),
    remove: async (key) => void (await run("readwrite", (table) => table.delete(key))),
  };
}
