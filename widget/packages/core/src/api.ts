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

  /** Where the answer of a file question goes. */
  uploadUrl(field: string, key: string): string {
    const query = new URLSearchParams({ sessionId: this.session, field, idempotencyKey: key });
    return `${this.#base}/api/widget/upload?${query.toString()}`;
  }

  socketUrl(since: number): string {
    const url = new URL(`${this.#base}/ws/widget`);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("session", this.session);
    url.searchParams.set("since", String(since));
    return url.href;
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

/** The body of an answer; a refusal is thrown. */
export function read<T>(status: number, text: string, header: Header): T {
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
