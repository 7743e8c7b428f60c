// Draws the README's picture from a running demo: the client's phone beside the same session in the widget.
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";

import { startBrowser, startDemo, startSite } from "./harness.mjs";

const PICTURE = resolve(import.meta.dirname, "../../docs/images/demo.png");

const site = await startSite();
const server = await startDemo();
const browser = await startBrowser();
try {
  const { simulator_url, widget_url, client } = server.demo;
  const context = await browser.newContext({ colorScheme: "light", reducedMotion: "reduce" });
  const phone = await context.newPage();
  await phone.setViewportSize({ width: 640, height: 900 });
  await phone.goto(`${simulator_url}/handset/${client.phone.replace(/\D/g, "")}`);
  const widget = await context.newPage();
  await widget.setViewportSize({ width: 960, height: 900 });
  await widget.goto(widget_url);

  const said = (/** @type {string} */ words) => phone.locator(".theirs", { hasText: words }).waitFor();
  const known = (/** @type {string} */ field) => widget.locator(`li[data-field="${field}"]`).waitFor();
  await said("exact name of your business");
  await server.text("Reyes Bakery");
  await said("Which phone number");
  await server.text("call us at 415 555 0199");
  await said("When are you open?");
  await server.text("tue to fri 7-5, sat 8 to 2");
  await said("Do you have a website today?");
  await known("business_hours");
  await widget.getByRole("radio", { name: "No" }).check();
  await widget.getByRole("button", { name: "Continue" }).click();
  await widget.getByRole("radio", { name: "Warm and friendly" }).check();

  const [left, right] = await Promise.all([phone.screenshot(), widget.screenshot()]);
  const image = (/** @type {Buffer} */ png) => `<img src="data:image/png;base64,${png.toString("base64")}">`;
  site.serve(`<style>body{margin:0;display:flex;background:#f3f4f7}</style>${image(left)}${image(right)}`);
  const both = await context.newPage();
  await both.setViewportSize({ width: 1600, height: 900 });
  await both.goto(site.origin);
  await mkdir(resolve(PICTURE, ".."), { recursive: true });
  await both.screenshot({ path: PICTURE });
} finally {
  await browser.close();
  await server.stop();
  await site.stop();
}
