import type { Mount } from "./mount.ts";
import css from "./launcher.css?inline";

declare const __HASH__: string;

type Command = "init" | "set" | "open" | "close" | "toggle" | "on" | "shutdown";
type Settings = Record<string, string | boolean | null>;
/** `usher("on", "answer", listener)`, `usher("set", {…})`, `usher("open")`. */
type Call = [command: Command, argument?: unknown, listener?: (detail: unknown) => void];
/** The stub of the embed snippet collects `arguments` objects in `q` until this script runs. */
type Queue = ((...call: Call) => void) & { q?: Iterable<Call> };

const TAG = "usher-widget";
const ICON = "M4 12a8 8 0 1 1 3.2 6.4L4 20l1-3.6A8 8 0 0 1 4 12Zm4.5 0h.01M12 12h.01M15.5 12h.01";
const page = window as unknown as { usher?: Queue };
const script = document.currentScript as HTMLScriptElement;
const here = script.src;
const base = new URL("..", here).href;
const settings: Settings = { ...script.dataset } as Settings;

/** Everything the widget needs besides its launcher; fetched when somebody is about to use it. */
let app: Promise<{ mount: Mount }> | undefined;
const load = (): Promise<{ mount: Mount }> =>
  (app ??= import(/* @vite-ignore */ new URL(`${__HASH__}/app.js`, here).href) as Promise<{ mount: Mount }>);

class UsherWidget extends HTMLElement {
  static observedAttributes = ["open"];
  #launcher: HTMLButtonElement | undefined;
  #mounted: Promise<(() => void) | undefined> | undefined;

  connectedCallback(): void {
    // A page that swaps its body moves the element: everything inside goes on.
    if (this.shadowRoot) return;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    if (this.hasAttribute("inline")) this.#mount();
    else this.#launch();
  }

  disconnectedCallback(): void {
    setTimeout(() => {
      if (!this.isConnected) void this.#mounted?.then((unmount) => unmount?.());
    });
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    // Setting an attribute that is there already is no opening.
    if (this.#launcher && (before === null) !== (after === null)) this.#toggled(after !== null);
  }

  #launch(): void {
    const button = document.createElement("button");
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS(icon.namespaceURI, "path");
    icon.setAttribute("viewBox", "0 0 24 24");
    path.setAttribute("d", ICON);
    icon.append(path);
    button.append(icon);
    button.ariaLabel = this.getAttribute("label") ?? "Chat";
    button.ariaExpanded = "false";
    button.ariaHasPopup = "dialog";
    button.onclick = () => this.toggleAttribute("open");
    button.onpointerenter = button.onfocus = load;
    this.#launcher = button;
    this.shadowRoot?.append(button);
    if (this.hasAttribute("open")) this.#toggled(true);
  }

  #toggled(open: boolean): void {
    if (this.#launcher) this.#launcher.ariaExpanded = String(open);
    if (open) this.#mount();
    else this.#launcher?.focus();
    this.dispatchEvent(
      new CustomEvent(`usher:${open ? "open" : "close"}`, { bubbles: true, composed: true }),
    );
  }

  #mount(): void {
    this.#mounted ??= load().then(
      ({ mount }) => {
        const container = document.createElement("div");
        this.shadowRoot?.prepend(container);
        return mount(this, container, base);
      },
      () => {
        // The next opening tries again.
        app = this.#mounted = undefined;
        this.removeAttribute("open");
        return undefined;
      },
    );
  }
}

let own: HTMLElement | undefined;

function apply(changes: Settings): void {
  own ??= document.querySelector<HTMLElement>(TAG) ?? document.createElement(TAG);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === false) own.removeAttribute(name);
    else own.setAttribute(name, value === true ? "" : value);
  }
  keep();
}

/** Puts our element back where a body swap lost it. */
function keep(): void {
  if (own && !own.isConnected) document.body?.append(own);
}

function run([command, argument, listener]: Call): void {
  if (command === "on") {
    document.addEventListener(`usher:${argument as string}`, (event) =>
      listener?.((event as CustomEvent).detail),
    );
  } else if (command === "shutdown") {
    const element = own;
    own = undefined;
    element?.remove();
  } else if (command === "init" || command === "set") apply(argument as Settings);
  else apply({ open: command === "toggle" ? !own?.hasAttribute("open") : command === "open" });
}

if (!customElements.get(TAG)) {
  customElements.define(TAG, UsherWidget);
  const waiting = page.usher?.q ?? [];
  page.usher = (...call) => run(call);
  // The body may not be there yet, and frameworks replace it: both are a change of the root's children.
  new MutationObserver(keep).observe(document.documentElement, { childList: true });
  for (const call of waiting) run(call);
}
if (settings["session"]) page.usher?.("init", settings);
