import type { ProblemBody, ResponseReply, ResponseRequest, SessionResponse } from "@usher/protocol";

const TIMEOUT_MS = 15_000;

/** The server answered, and the answer is a refusal. */
export class ProblemError extends Error {
  readonly problem: ProblemBody;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfter: number | null;

  constructor(problem: ProblemBody, retryAfter: number | null = null) {
    super(problem.detail || problem.title);
    this.name = "ProblemError";
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** No answer came: no network, a dead connection, or something between us and the server that is not it. */
export class UnreachableError extends Error {
  constructor(cause?: unknown) {
    super("The server could not be reached", { cause });
    this.name = "UnreachableError";
  }
}

export interface UploadOptions {
  file: File;
  field: string;
  key: string;
  signal: AbortSignal;
  onProgress(fraction: number): void;
}

/** The widget's HTTP calls for one session. */
export class Api {
  readonly session: string;
  readonly #base: string;

  constructor(base: string, session: string) {
    this.#base = base.replace(/\/$/, "");
    this.session = session;
  }

  load(): Promise<SessionResponse> {
    return this.#request<SessionResponse>(`/api/widget/session/${encodeURIComponent(this.session)}`);
  }

  respond(body: Omit<ResponseRequest, "sessionId">): Promise<ResponseReply> {
    const request: ResponseRequest = { sessionId: this.session, ...body };
    return this.#request<ResponseReply>("/api/widget/response", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
  }

  socketUrl(since: number): string {
    const url = new URL(`${this.#base}/ws/widget`);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("session", this.session);
    url.searchParams.set("since", String(since));
    return url.href;
  }

  /** Sends a file; XMLHttpRequest because `fetch` does not tell how much has left. */
  upload({ file, field, key, signal, onProgress }: UploadOptions): Promise<ResponseReply> {
    const query = new URLSearchParams({ sessionId: this.session, field, idempotencyKey: key });
    const form = new FormData();
    form.append("file", file, file.name);
    return new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      xhr.open("POST", `${this.#base}/api/widget/upload?${query.toString()}`);
      xhr.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) onProgress(event.loaded / event.total);
      });
      xhr.addEventListener("load", () => {
        try {
          resolve(read<ResponseReply>(xhr.status, xhr.responseText, (name) => xhr.getResponseHeader(name)));
        } catch (error) {
          reject(error);
        }
      });
      xhr.addEventListener("error", () => reject(new UnreachableError()));
      xhr.addEventListener("abort", () => reject(new DOMException("Cancelled", "AbortError")));
      signal.addEventListener("abort", () => xhr.abort(), { once: true });
      xhr.send(form);
    });
  }

  async #request<T>(path: string, init: RequestInit = {}): Promise<T> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      // The capability is in the request itself; no cookie of the host page's visitor belongs to us.
      response = await fetch(this.#base + path, { ...init, credentials: "omit", signal: timeout.signal });
      text = await response.text();
    } catch (error) {
      throw new UnreachableError(error);
    } finally {
      clearTimeout(timer);
    }
    return read<T>(response.status, text, (name) => response.headers.get(name));
  }
}

type Header = (name: string) => string | null;

function read<T>(status: number, text: string, header: Header): T {
  const json = parse(text);
  if (status >= 200 && status < 300) {
    // A success that is not JSON comes from a captive portal or a proxy, not from the server.
    if (json === undefined) throw new UnreachableError();
    return json as T;
  }
  throw new ProblemError(isProblem(json) ? json : stranger(status, header), pause(header("retry-after")));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(json: unknown): json is ProblemBody {
  return typeof json === "object" && json !== null && "id" in json && "retryable" in json;
}

/** A proxy's error page, in the form of our own problems. */
function stranger(status: number, header: Header): ProblemBody {
  return {
    type: "about:blank",
    id: `http-${status}`,
    title: `HTTP ${status}`,
    detail: "",
    status,
    retryable: status >= 500 || status === 429 || status === 408,
    correlation_id: header("x-correlation-id") ?? "",
    errors: [],
  };
}

function pause(header: string | null): number | null {
  const seconds = Number.parseFloat(header ?? "");
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}
