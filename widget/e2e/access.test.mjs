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

/** Lets axe look at the form, a refusal, the chat and the completion of what is open. */
async function walk() {
  await ui.control().waitFor();
  assert.deepEqual(await ui.accessibilityProblems(), []);
  await ui.page.getByRole("button", { name: "Continue" }).click();
  await ui.page.locator('[aria-invalid="true"]').waitFor();
  assert.deepEqual(await ui.accessibilityProblems(), []);
  await ui.mode("Chat").click();
  await ui.page.getByRole("log").waitFor();
  assert.deepEqual(await ui.accessibilityProblems(), []);
  await ui.mode("Form").click();
  await finish();
  assert.deepEqual(await ui.accessibilityProblems(), []);
}

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds nothing on the hosted page, loading included, in ${colorScheme}`, async () => {
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
    await walk();
  });

  test(`axe finds nothing in the embedded panel in ${colorScheme}`, async () => {
    await ui.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await ui.embed("data-open");
    await walk();
  });
}

test("axe finds nothing where the panel can only say that its link has ended", async () => {
  await ui.page.emulateMedia({ reducedMotion: "reduce" });
  await ui.embed("data-open", "lnk_nothing");
  await ui.page.getByRole("heading", { name: "This link has ended" }).waitFor();
  assert.deepEqual(await ui.accessibilityProblems(), []);
});

test("in forced colours everything that colour alone told apart has an edge", async () => {
  await ui.page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  await ui.openHosted();
  await ui.control().waitFor();
  const edge = (/** @type {string} */ selector) =>
    ui.page
      .locator(selector)
      .first()
      .evaluate((element) => getComputedStyle(element).borderTopWidth);
  for (const selector of ["progress", '.modes [aria-pressed="true"]', ".primary"]) {
    assert.notEqual(await edge(selector), "0px", selector);
  }
  await ui.mode("Chat").click();
  await ui.page.locator(".line p").first().waitFor();
  assert.notEqual(await edge(".line p"), "0px");
  assert.deepEqual(await ui.accessibilityProblems(), []);
});

test("whoever asked for less motion gets none", async () => {
  await ui.page.emulateMedia({ reducedMotion: "reduce" });
  await ui.openHosted();
  await ui.type("Rivera Dental");
  await ui.question("Which phone number");
  const longest = await ui.page.evaluate(() =>
    Math.max(
      0,
      ...document
        .getAnimations()
        .map(({ effect }) => Number(effect?.getComputedTiming().activeDuration ?? Infinity)),
    ),
  );
  assert.ok(longest < 1, `an animation of ${String(longest)} ms`);
});

// 1280 pixels at 200 % and, as WCAG 1.4.10 asks, at 400 %.
for (const width of [640, 320]) {
  test(`zoomed to ${String(width)} pixels nothing is cut off and nothing scrolls sideways`, async () => {
    await ui.page.setViewportSize({ width, height: 512 });
    await ui.page.emulateMedia({ reducedMotion: "reduce" });
    const outside = () =>
      ui.page.locator("#usher").evaluate((host) =>
        [
          document.documentElement,
          ...(host.shadowRoot?.querySelectorAll("h1, h2, p, input, button, .log") ?? []),
        ]
          .filter((element) => element.getClientRects().length > 0 && !element.matches(".hidden"))
          .filter((element) => {
            const { left, right } = element.getBoundingClientRect();
            return left < 0 || right > innerWidth || element.scrollWidth > Math.ceil(element.clientWidth) + 1;
          })
          .map((element) => element.outerHTML.slice(0, 90)),
      );
    await ui.openHosted();
    await ui.type("Rivera Dental");
    await ui.question("Which phone number");
    assert.deepEqual(await outside(), []);
    await ui.type("415 555 0199");
    await ui.question("When are you open?");
    for (const day of await ui.page.getByRole("switch").all()) await day.check();
    assert.deepEqual(await outside(), []);
    await ui.mode("Chat").click();
    await ui.page.locator(".line").last().waitFor();
    assert.deepEqual(await outside(), []);
  });
}

test("an answer that arrives from elsewhere is said aloud once", async () => {
  await ui.openHosted();
  await ui.control().waitFor();
  await ui.server.text("Rivera Dental");
  const said = ui.page.getByRole("status").filter({ hasText: "Rivera Dental" });
  await said.waitFor({ state: "attached" });
  assert.equal(await said.innerText(), "Business name was answered by text message: Rivera Dental");
});
