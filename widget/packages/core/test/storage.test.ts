import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { type KeyValue, leave, local, memory, openStorage, take } from "../src/storage.ts";

const KINDS: [name: string, open: () => Promise<KeyValue>][] = [
  ["IndexedDB", openStorage],
  ["localStorage", async () => local(localStorage)],
  ["memory", async () => memory()],
];

beforeEach(() => {
  localStorage.clear();
  vi.stubGlobal("indexedDB", new IDBFactory());
  vi.stubGlobal("IDBKeyRange", IDBKeyRange);
});

describe.each(KINDS)("a store in %s", (_name, open) => {
  it("gives back what was put, until it is removed", async () => {
    const store = await open();
    await store.put("a:1", { text: "one" });
    await store.put("a:2", { text: "two" });
    await store.put("b:1", { text: "other" });
    expect(await store.get("a:1")).toEqual({ text: "one" });
    expect(await store.list("a:")).toEqual([{ text: "one" }, { text: "two" }]);
    await store.remove("a:1");
    expect(await store.get("a:1")).toBeUndefined();
    expect(await store.list("a:")).toEqual([{ text: "two" }]);
  });
});

it("survives a reload in IndexedDB", async () => {
  await (await openStorage()).put("kept", 1);
  expect(await (await openStorage()).get("kept")).toBe(1);
});

describe("what a page leaves for the next one of its tab", () => {
  it("is there at once, and is taken once", () => {
    leave("drafts:s", { name: "Rivera" });
    expect(take("drafts:s")).toEqual({ name: "Rivera" });
    expect(take("drafts:s")).toBeUndefined();
  });

  it("is nothing where the browser forbids it", () => {
    vi.stubGlobal("sessionStorage", undefined);
    leave("drafts:s", { name: "Rivera" });
    expect(take("drafts:s")).toBeUndefined();
  });
});
