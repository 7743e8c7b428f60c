// Builds `dist/`: exactly the files under the server's `/w/`, plus the hosted page and the manifest.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "packages/embed/src");
const locales = join(root, "packages/core/locales");
const dist = join(root, "dist");

/** Gzip budgets in bytes of what a visitor downloads; a build over one of them fails. */
const BUDGETS = {
  "v1.js": 1536,
  "app.js": 25 * 1024,
  "rare.js": 4 * 1024,
  "chat.js": 3 * 1024,
  // With the microphone, the core and the voice mode together stay under 35 KB.
  "voice.js": 9 * 1024,
  "mic.js": 1024,
  "page.js": 1024,
};

/** What every browser of the last years runs without help. */
const TARGET = "es2022";
const CSS_TARGET = ["chrome111", "firefox113", "safari16.4"];

/**
 * Bundles one entry in memory.
 * @param {string} entry
 * @param {"es" | "iife"} format
 * @param {{ define?: Record<string, string>, external?: RegExp }} [options]
 * @returns {Promise<{ path: string, code: string }[]>} the entry first, then what it loads later
 */
async function bundle(entry, format, { define = {}, external } = {}) {
  const result = await build({
    root,
    configFile: false,
    logLevel: "warn",
    define,
    build: {
      write: false,
      target: TARGET,
      cssTarget: CSS_TARGET,
      minify: true,
      modulePreload: false,
      // A library build, because others wrap every lazy import in a preloader of 1 KB.
      lib: { entry: join(source, entry), formats: [format], name: "usher" },
      rolldownOptions: {
        // What a lazily loaded file shares with its entry stays in the entry.
        preserveEntrySignatures: "allow-extension",
        output: {
          entryFileNames: "[name].js",
          chunkFileNames: "[name].js",
          // Vite leaves white space and annotations of a library to its users; these files have none.
          minify: true,
          comments: false,
        },
        ...(external ? { external } : {}),
      },
    },
  });
  const [output] = /** @type {import("vite").Rolldown.RolldownOutput[]} */ (
    Array.isArray(result) ? result : [result]
  );
  const chunks = (output?.output ?? []).flatMap((chunk) =>
    chunk.type === "chunk" ? [{ path: chunk.fileName, code: chunk.code.trim() + "\n" }] : [],
  );
  if (chunks.length === 0) throw new Error(`${entry} gave no code`);
  return chunks;
}

/** @param {{ code: string }[]} chunks */
function only([chunk, ...others]) {
  if (!chunk || others.length > 0) throw new Error("expected a single file");
  return chunk.code;
}

/** What belongs into `dist/`. */
const emitted = new Set();

/**
 * A file that is there already is not touched: the server embeds it, and would be built anew.
 * @param {string} path @param {string | Buffer} content
 */
async function emit(path, content) {
  emitted.add(path);
  const file = join(dist, path);
  const before = await readFile(file).catch(() => null);
  if (before?.equals(Buffer.from(content))) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** @param {Buffer} content */
const gzip = (content) => gzipSync(content, { level: 9 });

/** @param {Buffer} content */
const brotli = (content) =>
  brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } });

/** Takes away what an earlier build left. */
async function clean() {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !emitted.has(relative(dist, file))) await rm(file);
  }
}

const app = await bundle("app.ts", "es");
const page = only(await bundle("page.ts", "es", { external: /\/app\.ts$/ }));
const mic = only(await bundle("ui/voice/mic.worklet.ts", "iife"));
const pageCss = await readFile(join(source, "page.css"));
const icon = await readFile(join(source, "icon.svg"));
const translations = (await readdir(locales)).filter((name) => name !== "en.json");
const texts = await Promise.all(
  translations.map(async (name) => ({
    name,
    // The files in the repository are for people, the ones on the wire are not.
    json: JSON.stringify(JSON.parse(await readFile(join(locales, name), "utf8"))),
  })),
);

const hash = createHash("sha256")
  .update(
    [...app.map(({ code }) => code), page, mic, pageCss, icon, ...texts.map(({ json }) => json)].join("\0"),
  )
  .digest("hex")
  .slice(0, 12);

for (const { path, code } of app) await emit(`${hash}/${path}`, code);
await emit(`${hash}/page.js`, page.replace(/["'][^"']*\/app\.ts["']/, '"./app.js"'));
await emit(`${hash}/mic.js`, mic);
await emit(`${hash}/page.css`, pageCss);
await emit(`${hash}/icon.svg`, icon);
for (const { name, json } of texts) await emit(`${hash}/l/${name}`, json);
await emit("v1.js", only(await bundle("loader.ts", "iife", { define: { __HASH__: JSON.stringify(hash) } })));
const html = await readFile(join(source, "page.html"), "utf8");
await emit("page.html", html.replaceAll("__HASH__", hash));

/** @type {Record<string, { bytes: number, gzip: number, brotli: number }>} */
const manifest = {};
let overBudget = false;
for (const path of [...emitted].sort()) {
  const content = await readFile(join(dist, path));
  const [gz, br] = [gzip(content), brotli(content)];
  // The page is filled in per request, so a compressed copy of it would be of no use.
  if (path !== "page.html") {
    await emit(`${path}.gz`, gz);
    await emit(`${path}.br`, br);
  }
  manifest[path] = { bytes: content.length, gzip: gz.length, brotli: br.length };
  const budget = Object.entries(BUDGETS).find(([name]) => path === name || path.endsWith(`/${name}`))?.[1];
  const over = budget !== undefined && gz.length > budget;
  overBudget ||= over;
  const limit = budget === undefined ? "" : `  of ${budget}${over ? "  OVER BUDGET" : ""}`;
  console.log(
    `${path.padEnd(28)} ${String(content.length).padStart(7)} B  gzip ${String(gz.length).padStart(6)}${limit}`,
  );
}
await emit("manifest.json", JSON.stringify({ hash, files: manifest }, null, 2) + "\n");
await clean();
if (overBudget) process.exitCode = 1;
