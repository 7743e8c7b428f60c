import { css, parseColour, readable, textOn, type Rgb } from "@usher/core";

const DEFAULT_ACCENT: Rgb = [36, 84, 214];

export type Scheme = "light" | "dark";

/** Adds styles to the shadow root an element is in. Never a `style` element: strict host pages ignore those. */
export function adopt(inside: HTMLElement, styles: string): void {
  const root = inside.getRootNode() as ShadowRoot;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** The scheme to draw in: the host's wish, else the system's. */
export function schemeOf(host: HTMLElement): Scheme {
  const wish = host.getAttribute("theme");
  if (wish === "light" || wish === "dark") return wish;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/**
 * Derives the accent's companions from whatever accent the host page or the organisation chose, so that text on it
 * and text in it can be read. `surface` is the drawn root element.
 */
export function applyAccent(host: HTMLElement, surface: HTMLElement, organisation: string | null): void {
  const wishes = [
    getComputedStyle(host).getPropertyValue("--usher-accent"),
    host.getAttribute("accent"),
    organisation,
  ];
  const accent =
    wishes.map((wish) => resolve(wish, surface)).find((colour) => colour !== null) ?? DEFAULT_ACCENT;
  const ground = parseColour(getComputedStyle(surface).backgroundColor) ?? [255, 255, 255];
  surface.style.setProperty("--accent", css(accent));
  surface.style.setProperty("--on-accent", css(textOn(accent)));
  surface.style.setProperty("--accent-text", css(readable(accent, ground)));
  // The launcher lives outside the surface. Names of its own: what the host page set must stay what it set.
  host.style.setProperty("--usher-launcher", css(accent));
  host.style.setProperty("--usher-launcher-ink", css(textOn(accent)));
}

/** Any CSS colour as numbers: the browser itself turns names and functions into `rgb()`. */
function resolve(wish: string | null | undefined, surface: HTMLElement): Rgb | null {
  const text = wish?.trim();
  if (!text) return null;
  const direct = parseColour(text);
  if (direct || !CSS.supports("color", text)) return direct;
  surface.style.setProperty("color", text);
  const computed = getComputedStyle(surface).color;
  surface.style.removeProperty("color");
  return parseColour(computed);
}
