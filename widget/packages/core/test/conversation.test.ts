import type { ServerFrame, SessionResponse } from "@usher/protocol";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Conversation } from "../src/conversation.ts";
import { answered, field, line, live, session } from "./fixtures.ts";

/** The server as far as one session needs it: what it holds, and what it was told. */
class FakeServer {
  view: SessionResponse = session(1, [field("name"), field("email")]);
  status = 200;
  posted: Record<string, unknown>[] = [];
  sockets: Socket[] = [];

  readonly fetch = async (url: string, init?: RequestInit): Promise<Response> => {
    if (this.status === 0) throw new TypeError("network");
    if (url.includes("/session/")) return this.answer(this.view);
    const body = JSON.parse(String(init?.body)) as Record<string, unknown>;
    this.posted.push(body);
    if (body["value"] === "nonsense") {
      return this.problem(422, "invalid-answer", [{ field: "name", message: "Please write a name." }]);
    }
    this.view = session(2, [answered("name", String(body["value"])), field("email")]);
    return this.answer({
      action: "next",
      seq: 2,
      nextQuestion: null,
      reply: null,
      progress: this.view.progress,
    });
  };

  problem(status: number, id: string, errors: unknown[] = []): Response {
    const body = {
      id,
      status,
      title: id,
      detail: "",
      type: "",
      retryable: false,
      correlation_id: "c1",
      errors,
    };
    return new Response(JSON.stringify(body), { status });
  }

  say(frame: ServerFrame): void {
    for (const socket of this.sockets) {
      socket.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
    }
  }

  private answer(body: unknown): Response {
    return this.status === 200
      ? new Response(JSON.stringify(body))
      : this.problem(this.status, "unknown-session");
  }
}

class Socket extends EventTarget {
  static readonly OPEN = 1;
  readyState = 1;
  send(): void {}
  close(): void {}
}

let server: FakeServer;
let conversation: Conversation;

beforeEach(() => {
  server = new FakeServer();
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal(
    "WebSocket",
    class extends Socket {
      constructor() {
        super();
        server.sockets.push(this);
      }
    },
  );
  vi.stubGlobal("BroadcastChannel", undefined);
  localStorage.clear();
  conversation = new Conversation("https://host", "ses_1");
});

afterEach(() => {
  conversation.stop();
  vi.unstubAllGlobals();
});

it("shows the session and follows the turns that the socket brings", async () => {
  const heard: string[] = [];
  conversation.listen(({ name }) => heard.push(name));
  await conversation.start();
  server.say({ type: "hello", seq: 1 });
  const fields = [answered("name", "Sam"), field("email")];
  server.say({ type: "turn", seq: 2, view: live(2, fields), transcript: [line(2, "Sam")] });
  expect(conversation.state.view?.currentQuestion?.field).toBe("email");
  expect(conversation.state.view?.transcript).toHaveLength(1);
  expect(conversation.state.view?.client.orgName).toBe("Bright Agency");
  expect(heard).toEqual(["answer"]);
});

it("ignores a turn it has, and asks for the whole view when one is missing", async () => {
  await conversation.start();
  server.say({ type: "turn", seq: 1, view: live(1, []), transcript: [line(1, "old")] });
  expect(conversation.state.view?.transcript).toEqual([]);
  server.view = session(9, [answered("name", "Sam"), answered("email", "a@b.c")]);
  server.say({ type: "turn", seq: 9, view: live(9, []), transcript: [] });
  await vi.waitFor(() => expect(conversation.state.view?.session.seq).toBe(9));
});

it("hands in an answer and waits until the view contains it", async () => {
  await conversation.start();
  const result = await conversation.submit({ kind: "answer", field: "name", value: "Sam", display: "Sam" });
  expect(result).toBe("accepted");
  expect(conversation.state.view?.fields[0]?.answer?.display).toBe("Sam");
  expect(conversation.state.entries).toEqual([]);
  expect(server.posted[0]).toMatchObject({ sessionId: "ses_1", field: "name", value: "Sam" });
});

it("keeps the server's sentence with the field whose answer it refused", async () => {
  await conversation.start();
  const answer = { kind: "answer", field: "name", value: "nonsense", display: "nonsense" } as const;
  expect(await conversation.submit(answer)).toBe("refused");
  expect(conversation.state.refusals["name"]).toEqual({ message: "Please write a name.", value: "nonsense" });
  expect(conversation.state.entries).toEqual([]);
});

it("shows a refusal at its field also when nobody waited for it any more", async () => {
  await conversation.start();
  server.status = 0;
  const offline = vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  const answer = { kind: "answer", field: "name", value: "nonsense", display: "nonsense" } as const;
  expect(await conversation.submit(answer)).toBe("queued");
  offline.mockRestore();
  server.status = 200;
  conversation.retry();
  await vi.waitFor(() => expect(conversation.state.refusals["name"]?.value).toBe("nonsense"));
  expect(conversation.state.entries).toEqual([]);
});

it("forgets a refused answer and its draft when the person gives it up", async () => {
  await conversation.start();
  await conversation.submit({ kind: "answer", field: "name", value: "nonsense", display: "nonsense" });
  conversation.saveDraft("name", "nonsens");
  conversation.forget("name");
  expect(conversation.state.refusals).toEqual({});
  expect(conversation.draft("name")).toBeUndefined();
});

it("keeps a draft of which the page is left in the same moment", async () => {
  await conversation.start();
  conversation.saveDraft("name", "Sa");
  conversation.stop();
  conversation = new Conversation("https://host", "ses_1");
  await conversation.start();
  expect(conversation.draft("name")).toBe("Sa");
});

it("says that a link has ended", async () => {
  server.status = 404;
  await conversation.start();
  expect(conversation.state).toMatchObject({ view: null, failure: { kind: "expired", correlationId: "c1" } });
});

it("shows what it knows when a later start finds no network", async () => {
  await conversation.start();
  await vi.waitFor(() => expect(localStorage.getItem("usher:view:ses_1")).not.toBeNull());
  conversation.stop();
  server.status = 0;
  conversation = new Conversation("https://host", "ses_1");
  await conversation.start();
  expect(conversation.state.failure).toBeNull();
  expect(conversation.state.view?.fields).toHaveLength(2);
});
