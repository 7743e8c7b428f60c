// Loads a hosted page in Chromium several times with an empty cache and prints, as JSON, the median first paint and the
// gzip size of what was loaded. Run from widget/, whose packages it uses:
//   node ../tests/load/first-paint.mjs <url> <rounds>
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";

const [url, rounds] = process.argv.slice(2);
const { chromium } = createRequire(`${process.cwd()}/package.json`)("playwright-core");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const paints = [];
let sizes = {};
for (let round = 0; round < Number(rounds); round += 1) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const bodies = [];
  page.on("response", (response) => {
    const type = response.headers()["content-type"] ?? "";
    if (type.includes("javascript")) bodies.push(response.body().then((body) => [response.url(), body]));
  });
  await page.goto(url, { waitUntil: "networkidle" });
  paints.push(
    await page.evaluate(
      () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
    ),
  );
  sizes = Object.fromEntries(
    (await Promise.all(bodies)).map(([from, body]) => [
      new URL(from).pathname,
      gzipSync(body, { level: 9 }).length,
    ]),
  );
  await context.close();
}
await browser.close();
paints.sort((a, b) => a - b);
const paint = paints[Math.floor(paints.length / 2)];
console.log(
  JSON.stringify({ first_paint_ms: paint, script_bytes: Object.values(sizes).reduce((a, b) => a + b, 0) }),
);
