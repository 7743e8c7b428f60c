// The telephone's calls: ringing, talking, captions, keys.

import { ask, el, readable } from "./dom.js";
import { Sound } from "./sound.js";

const KEYS = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
];
/** How long the screen stays when a call has ended, in milliseconds. */
const FAREWELL = 1800;

const $ = (id) => document.getElementById(id);
const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;

let call = null;
let sound = null;
let log = null;
let clock = null;
let recognition = null;
let open = new Map();

function post(path, body = {}) {
  return ask(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** Does something with the call; what went wrong is shown. */
async function act(what, body) {
  if (!call) return;
  try {
    await post(`/_sim/calls/${call.sid}/${what}`, body);
    note("");
  } catch (error) {
    note(error.message);
  }
}

function note(message) {
  $("call-error").textContent = message;
  $("call-error").hidden = !message;
}

// ---- The screen -------------------------------------------------------------------------------

function state() {
  if (call.phase === "ended") return "Call ended";
  if (call.phase === "ringing") return call.direction === "incoming" ? "Incoming call" : "Calling…";
  const seconds = Math.floor((Date.now() - call.since) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function draw() {
  const incoming = call.phase === "ringing" && call.direction === "incoming";
  const talking = call.phase === "talking";
  $("call").dataset.phase = call.phase;
  $("call-peer").textContent = readable(call.peer);
  $("call-incoming").hidden = !incoming;
  $("call-talk").hidden = !talking;
  $("call-keys").hidden ||= !talking;
  $("call-controls").hidden = incoming || call.phase === "ended";
  for (const id of ["call-keypad", "call-quiet", "call-back"]) $(id).disabled = !talking;
  $("dial").disabled = true;
  tell();
}

function tell() {
  // The seconds are for the eye; only what changes is announced.
  $("call-state").textContent = state();
  $("call-announce").textContent = call.phase === "talking" ? "Connected" : state();
  $("return-text").textContent = `${readable(call.peer)} · ${state()}`;
}

function minimise(small) {
  $("call").hidden = small;
  $("return").hidden = !small;
  (small ? $("text") : $("speak")).focus();
}

function begin(next) {
  call = { ...next, since: Date.now() };
  open = new Map();
  $("captions").replaceChildren();
  $("call-keys").hidden = true;
  $("call-keypad").setAttribute("aria-expanded", "false");
  $("return").hidden = true;
  $("call").hidden = false;
  note("");
  draw();
  (call.direction === "incoming" && call.phase === "ringing" ? $("answer") : $("hangup")).focus();
  log = new EventSource(`/_sim/calls/${call.sid}/events`);
  log.addEventListener("entry", (event) => show(JSON.parse(event.data)));
}

function connect() {
  call.since = Date.now();
  clock = setInterval(tell, 1000);
  sound = new Sound();
  sound.muted = $("call-quiet").getAttribute("aria-pressed") === "true";
  sound.play(`/_sim/calls/${call.sid}/audio`);
  if (!$("call").hidden) $("speak").focus();
}

function end() {
  clearInterval(clock);
  sound?.stop();
  sound = null;
  log?.close();
  listen(false);
  const ended = call;
  setTimeout(() => {
    if (call !== ended) return;
    call = null;
    $("call").hidden = true;
    $("return").hidden = true;
    $("dial").disabled = false;
    if (document.activeElement === document.body) $("dial").focus();
  }, FAREWELL);
}

/** A call has changed. */
export function onCall(next) {
  if (!next) return;
  if (call?.sid !== next.sid) {
    const busy = call && call.phase !== "ended";
    if (busy || next.phase === "ended") return;
    begin(next);
    if (next.phase === "talking") connect();
    return;
  }
  const before = call.phase;
  if (before === "ended") return;
  call.phase = next.phase;
  if (before !== "talking" && next.phase === "talking") connect();
  if (next.phase === "ended") end();
  draw();
}

/** A call that was going on before the page was opened. */
export async function takeUp(api) {
  const calls = await ask(`${api}/calls`);
  const going = calls.findLast((known) => known.phase !== "ended");
  if (going) onCall(going);
  else if (call && call.phase !== "ended") onCall({ ...call, phase: "ended" });
}

// ---- Captions ---------------------------------------------------------------------------------

function caption(mine, text, done) {
  const list = $("captions");
  const key = mine ? "mine" : "theirs";
  let line = open.get(key);
  if (!line) {
    line = el(
      "p",
      { className: `caption ${key}` },
      el("span", { className: "hidden" }, mine ? "You: " : "They: "),
      el("span"),
    );
    list.append(line);
    open.set(key, line);
  }
  line.lastChild.textContent = text;
  line.classList.toggle("going", !done);
  if (done) open.delete(key);
  if (done && !text) line.remove();
  list.scrollTop = list.scrollHeight;
}

// The keypad takes its room from the captions; the newest one stays in sight.
new ResizeObserver(() => ($("captions").scrollTop = $("captions").scrollHeight)).observe($("captions"));

function show(entry) {
  switch (entry.event) {
    case "hearing":
      return caption(false, entry.text, false);
    case "heard":
      return caption(false, entry.detail.whole ? entry.text : entry.text && `${entry.text} …`, true);
    case "saying":
      return caption(true, entry.text, false);
    case "said":
      return caption(true, entry.text, true);
    case "digit":
      return caption(true, `Key ${entry.text}`, true);
  }
}

// ---- Speaking ---------------------------------------------------------------------------------

/** Switches the microphone on or off, where the browser can recognise speech. */
function listen(on) {
  recognition?.abort();
  recognition = null;
  if (on) {
    recognition = new Recognition();
    recognition.continuous = true;
    recognition.lang = navigator.language;
    recognition.addEventListener("result", (event) => {
      for (const result of [...event.results].slice(event.resultIndex)) {
        const text = result[0].transcript.trim();
        if (result.isFinal && text) act("say", { text });
      }
    });
    recognition.addEventListener("error", (event) => {
      if (event.error !== "aborted" && event.error !== "no-speech") {
        note("The microphone cannot be used here. You can type what you say.");
      }
    });
    recognition.addEventListener("end", () => $("microphone").setAttribute("aria-pressed", "false"));
    recognition.start();
  }
  $("microphone").setAttribute("aria-pressed", String(on));
}

export function setUp(api, peer, fail) {
  $("dial").addEventListener("click", async () => {
    if (!peer()) return;
    fail(null);
    try {
      onCall(await post(`${api}/calls`, { to: peer() }));
    } catch (error) {
      fail(`Not called. ${error.message}`);
    }
  });
  $("answer").addEventListener("click", () => act("answer"));
  $("decline").addEventListener("click", () => act("decline"));
  $("hangup").addEventListener("click", () => act("hangup"));
  $("call-back").addEventListener("click", () => minimise(true));
  $("return").addEventListener("click", () => minimise(false));
  $("call-talk").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("speak").value.trim();
    if (!text) return;
    $("speak").value = "";
    act("say", { text });
  });
  $("microphone").hidden = !Recognition;
  $("microphone").addEventListener("click", () =>
    listen($("microphone").getAttribute("aria-pressed") !== "true"),
  );
  $("call-keypad").addEventListener("click", () => {
    $("call-keys").hidden = !$("call-keys").hidden;
    $("call-keypad").setAttribute("aria-expanded", String(!$("call-keys").hidden));
    if (!$("call-keys").hidden) $("call-keys").querySelector("button").focus();
  });
  $("call-quiet").addEventListener("click", () => {
    const quiet = $("call-quiet").getAttribute("aria-pressed") !== "true";
    $("call-quiet").setAttribute("aria-pressed", String(quiet));
    if (sound) sound.muted = quiet;
  });
  for (const [key, letters] of KEYS) {
    const button = el(
      "button",
      { type: "button" },
      el("strong", {}, key),
      el("small", { ariaHidden: "true" }, letters),
    );
    button.addEventListener("click", () => act("digits", { digits: key }));
    $("call-keys").append(button);
  }
  $("call").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && call?.phase === "talking") minimise(true);
    const typing = event.target.id === "speak";
    if (!typing && call?.phase === "talking" && /^[0-9*#]$/.test(event.key))
      act("digits", { digits: event.key });
  });
}
