import { mount } from "./app.ts";

// The hosted page: the server puts the capability into a meta element, the rest is the widget without a host page.
const session = document.querySelector<HTMLMetaElement>('meta[name="usher-session"]')?.content ?? "";
const host = document.querySelector<HTMLElement>("#usher");
if (host) {
  const root = host.attachShadow({ mode: "open" });
  const container = document.createElement("div");
  root.append(container);
  host.setAttribute("page", "");
  host.setAttribute("session", session);
  mount(host, container, new URL(/* @vite-ignore */ "../..", import.meta.url).href);
}
