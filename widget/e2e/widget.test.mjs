import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { startBrowser, startDemo } from "./harness.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startDemo>>} */
let server;
/** @type {import("playwright-core").BrowserContext} */
let context;
/** @type {import("playwright-core").Page} */
let page;
/** What the page's policy and scripts complained about. @type {string[]} */
let complaints;

before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

beforeEach(async () => {
  server = await startDemo();
  context = await browser.newContext();
  page = await context.newPage();
  complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML|TrustedScript/.test(message.text()))
      complaints.push(message.text());
  });
});
afterEach(async () => {
  await context.close();
  await server.stop();
});

const control = () => page.locator("form.step [data-control]");

/** The row of the first question among the answers, once it says `words`. @param {string} words */
async function firstAnswer(words) {
  const { fields } = await server.session();
  return page.locator(`li[data-field="${fields[0]?.id ?? ""}"]`, { hasText: words });
}

/** @param {string} text */
async function type(text) {
  await control().fill(text);
  await page.keyboard.press("Enter");
}

/** Every rule of axe on what is drawn now. */
async function accessibilityProblems() {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = /** @type {{ axe: typeof import("axe-core") }} */ (/** @type {unknown} */ (window));
    const { violations } = await axe.run();
    return violations.map((found) => `${found.id}: ${found.nodes[0]?.html ?? ""}`);
  });
}

test("the hosted page takes an answer under a policy that allows nothing extra", async () => {
  await page.goto(server.demo.widget_url);
  await type("Rivera Dental");
  await (await firstAnswer("Rivera Dental")).waitFor();
  const { fields } = await server.session();
  assert.equal(fields[0]?.answer?.display, "Rivera Dental");
  assert.deepEqual(complaints, []);
});

test("an earlier answer can be changed from the list", async () => {
  await page.goto(server.demo.widget_url);
  await type("Rivera Dental");
  await (await firstAnswer("Rivera Dental")).getByRole("button").click();
  await type("Rivera Dental Care");
  await (await firstAnswer("Rivera Dental Care")).waitFor();
});

test("an empty answer is explained and the focus goes to its field", async () => {
  await page.goto(server.demo.widget_url);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator('[data-control][aria-invalid="true"]:focus').waitFor();
  assert.match((await control().getAttribute("aria-describedby")) ?? "", /error/);
});

test("an answer sent by text message appears in the open widget", async () => {
  await page.goto(server.demo.widget_url);
  await control().waitFor();
  await server.text("Rivera Dental");
  await (await firstAnswer("by text message")).waitFor();
});

test("what is said without a network arrives once and in order, after a reload too", async () => {
  await page.goto(server.demo.widget_url);
  await page.getByRole("button", { name: "Chat" }).click();
  const composer = page.getByRole("textbox");
  await composer.waitFor();
  await context.setOffline(true);
  const words = ["Rivera Dental", "help", "status"];
  for (const word of words) {
    await composer.fill(word);
    await page.keyboard.press("Enter");
    await page.locator(".own", { hasText: word }).waitFor();
  }
  await page.reload().catch(() => undefined);
  await context.setOffline(false);
  await page.goto(server.demo.widget_url);
  await page.getByRole("button", { name: "Chat" }).click();
  await page.locator(".own:not(.queued, .sending, .sent)", { hasText: "status" }).waitFor();
  const { transcript } = await server.session();
  assert.deepEqual(
    transcript.filter(({ from }) => from === "client").map(({ text }) => text),
    words,
  );
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`form and chat leave axe nothing to find in ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto(server.demo.widget_url);
    await control().waitFor();
    assert.deepEqual(await accessibilityProblems(), []);
    await page.getByRole("button", { name: "Chat" }).click();
    await page.getByRole("log").waitFor();
    assert.deepEqual(await accessibilityProblems(), []);
  });
}
