// Starts the real server as its operator would, and a browser beside it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

const BINARY = process.env["USHER_BIN"] ?? resolve(import.meta.dirname, "../../target/debug/usher");
const CHROMIUM = process.env["USHER_CHROMIUM"] ?? "/usr/bin/chromium";

/**
 * @typedef {{ base_url: string, simulator_url: string, session_id: string, widget_url: string,
 *   client: { phone: string }, twilio: { number: string } }} Demo
 */

/** A demo of its own, with its own data, for one test. */
export async function startDemo() {
  const data = await mkdtemp(join(tmpdir(), "usher-e2e-"));
  const flags = ["demo", "--json", "--port", "0", "--simulator-port", "0", "--data-dir", data];
  const child = spawn(BINARY, flags, { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const [first] = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`${BINARY} ended with ${String(code)}`))),
  ]);
  const demo = /** @type {Demo} */ (JSON.parse(first));
  return {
    demo,
    /** The session as the server has it. */
    async session() {
      const response = await fetch(`${demo.base_url}/api/widget/session/${demo.session_id}`);
      return /** @type {import("@usher/protocol").SessionResponse} */ (await response.json());
    },
    /** The client sends a text message. @param {string} body */
    async text(body) {
      const digits = demo.client.phone.replace(/\D/g, "");
      const response = await fetch(`${demo.simulator_url}/_sim/handsets/${digits}/messages`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ to: demo.twilio.number, body }),
      });
      if (!response.ok) throw new Error(`the simulator said ${String(response.status)}`);
    },
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(data, { recursive: true, force: true });
    },
  };
}

export function startBrowser() {
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
}
