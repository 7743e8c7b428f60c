import type { ProblemBody, ResponseReply } from "@usher/protocol";
import { describe, expect, it, vi } from "vitest";

import { ProblemError, UnreachableError } from "../src/api.ts";
import { Outbox, type OutboxOptions, type Outgoing } from "../src/outbox.ts";
import { memory } from "../src/storage.ts";

const reply = (seq: number): ResponseReply => ({
  action: "next",
  seq,
  nextQuestion: null,
  reply: null,
  progress: { answered: 1, total: 2 },
});
const say = (text: string): Outgoing => ({ kind: "text", text });

function problem(id: string, retryable: boolean): ProblemError {
  const body: ProblemBody = {
    type: "",
    title: id,
    status: retryable ? 503 : 422,
    detail: "",
    id,
    retryable,
    correlation_id: "",
    errors: [],
  };
  return new ProblemError(body);
}

function outbox(send: OutboxOptions["send"], change: Partial<OutboxOptions> = {}): Outbox {
  return new Outbox({
    session: "ses_1",
    storage: memory(),
    send,
    onChange: () => undefined,
    wait: async () => undefined,
    ...change,
  });
}

describe("the outbox", () => {
  it("sends in the order of entry, one at a time", async () => {
    let underWay = 0;
    const sent: unknown[] = [];
    const box = outbox(async ({ text }) => {
      underWay += 1;
      expect(underWay).toBe(1);
      await Promise.resolve();
      underWay -= 1;
      sent.push(text);
      return reply(sent.length);
    });
    await Promise.all([box.add(say("one")), box.add(say("two")), box.add(say("three"))]);
    expect(sent).toEqual(["one", "two", "three"]);
  });

  it("tries three times with the same key before it gives up, and again when asked", async () => {
    const send = vi.fn<OutboxOptions["send"]>().mockRejectedValue(new UnreachableError());
    const box = outbox(send);
    expect(await box.add(say("hello"))).toEqual({ result: "queued" });
    expect(send).toHaveBeenCalledTimes(3);
    send.mockResolvedValue(reply(7));
    await box.flush();
    const keys = send.mock.calls.map(([request]) => request.idempotencyKey);
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(1);
    expect(box.entries[0]).toMatchObject({ state: "sent", seq: 7 });
  });

  it("survives a reload: another page sends what this one could not, with the same key", async () => {
    const storage = memory();
    const before = outbox(() => Promise.reject(new UnreachableError()), { storage });
    await before.add(say("one"));
    await before.add(say("two"));
    const send = vi.fn<OutboxOptions["send"]>(async () => reply(1));
    const after = outbox(send, { storage });
    await after.restore();
    await after.flush();
    expect(send.mock.calls.map(([request]) => [request.text, request.idempotencyKey])).toEqual(
      before.entries.map(({ body, key }) => [body.kind === "text" && body.text, key]),
    );
    expect(await storage.list("out:")).toEqual([]);
  });

  it("does not send what another tab has sent meanwhile", async () => {
    const storage = memory();
    const mine = outbox(() => Promise.reject(new UnreachableError()), { storage });
    await mine.add(say("one"));
    const send = vi.fn<OutboxOptions["send"]>(async () => reply(1));
    const other = outbox(send, { storage });
    await other.restore();
    await storage.remove(`out:ses_1:${mine.entries[0]?.key ?? ""}`);
    await other.flush();
    expect(send).not.toHaveBeenCalled();
    expect(other.entries).toEqual([]);
  });

  it("does not repeat what the server refuses, and lets the next one pass", async () => {
    const send = vi.fn<OutboxOptions["send"]>().mockRejectedValueOnce(problem("invalid-answer", false));
    send.mockResolvedValue(reply(2));
    const box = outbox(send);
    const [first, second] = await Promise.all([box.add(say("bad")), box.add(say("good"))]);
    expect(first).toMatchObject({ result: "refused", problem: { id: "invalid-answer" } });
    expect(second).toMatchObject({ result: "accepted" });
    expect(send).toHaveBeenCalledTimes(2);
  });

  it("marks what a busy server did not take as failed, so that a person can try again", async () => {
    const box = outbox(() => Promise.reject(problem("overloaded", true)));
    await box.add(say("hello"));
    expect(box.entries[0]).toMatchObject({ state: "failed", problem: { id: "overloaded" } });
  });

  it("forgets a sent entry only when the view contains its turn", async () => {
    const box = outbox(async () => reply(5));
    await box.add(say("hello"));
    box.settle(4);
    expect(box.entries).toHaveLength(1);
    box.settle(5);
    expect(box.entries).toEqual([]);
  });

  it("works on when nothing can be stored", async () => {
    const refuse = (): Promise<never> => Promise.reject(new Error("quota"));
    const storage = { ...memory(), put: refuse, get: refuse, remove: refuse };
    const box = outbox(async () => reply(1), { storage });
    expect(await box.add(say("hello"))).toMatchObject({ result: "accepted" });
  });
});
