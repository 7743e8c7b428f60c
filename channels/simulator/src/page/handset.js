import { onCall, setUp as setUpCalls, takeUp } from "./call.js";
import { ask, el, readable, withLinks } from "./dom.js";

const QUICK = [
  ["STOP", "Stop all texts"],
  ["START", "Allow texts again"],
  ["HELP", "Ask for help"],
  ["YES", "Agree"],
  ["NO", "Disagree"],
];
const MAX_FILE = 5 * 1024 * 1024;

const phone = `+${decodeURIComponent(location.pathname).split("/").pop().replace(/\D/g, "")}`;
const api = `/_sim/handsets/${phone.slice(1)}`;
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });
const $ = (id) => document.getElementById(id);

let peer = null;
let lines = new Map();
let attachment = null;

// ---- The conversation -------------------------------------------------------------------------

function ticks(line) {
  if (!line.mine) return null;
  const words = { sending: "Sending", delivered: "Delivered", failed: "Not delivered" }[line.state];
  if (line.state === "failed") return el("span", { className: "ticks failed" }, words);
  const mark = { sending: "✓", delivered: "✓✓" }[line.state];
  return el("span", { className: `ticks ${line.state}`, title: words, ariaLabel: words, role: "img" }, mark);
}

function picture({ url, content_type: type }) {
  const link = el("a", { href: url, target: "_blank", rel: "noopener noreferrer", className: "media" });
  // Files elsewhere are only linked: this page loads nothing from other hosts.
  const shown = type.startsWith("image/") && url.startsWith("/");
  link.append(shown ? el("img", { src: url, alt: "Picture", loading: "lazy" }) : "Open the attached file");
  return link;
}

function bubble(line) {
  const who = line.mine ? "You" : "They";
  return el(
    "div",
    { className: `line ${line.mine ? "mine" : "theirs"}`, id: `line-${line.id}` },
    el(
      "div",
      { className: "bubble" },
      el("span", { className: "hidden" }, `${who} wrote: `),
      ...line.media.map(picture),
      line.text ? el("p", {}, ...withLinks(line.text)) : null,
    ),
    el(
      "div",
      { className: "meta" },
      el("time", { dateTime: new Date(line.at).toISOString() }, clock.format(line.at)),
      ticks(line),
    ),
  );
}

function dayOf(line) {
  return calendar.format(line.at);
}

function atBottom() {
  const log = $("log");
  return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
}

function toBottom() {
  $("log").scrollTop = $("log").scrollHeight;
}

// Less room (a keyboard, a turned phone) does not take the newest line out of sight.
let room = 0;
let following = true;
$("log").addEventListener("scroll", () => {
  if ($("log").clientHeight === room) following = atBottom();
});
new ResizeObserver(() => {
  room = $("log").clientHeight;
  if (following) toBottom();
}).observe($("log"));

/** Draws the whole conversation; used at the start and when the number changes. */
function draw() {
  const log = $("log");
  const empty = $("empty");
  log.replaceChildren(empty);
  let day = null;
  for (const line of lines.values()) {
    if (line.peer !== peer) continue;
    if (dayOf(line) !== day) {
      day = dayOf(line);
      log.append(el("h2", { className: "day" }, day));
    }
    log.append(bubble(line));
  }
  empty.hidden = day !== null;
  toBottom();
}

/** Adds or changes one bubble. */
function show(line) {
  const known = $(`line-${line.id}`);
  const follow = atBottom() || line.mine;
  const previous = [...lines.values()].findLast((other) => other.peer === line.peer);
  lines.set(line.id, line);
  if (line.peer !== peer) {
    offerNumbers([line.peer]);
    return;
  }
  if (known) {
    known.replaceWith(bubble(line));
  } else {
    if (!previous || dayOf(previous) !== dayOf(line))
      $("log").append(el("h2", { className: "day" }, dayOf(line)));
    const arriving = bubble(line);
    arriving.classList.add("arriving");
    $("log").append(arriving);
    $("empty").hidden = true;
  }
  if (follow) toBottom();
}

// ---- Whom the phone talks with ----------------------------------------------------------------

const offered = new Set();

function offerNumbers(numbers) {
  for (const number of numbers) {
    if (!number || offered.has(number)) continue;
    offered.add(number);
    $("numbers").append(el("option", { value: number }, readable(number)));
  }
  $("switch").hidden = offered.size < 2;
}

function choose(number) {
  peer = number;
  $("peer").textContent = number ? readable(number) : "Nobody to text";
  $("numbers").value = number ?? "";
  ready();
}

async function load() {
  const [about, history] = await Promise.all([ask(api), ask(`${api}/messages`)]);
  document.title = `${about.name ?? readable(phone)} · Handset`;
  $("owner").textContent = about.name ? `${about.name}’s phone` : `Phone ${readable(phone)}`;
  lines = new Map(history.map((line) => [line.id, line]));
  offerNumbers([...about.numbers, ...history.map((line) => line.peer)]);
  choose(peer ?? about.peer);
  draw();
}

// ---- Writing ----------------------------------------------------------------------------------

function ready() {
  $("dial").hidden = !peer;
  $("send").disabled = !peer || !($("text").value.trim() || attachment);
}

function fit() {
  const text = $("text");
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

function fail(message) {
  $("error").textContent = message ?? "";
  $("error").hidden = !message;
}

async function send(body, media = []) {
  fail(null);
  try {
    await ask(`${api}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ to: peer, body, media }),
    });
    return true;
  } catch (error) {
    fail(`Not sent. ${error.message}`);
    return false;
  }
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let start = 0; start < bytes.length; start += 32768) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 32768));
  }
  return btoa(binary);
}

function attach(file) {
  if (attachment) URL.revokeObjectURL(attachment.preview);
  attachment = null;
  $("attached").replaceChildren();
  if (file && file.size > MAX_FILE) {
    fail("Pictures can have at most 5 MB.");
  } else if (file) {
    fail(null);
    attachment = { file, preview: URL.createObjectURL(file) };
    const shown = file.type.startsWith("image/") ? el("img", { src: attachment.preview, alt: "" }) : null;
    const remove = el("button", { type: "button", ariaLabel: `Remove ${file.name}` }, "×");
    remove.addEventListener("click", () => attach(null));
    $("attached").append(...[shown, el("span", {}, file.name), remove].filter(Boolean));
  }
  $("attached").hidden = !attachment;
  $("file").value = "";
  ready();
}

$("compose").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = $("text").value.trim();
  if (!peer || (!body && !attachment)) return;
  const media = attachment
    ? [
        {
          content_type: attachment.file.type || "application/octet-stream",
          data: await base64(attachment.file),
        },
      ]
    : [];
  $("send").disabled = true;
  if (await send(body, media)) {
    $("text").value = "";
    attach(null);
    fit();
  }
  ready();
  $("text").focus();
});
$("text").addEventListener("input", () => {
  fit();
  ready();
});
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("compose").requestSubmit();
  }
});
$("text").addEventListener("paste", (event) => {
  const file = event.clipboardData?.files[0];
  if (file) attach(file);
});
$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => attach($("file").files[0]));
$("numbers").addEventListener("change", () => {
  choose($("numbers").value);
  draw();
});

for (const [word, meaning] of QUICK) {
  const button = el(
    "button",
    { type: "button", role: "menuitem" },
    el("strong", {}, word),
    el("span", {}, meaning),
  );
  button.addEventListener("click", () => {
    $("quick").hidePopover();
    send(word);
  });
  $("quick").append(button);
}
$("quick").addEventListener("toggle", (event) => {
  if (event.newState === "open") $("quick").querySelector("button").focus();
});
$("quick").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...$("quick").children];
  buttons.at((buttons.indexOf(document.activeElement) + step) % buttons.length).focus();
});

// ---- Live updates -----------------------------------------------------------------------------

setUpCalls(api, () => peer, fail);
load().catch(offline);
// The stream opens with a `reload`, so that nothing is missed between the first look and the first event.
const events = new EventSource(`${api}/events`);
events.addEventListener("line", (event) => show(JSON.parse(event.data)));
events.addEventListener("call", (event) => onCall(JSON.parse(event.data)));
events.addEventListener("reload", () =>
  Promise.all([load(), takeUp(api)]).then(() => ($("offline").hidden = true), offline),
);
events.addEventListener("error", offline);

function offline() {
  $("offline").hidden = false;
}
