import assert from "node:assert/strict";
import { test } from "node:test";

import { browserTests } from "./harness.mjs";

const ui = browserTests();

const launcher = () => ui.page.locator("usher-widget > button, usher-widget button[aria-haspopup]");
const dialog = () => ui.page.getByRole("dialog");

/** @param {string} content @param {string} [policy] */
async function visit(content, policy) {
  const head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">';
  ui.site.serve(`<!doctype html><html lang="en"><title>A site</title>${head}${content}</html>`, policy);
  await ui.page.goto(ui.site.origin);
}

async function open() {
  await launcher().click();
  await ui.control().waitFor();
}

// What pages do to everything on them: undo every style, enlarge, restyle elements by name, and patch built-ins.
const HOSTILE = {
  "whose rules unset and enlarge everything": `<style>* { all: unset !important; font-size: 40px !important; }</style>`,
  "whose rules and scripts are loud": `<style>
      * { all: revert !important; float: right !important; letter-spacing: 9px !important; }
      button, input, div { font-size: 99px !important; color: red !important; display: inline !important; }
    </style>
    <script>
      Object.prototype.inherited = "from the page";
      Array.prototype.last = function () { return this[this.length - 1]; };
    </script>`,
};
for (const [manner, head] of Object.entries(HOSTILE)) {
  test(`a page ${manner} changes neither how the widget looks nor what it does`, async () => {
    // Sizes of the layout: the panel still grows into its place.
    const looks = () =>
      ui.page.locator("usher-widget").evaluate((host) =>
        [
          ...(host.shadowRoot?.querySelectorAll(":host > button, .usher, h1, .step h2, input, .primary") ??
            []),
        ].map((element) => {
          const { offsetWidth, offsetHeight } = /** @type {HTMLElement} */ (element);
          const { fontSize, color, backgroundColor, position } = getComputedStyle(element);
          return [element.className, offsetWidth, offsetHeight, fontSize, color, backgroundColor, position];
        }),
      );
    await ui.page.emulateMedia({ reducedMotion: "reduce" });
    await visit(`<body>${ui.snippet()}</body>`);
    await open();
    const expected = await looks();
    assert.equal(expected.length, 6);
    await visit(`${head}<body><h1>Loud</h1>${ui.snippet()}</body>`);
    await open();
    assert.deepEqual(await looks(), expected);
    await ui.type("Rivera Dental");
    await ui.answer("business_name", "Rivera Dental").waitFor();
    assert.deepEqual(ui.complaints, []);
  });
}

test("a policy of nonces and Trusted Types needs no exception but the server's address", async () => {
  const { origin, host } = new URL(ui.server.demo.base_url);
  const policy =
    `default-src 'none'; script-src 'nonce-n1'; style-src 'nonce-n1'; connect-src ${origin} ws://${host}; ` +
    "require-trusted-types-for 'script'; trusted-types 'none'";
  await visit(`<body>${ui.snippet('nonce="n1" data-locale="es"')}</body>`, policy);
  await open();
  await ui.page.getByRole("button", { name: "Continuar" }).waitFor();
  await ui.type("Rivera Dental");
  await ui.answer("business_name", "Rivera Dental").waitFor();
  assert.deepEqual(ui.complaints, []);
});

test("a site that is not on the list says so and learns nothing of the session", async () => {
  ui.site.serve(`<!doctype html><body>${ui.snippet()}</body>`);
  await ui.page.goto(ui.site.origin.replace("127.0.0.1", "localhost"));
  await launcher().click();
  await dialog().getByRole("heading", { name: "This site can’t show the conversation" }).waitFor();
  assert.equal(await dialog().getByRole("button", { name: "Try again" }).count(), 0);
  assert.equal(await dialog().getByText("Dana").count(), 0);
});

test("an unknown session ends in a sentence that helps", async () => {
  await visit(`<body>${ui.snippet("", "lnk_nothing")}</body>`);
  await launcher().click();
  await ui.page.getByRole("heading", { name: "This link has ended" }).waitFor();
});

test("the launcher opens a dialog, and Escape closes it and gives the focus back", async () => {
  await visit(`<body>${ui.snippet()}</body>`);
  await launcher().focus();
  await ui.page.keyboard.press("Enter");
  await dialog().waitFor();
  assert.equal(await launcher().getAttribute("aria-expanded"), "true");
  await ui.page.locator("[data-control]:focus").waitFor();
  await ui.page.keyboard.press("Escape");
  await dialog().waitFor({ state: "hidden" });
  await launcher().and(ui.page.locator(":focus")).waitFor();
  assert.equal(await launcher().getAttribute("aria-expanded"), "false");
});

test("a second snippet adds nothing, shutdown takes everything away", async () => {
  const opened = ui.page.waitForEvent("websocket");
  await visit(`<body>${ui.snippet()}${ui.snippet()}</body>`);
  await open();
  assert.equal(await ui.page.locator("usher-widget").count(), 1);
  const socket = await opened;
  const ended = new Promise((resolve) => socket.once("close", resolve));
  await ui.page.evaluate('usher("shutdown")');
  await ended;
  assert.equal(await ui.page.locator("usher-widget").count(), 0);
});

test("a page that swaps its body keeps the widget open and the draft in it", async () => {
  await visit(`<body>${ui.snippet()}</body>`);
  await open();
  await ui.control().fill("Rivera");
  await ui.page.evaluate(() => {
    const body = document.createElement("body");
    body.append("Another page");
    document.documentElement.replaceChild(body, document.body);
  });
  await ui.page.getByText("Another page").waitFor();
  await dialog().waitFor();
  assert.equal(await ui.control().inputValue(), "Rivera");
});

test("calls made before the loader is there are not lost", async () => {
  const stub = "window.usher=function(){(usher.q=usher.q||[]).push(arguments)};";
  await visit(
    `<body><script>${stub}usher("on","answer",(detail)=>{document.title=detail.field});usher("open")</script>${ui.snippet()}</body>`,
  );
  await ui.type("Rivera Dental");
  await ui.page.waitForFunction(() => document.title === "business_name");
});

test("on a phone the widget fills the screen and holds the focus and the page behind", async () => {
  await ui.page.setViewportSize({ width: 390, height: 844 });
  await visit(`<body><p style="height:3000px">Long</p>${ui.snippet()}</body>`);
  await open();
  await dialog().and(ui.page.locator('[aria-modal="true"]')).waitFor();
  const layout = await dialog().evaluate((/** @type {HTMLElement} */ panel) => [
    panel.offsetLeft,
    panel.offsetTop,
    panel.offsetWidth,
    panel.offsetHeight,
  ]);
  assert.deepEqual(layout, [0, 0, 390, 844]);
  assert.equal(await ui.control().evaluate((input) => getComputedStyle(input).fontSize), "16px");
  await ui.page.waitForFunction(() => document.documentElement.style.overflow === "hidden");
  for (let step = 0; step < 12; step += 1) {
    await ui.page.keyboard.press("Tab");
    assert.equal(await dialog().locator(":focus").count(), 1);
  }
  await ui.page.keyboard.press("Escape");
  await ui.page.waitForFunction(() => document.documentElement.style.overflow === "");
});
