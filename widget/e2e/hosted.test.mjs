import assert from "node:assert/strict";
import { test } from "node:test";

import { browserTests } from "./harness.mjs";

const ui = browserTests();

/** The smallest picture there is. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** Presses keys one after the other. @param {string[]} keys */
async function press(...keys) {
  for (const key of keys) await ui.page.keyboard.press(key);
}

test("the hosted page takes an answer under a policy that allows nothing extra", async () => {
  await ui.openHosted();
  await ui.type("Rivera Dental");
  await ui.answer("business_name", "Rivera Dental").waitFor();
  const { fields } = await ui.server.session();
  assert.equal(fields[0]?.answer?.display, "Rivera Dental");
  assert.deepEqual(ui.complaints, []);
});

test("a whole form is filled in with the keyboard alone", async () => {
  await ui.openHosted();
  await ui.control().focus();
  await ui.page.keyboard.type("Rivera Dental");
  await press("Enter");
  await ui.page.locator('input[type="tel"]:focus').waitFor();
  await ui.page.keyboard.type("(415) 555-0199");
  await press("Enter");
  await ui.page.locator('input[role="switch"]:focus').waitFor();
  await press("Space", "Enter");
  await ui.question("Do you have a website today?");
  await ui.page.locator('input[type="radio"]:focus').waitFor();
  await press("ArrowDown", "Enter");
  await ui.question("Which style");
  await ui.page.locator('input[type="radio"]:focus').waitFor();
  await press("Space", "Enter");
  await ui.page.getByRole("button", { name: "Choose a file" }).and(ui.page.locator(":focus")).waitFor();
  await press("Tab");
  while (!(await ui.page.getByRole("button", { name: "Skip" }).and(ui.page.locator(":focus")).isVisible()))
    await press("Tab");
  await press("Enter");
  await ui.page.getByRole("heading", { name: "All done, Dana" }).and(ui.page.locator(":focus")).waitFor();
  const { session, fields } = await ui.server.session();
  assert.equal(session.status, "complete");
  assert.equal(fields.find(({ id }) => id === "has_website")?.answer?.value, false);
});

test("an earlier answer can be changed from the list", async () => {
  await ui.openHosted();
  await ui.type("Rivera Dental");
  await ui.answer("business_name", "Rivera Dental").getByRole("button").click();
  await ui.type("Rivera Dental Care");
  await ui.answer("business_name", "Rivera Dental Care").waitFor();
  await ui.question("Which phone number");
});

test("the step and the bar above a question say the same", async () => {
  await ui.openHosted();
  await ui.type("Rivera Dental");
  await ui.question("Which phone number");
  const [words, value, total] = await ui.page
    .locator(".progress")
    .evaluate((area) => [
      area.textContent?.trim(),
      area.querySelector("progress")?.value,
      area.querySelector("progress")?.max,
    ]);
  assert.equal(words, `Step ${String(value)} of ${String(total)}`);
  assert.equal(value, 2);
});

test("an empty answer is explained and the focus goes to its field", async () => {
  await ui.openHosted();
  await ui.page.getByRole("button", { name: "Continue" }).click();
  await ui.page.locator('[data-control][aria-invalid="true"]:focus').waitFor();
  assert.match((await ui.control().getAttribute("aria-describedby")) ?? "", /error/);
});

test("what the server refuses is explained in its words, tied to the field, which has the focus", async () => {
  await ui.openHosted();
  await ui.type("Rivera Dental");
  await ui.question("Which phone number");
  await ui.type("no idea");
  const wrong = ui.page.locator('input[type="tel"][aria-invalid="true"]:focus');
  await wrong.waitFor();
  assert.equal(await wrong.inputValue(), "no idea");
  const described = await wrong.evaluate((input) =>
    (input.getAttribute("aria-describedby") ?? "")
      .split(" ")
      .map((id) => /** @type {ShadowRoot} */ (input.getRootNode()).getElementById(id)?.textContent)
      .join(" "),
  );
  const { currentQuestion } = await ui.server.session();
  assert.ok(currentQuestion?.error);
  assert.ok(described.includes(currentQuestion.error), described);
});

test("a text message appears in the open widget, and the next text is asked what the widget left open", async () => {
  await ui.openHosted();
  await ui.control().waitFor();
  await ui.server.text("Rivera Dental");
  await ui.answer("business_name", "by text message").waitFor();
  await ui.question("Which phone number");
  await ui.type("(415) 555-0199");
  await ui.answer("business_phone", "555-0199").waitFor();
  await ui.server.text("Mon-Fri 9-5");
  await ui.answer("business_hours", "by text message").waitFor();
  const { transcript, currentQuestion } = await ui.server.session();
  assert.equal(currentQuestion?.field, "has_website");
  const last = transcript.findLast(({ from }) => from === "bot");
  assert.equal(last?.channel, "sms");
  assert.match(last?.text ?? "", /Do you have a website today\?/);
});

test("the chat takes words and one tap answers of the same session", async () => {
  await ui.openHosted();
  await ui.page.getByRole("button", { name: "Chat" }).click();
  for (const words of ["Rivera Dental", "415 555 0199", "Mon-Fri 9-5"]) {
    await ui.page.getByRole("textbox").fill(words);
    await ui.page.keyboard.press("Enter");
    await ui.page.locator(".own:not(.queued, .sending, .sent)", { hasText: words }).waitFor();
  }
  await ui.page.getByRole("button", { name: "No", exact: true }).click();
  await ui.page.getByRole("button", { name: "Clean and modern" }).click();
  await ui.page.getByRole("button", { name: "Skip" }).click();
  await ui.page.getByRole("heading", { name: "All done" }).waitFor();
  assert.equal((await ui.server.session()).session.status, "complete");
});

test("a line of the chat is announced once: what is on its way is silent until it is part of the log", async () => {
  await ui.openHosted();
  await ui.page.getByRole("button", { name: "Chat" }).click();
  await ui.page.getByRole("textbox").waitFor();
  await ui.context.setOffline(true);
  await ui.page.getByRole("textbox").fill("Rivera Dental");
  await ui.page.keyboard.press("Enter");
  await ui.page.locator('[role="log"] .own[aria-live="off"]').waitFor();
  await ui.context.setOffline(false);
  await ui.page.locator(".own:not([aria-live])", { hasText: "Rivera Dental" }).waitFor();
});

test("what is said without a network arrives once and in order, after a reload too", async () => {
  await ui.openHosted();
  await ui.page.getByRole("button", { name: "Chat" }).click();
  const composer = ui.page.getByRole("textbox");
  await composer.waitFor();
  await ui.context.setOffline(true);
  const words = ["Rivera Dental", "help", "status"];
  for (const word of words) {
    await composer.fill(word);
    await ui.page.keyboard.press("Enter");
    await ui.page.locator(".own", { hasText: word }).waitFor();
  }
  await ui.page.reload().catch(() => undefined);
  await ui.context.setOffline(false);
  await ui.openHosted();
  await ui.page.getByRole("button", { name: "Chat" }).click();
  await ui.page.locator(".own:not(.queued, .sending, .sent)", { hasText: "status" }).waitFor();
  const { transcript } = await ui.server.session();
  assert.deepEqual(
    transcript.filter(({ from }) => from === "client").map(({ text }) => text),
    words,
  );
});

test("a correction that is refused can be given up, and the old answer stays", async () => {
  await ui.openHosted();
  await ui.type("Rivera Dental");
  await ui.question("Which phone number");
  await ui.type("415 555 0199");
  await ui.question("When are you open?");
  await ui.answer("business_phone", "555-0199").getByRole("button").click();
  await ui.type("no idea");
  await ui.page.locator('[data-control][aria-invalid="true"]').waitFor();
  await ui.page.getByRole("button", { name: "Cancel" }).click();
  await ui.question("When are you open?");
  await ui.answer("business_phone", "555-0199").waitFor();
});

test("what the server refuses of an answer given without a network is asked again with its reason", async () => {
  await ui.openHosted();
  await ui.type("Rivera Dental");
  await ui.question("Which phone number");
  await ui.context.setOffline(true);
  await ui.type("no idea");
  await ui.question("When are you open?");
  await ui.context.setOffline(false);
  const wrong = ui.page.locator('input[type="tel"][aria-invalid="true"]');
  await wrong.waitFor();
  assert.equal(await wrong.inputValue(), "no idea");
  await ui.type("415 555 0199");
  await ui.answer("business_phone", "555-0199").waitFor();
});

test("a file is refused by its kind, uploaded by choosing it, and replaced", async () => {
  await ui.openHosted();
  await ui.control().waitFor();
  for (const [field, words] of [
    ["business_name", "Rivera Dental"],
    ["business_phone", "415 555 0199"],
    ["business_hours", "Mon-Fri 9-5"],
    ["has_website", "no"],
    ["style", "modern"],
  ]) {
    await ui.server.text(words ?? "");
    await ui.answer(field ?? "", "by text message").waitFor();
  }
  const choose = async (
    /** @type {string} */ button,
    /** @type {string} */ name,
    /** @type {string} */ mimeType,
  ) => {
    const chooser = ui.page.waitForEvent("filechooser");
    await ui.page.getByRole("button", { name: button }).click();
    await (await chooser).setFiles({ name, mimeType, buffer: PNG });
  };
  await choose("Choose a file", "setup.exe", "application/x-msdownload");
  await ui.page.getByRole("alert").filter({ hasText: "not accepted" }).waitFor();
  await choose("Choose a file", "logo.png", "image/png");
  await ui.page.getByRole("heading", { name: "All done" }).waitFor();
  await ui.page.getByRole("button", { name: "Review answers" }).click();
  await ui.answer("logo", "logo.png").getByRole("button").click();
  await choose("Replace the file", "better.png", "image/png");
  await ui.page.getByRole("heading", { name: "All done" }).waitFor();
  const { fields } = await ui.server.session();
  assert.equal(fields.find(({ id }) => id === "logo")?.answer?.display, "better.png");
});

test("a session in Spanish is drawn in Spanish whatever the browser's language", async () => {
  await ui.page.route("**/api/widget/session/**", async (route) => {
    const response = await route.fetch();
    const view = /** @type {import("@usher/protocol").SessionResponse} */ (await response.json());
    await route.fulfill({ response, json: { ...view, session: { ...view.session, locale: "es" } } });
  });
  await ui.openHosted();
  await ui.page.getByRole("button", { name: "Continuar" }).waitFor();
  assert.equal(await ui.page.locator(".usher").getAttribute("lang"), "es");
  await ui.page.getByText("Paso 1 de 6").waitFor();
});

test("going away and back keeps what was being typed, and the page lives on", async () => {
  await ui.openHosted();
  await ui.control().fill("Rivera");
  await ui.page.goto(ui.site.origin);
  await ui.page.goBack();
  await ui.control().waitFor();
  assert.equal(await ui.control().inputValue(), "Rivera");
  await ui.server.text("Rivera Dental");
  await ui.question("Which phone number");
});

test("the newest line stays in sight when a phone's keyboard takes half of the room", async () => {
  await ui.page.setViewportSize({ width: 390, height: 844 });
  await ui.openHosted();
  await ui.page.getByRole("button", { name: "Chat" }).click();
  for (const words of ["Rivera Dental", "help", "status"]) {
    await ui.page.getByRole("textbox").fill(words);
    await ui.page.keyboard.press("Enter");
    await ui.page.locator(".own:not(.queued, .sending, .sent)", { hasText: words }).waitFor();
  }
  await ui.page.setViewportSize({ width: 390, height: 420 });
  await ui.page.waitForFunction(() => {
    const log = document.querySelector("#usher")?.shadowRoot?.querySelector(".log");
    return log && log.clientHeight < 400 && log.scrollHeight - log.scrollTop - log.clientHeight < 2;
  });
});

test("two tabs can answer in turn, each what the other left open", async () => {
  const [first, second] = [await ui.context.newPage(), await ui.context.newPage()];
  for (const page of [first, second]) {
    await page.goto(ui.server.demo.widget_url);
    await page.locator("form.step").waitFor();
  }
  const type = async (/** @type {import("playwright-core").Page} */ page, /** @type {string} */ words) => {
    await page.locator("form.step [data-control]").fill(words);
    await page.keyboard.press("Enter");
  };
  await type(first, "Rivera Dental");
  await second.getByRole("heading", { name: "Which phone number" }).waitFor();
  await type(second, "415 555 0199");
  await first.getByRole("heading", { name: "When are you open?" }).waitFor();
  const { transcript } = await ui.server.session();
  assert.equal(transcript.filter(({ from }) => from === "client").length, 2);
});

test("two tabs share one socket and show the same", async () => {
  /** @type {string[]} */
  const sockets = [];
  ui.context.on("page", (page) => page.on("websocket", (socket) => sockets.push(socket.url())));
  const [first, second] = [await ui.context.newPage(), await ui.context.newPage()];
  await first.goto(ui.server.demo.widget_url);
  await first.locator("form.step").waitFor();
  await second.goto(ui.server.demo.widget_url);
  await second.locator("form.step").waitFor();
  await ui.server.text("Rivera Dental");
  for (const page of [first, second]) await page.locator('li[data-field="business_name"]').waitFor();
  assert.equal(sockets.length, 1);
});

test("a link that opens nothing says so", async () => {
  const response = await ui.page.goto(new URL("/s/lnk_nothing", ui.server.demo.base_url).href);
  assert.equal(response?.status(), 404);
  await ui.page.getByRole("heading", { name: "This link has ended" }).waitFor();
  assert.deepEqual(await ui.accessibilityProblems(), []);
});

test("a browser is given pages where a program is given problems", async () => {
  const { base_url } = ui.server.demo;
  const missing = await ui.page.goto(new URL("/nothing", base_url).href);
  assert.equal(missing?.status(), 404);
  await ui.page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  assert.deepEqual(await ui.accessibilityProblems(), []);
  const problem = await fetch(new URL("/nothing", base_url));
  assert.equal(problem.headers.get("content-type"), "application/problem+json");
  await ui.page.goto(base_url);
  await ui.page.getByRole("link", { name: "/api/docs/" }).click();
  await ui.page.getByText("/api/widget/response").first().waitFor();
  assert.deepEqual(ui.complaints, []);
});
