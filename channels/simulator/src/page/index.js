import { ask, el, readable } from "./dom.js";

const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const list = document.getElementById("handsets");

function card({ phone, name, last }) {
  const preview = last ? `${last.mine ? "You: " : ""}${last.text || "Picture"}` : "No messages yet";
  return el(
    "li",
    {},
    el(
      "a",
      { href: `/handset/${phone.slice(1)}` },
      el("strong", {}, name ?? readable(phone)),
      el("span", { className: "number" }, name ? readable(phone) : ""),
      el("span", { className: "preview" }, preview),
      last ? el("time", { dateTime: new Date(last.at).toISOString() }, time.format(last.at)) : null,
    ),
  );
}

document.getElementById("open").addEventListener("submit", (event) => {
  event.preventDefault();
  const digits = document.getElementById("number").value.replace(/\D/g, "");
  if (digits.length < 7 || digits.length > 15) {
    document.getElementById("hint").textContent = "That is not a telephone number with its country code.";
    return;
  }
  location.href = `/handset/${digits}`;
});

try {
  const handsets = await ask("/_sim/handsets");
  list.replaceChildren(...handsets.map(card));
  document.getElementById("empty").hidden = handsets.length > 0;
} catch {
  list.replaceChildren(el("li", {}, "The simulator does not answer. Reload the page when it runs again."));
}
