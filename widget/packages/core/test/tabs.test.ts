import { afterEach, expect, it, vi } from "vitest";

import { exclusively, Tabs } from "../src/tabs.ts";

const REFUSED = new DOMException("not in a sandbox", "SecurityError");

afterEach(() => {
  vi.unstubAllGlobals();
});

it("leads alone in a frame that may not use locks", async () => {
  vi.stubGlobal("navigator", { locks: { request: () => Promise.reject(REFUSED) } });
  const onLead = vi.fn();
  const tabs = new Tabs({ name: "s", onLead, onMessage: vi.fn() });
  await vi.waitFor(() => expect(onLead).toHaveBeenCalledOnce());
  tabs.leave();
});

it.each([["refused", { request: () => Promise.reject(REFUSED) }], ["missing"]])(
  "runs a task at once where locks are %s",
  async (_how, locks?: object) => {
    vi.stubGlobal("navigator", { locks });
    const task = vi.fn(() => Promise.resolve());
    await exclusively("s", task);
    expect(task).toHaveBeenCalledOnce();
  },
);

it("runs a failing task once and says so", async () => {
  vi.stubGlobal("navigator", { locks: { request: (_name: string, task: () => unknown) => task() } });
  const task = vi.fn(() => Promise.reject(new Error("broken")));
  await expect(exclusively("s", task)).rejects.toThrow("broken");
  expect(task).toHaveBeenCalledOnce();
});
