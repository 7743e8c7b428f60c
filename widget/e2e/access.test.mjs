import assert from "node:assert/strict";
import { test } from "node:test";

import { browserTests } from "./harness.mjs";

const ui = browserTests();

/** Whatever is left is answered by text message, each when its question is asked. */
async function finish() {
  const answers = {
    business_name: "Rivera Dental",
    business_phone: "415 555 0199",
    business_hours: "Mon-Fri 9-5",
    has_website: "no",
    style: "modern",
  };
  for (const [field, words] of Object.entries(answers)) {
    await ui.server.text(words);
    await ui.answer(field, "by text message").waitFor();
  }
  await ui.server.text("skip");
  await ui.page.getByRole("heading", { name: "All done" }).waitFor();
}

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds nothing while loading, in form, error, chat and completion in ${colorScheme}`, async () => {
    await ui.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    /** @type {() => void} */
    let release = () => undefined;
    const held = new Promise((resolve) => (release = () => resolve(undefined)));
    await ui.page.route("**/api/widget/session/**", async (route) => {
      await held;
      await route.continue();
    });
    await ui.openHosted();
    await ui.page.getByRole("status", { name: "Loading" }).waitFor();
    assert.deepEqual(await ui.accessibilityProblems(), []);
    release();
    await ui.control().waitFor();
    assert.deepEqual(await ui.accessibilityProblems(), []);
    await ui.page.getByRole("button", { name: "Continue" }).click();
    await ui.page.locator('[aria-invalid="true"]').waitFor();
    assert.deepEqual(await ui.accessibilityProblems(), []);
    await ui.page.getByRole("button", { name: "Chat" }).click();
    await ui.page.getByRole("log").waitFor();
    assert.deepEqual(await ui.accessibilityProblems(), []);
    await ui.page.getByRole("button", { name: "Form" }).click();
    await finish();
    assert.deepEqual(await ui.accessibilityProblems(), []);
  });

  test(`axe finds nothing in the embedded panel in ${colorScheme}`, async () => {
    await ui.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const source = new URL("/w/v1.js", ui.server.demo.base_url).href;
    const session = new URL(ui.server.demo.widget_url).pathname.split("/").at(-1) ?? "";
    ui.site.serve(`<!doctype html><html lang="en"><title>A site</title><body><main><h1>Hello</h1></main>
      <script async src="${source}" data-session="${session}" data-open></script></body></html>`);
    await ui.page.goto(ui.site.origin);
    await ui.control().waitFor();
    assert.deepEqual(await ui.accessibilityProblems(), []);
  });
}
