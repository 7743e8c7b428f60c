// Starts the real server as its operator would, a browser beside it, and a site that embeds the widget.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, beforeEach } from "node:test";

import { chromium } from "playwright-core";

const BINARY = process.env["USHER_BIN"] ?? resolve(import.meta.dirname, "../../target/debug/usher");
const CHROMIUM = process.env["USHER_CHROMIUM"] ?? "/usr/bin/chromium";
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * @typedef {{ base_url: string, simulator_url: string, session_id: string, widget_url: string,
 *   client: { phone: string }, twilio: { number: string } }} Demo
 */

/**
 * A demo of its own, with its own data, whose widget `origins` may embed.
 * @param {string} [origins]
 */
export async function startDemo(origins = "") {
  const data = await mkdtemp(join(tmpdir(), "usher-e2e-"));
  const flags = ["demo", "--json", "--port", "0", "--simulator-port", "0", "--data-dir", data];
  const env = { ...process.env, USHER_ALLOWED_ORIGINS: origins };
  const child = spawn(BINARY, flags, { stdio: ["ignore", "pipe", "inherit"], env });
  const lines = createInterface({ input: child.stdout });
  const [first] = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`${BINARY} ended with ${String(code)}`))),
  ]);
  const demo = /** @type {Demo} */ (JSON.parse(first));
  const handset = `${demo.simulator_url}/_sim/handsets/${demo.client.phone.replace(/\D/g, "")}/messages`;
  return {
    demo,
    /** The session as the server has it. */
    async session() {
      const response = await fetch(new URL(`/api/widget/session/${demo.session_id}`, demo.base_url));
      return /** @type {import("@usher/protocol").SessionResponse} */ (await response.json());
    },
    /** The client sends a text message. @param {string} body */
    async text(body) {
      const response = await fetch(handset, {
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

/** A site of somebody else; `serve` says what it shows from now on. */
export async function startSite() {
  let html = "";
  let policy = "";
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    if (policy) response.setHeader("content-security-policy", policy);
    response.end(html);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${String(address.port)}`,
    /** @param {string} page @param {string} [csp] */
    serve(page, csp = "") {
      html = page;
      policy = csp;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export function startBrowser() {
  // The microphone hears the beeps of a device that is always there.
  const args = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** Gives every test of a file a demo, a site and a page of its own. */
export function browserTests() {
  const ui = {
    browser: /** @type {import("playwright-core").Browser} */ (/** @type {unknown} */ (null)),
    site: /** @type {Awaited<ReturnType<typeof startSite>>} */ (/** @type {unknown} */ (null)),
    server: /** @type {Awaited<ReturnType<typeof startDemo>>} */ (/** @type {unknown} */ (null)),
    context: /** @type {import("playwright-core").BrowserContext} */ (/** @type {unknown} */ (null)),
    page: /** @type {import("playwright-core").Page} */ (/** @type {unknown} */ (null)),
    /** What the pages' policies and scripts complained about. @type {string[]} */
    complaints: [],
    /** The element that takes the answer. */
    control: () => ui.page.locator("form.step [data-control]"),
    /** The switch to form or chat. @param {string} name */
    mode: (name) => ui.page.locator(".modes").getByRole("button", { name }),
    /** The question that is asked. @param {string} words */
    question: (words) => ui.page.getByRole("heading", { name: words }).waitFor(),
    /** The row of an answer, once it says `words`. @param {string} field @param {string} words */
    answer: (field, words) => ui.page.locator(`li[data-field="${field}"]`, { hasText: words }),
    /** Answers the question that is asked with the keyboard. @param {string} text */
    async type(text) {
      await ui.control().fill(text);
      await ui.page.keyboard.press("Enter");
    },
    openHosted: () => ui.page.goto(ui.server.demo.widget_url),
    /** The capability of the demo's session. */
    token: () => new URL(ui.server.demo.widget_url).pathname.split("/").at(-1) ?? "",
    /** The snippet a site embeds the widget with. @param {string} [attributes] @param {string} [token] */
    snippet: (attributes = "", token = ui.token()) =>
      `<script async src="${new URL("/w/v1.js", ui.server.demo.base_url).href}" data-session="${token}" ${attributes}></script>`,
    /** A quiet site with the widget on it. @param {string} [attributes] @param {string} [token] */
    async embed(attributes, token) {
      ui.site.serve(`<!doctype html><html lang="en"><title>A site</title><body>
        <main><h1>Hello</h1></main>${ui.snippet(attributes, token)}</body></html>`);
      await ui.page.goto(ui.site.origin);
    },
    /** What axe finds on what is drawn now. */
    async accessibilityProblems() {
      await ui.page.evaluate(AXE);
      return ui.page.evaluate(async () => {
        const { axe } = /** @type {{ axe: typeof import("axe-core") }} */ (/** @type {unknown} */ (window));
        const { violations } = await axe.run();
        return violations.map((found) => `${found.id}: ${found.nodes[0]?.html ?? ""}`);
      });
    },
  };
  before(async () => {
    ui.browser = await startBrowser();
  });
  after(() => ui.browser.close());
  beforeEach(async () => {
    ui.site = await startSite();
    ui.server = await startDemo(ui.site.origin);
    ui.context = await ui.browser.newContext({ permissions: ["microphone"] });
    ui.page = await ui.context.newPage();
    ui.complaints = [];
    ui.page.on("pageerror", (error) => ui.complaints.push(error.message));
    ui.page.on("console", (message) => {
      if (/Content Security Policy|TrustedHTML|TrustedScript/.test(message.text()))
        ui.complaints.push(message.text());
    });
  });
  afterEach(async () => {
    await ui.context.close();
    await ui.server.stop();
    await ui.site.stop();
  });
  return ui;
}
