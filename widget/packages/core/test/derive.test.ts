import { expect, it } from "vitest";

import type { State } from "../src/conversation.ts";
import { currentField, isDone, lines, steps, withoutSecrets } from "../src/derive.ts";
import type { Entry, Outgoing } from "../src/outbox.ts";
import { answered, field, line, session } from "./fixtures.ts";

function entry(body: Outgoing, state: Entry["state"] = "queued"): Entry {
  return { key: JSON.stringify(body), order: 1, body, state, seq: null, problem: null };
}

function stateWith(change: Partial<State>): State {
  return { view: null, failure: null, connection: "live", entries: [], refusals: {}, ...change };
}

const answer = (id: string, display: string): Outgoing => ({
  kind: "answer",
  field: id,
  value: display,
  display,
});

it("asks what the server asks", () => {
  const view = session(1, [answered("name", "Sam"), field("website"), field("email")]);
  expect(currentField(stateWith({ view }))).toBe("website");
});

it("goes on to the next question while an answer waits for the network", () => {
  const view = session(1, [field("name"), field("hidden", { visible: false }), field("email")]);
  const entries = [entry(answer("name", "Sam"))];
  expect(currentField(stateWith({ view, entries }))).toBe("email");
  expect(steps({ view, entries })[0]).toMatchObject({ display: "Sam", entry: entries[0] });
});

it("returns to a question whose answer was refused", () => {
  const view = session(1, [field("name"), field("email")]);
  const refusals = { name: { message: "no", value: "?" } };
  expect(currentField(stateWith({ view, refusals, entries: [] }))).toBe("name");
});

it("shows an answer on its way instead of the one it replaces", () => {
  const view = session(1, [answered("name", "Sam")]);
  const entries = [entry(answer("name", "Samantha"))];
  expect(steps({ view, entries })[0]?.display).toBe("Samantha");
});

it("is done only when nothing is asked and nothing is on its way", () => {
  const view = session(1, [answered("name", "Sam")]);
  expect(isDone(stateWith({ view }))).toBe(true);
  expect(isDone(stateWith({ view, entries: [entry(answer("name", "S"))] }))).toBe(false);
  expect(isDone(stateWith({ view: session(1, [field("name")]) }))).toBe(false);
});

it("puts what is on its way behind what was said", () => {
  const view = { ...session(1, []), transcript: [line(1, "hi")] };
  const waiting = entry({ kind: "text", text: "later" });
  expect(lines(stateWith({ view, entries: [waiting] })).map(({ key }) => key)).toEqual(["1.0", waiting.key]);
});

it("keeps secrets out of the browser's storage", () => {
  const view = session(1, [answered("name", "Sam"), answered("tax_id", "12-345", { sensitive: true })]);
  const kept = JSON.stringify(withoutSecrets({ ...view, transcript: [line(1, "12-345")] }));
  expect(kept).not.toContain("12-345");
  expect(kept).toContain("Sam");
});
