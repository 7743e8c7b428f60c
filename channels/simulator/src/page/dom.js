// The little that both pages share. Text only ever becomes text nodes.

/** Makes an element: `el("a", { href, className }, "text", child)`. */
export function el(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Formats a North American number for reading; others stay as they are. */
export function readable(number) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts ? `+1 ${parts[1]} ${parts[2]}-${parts[3]}` : number;
}

/** Asks the simulator; an error carries its sentence. */
export async function ask(path, options) {
  const response = await fetch(path, options);
  const body = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(body?.error ?? `The simulator answered ${response.status}.`);
  return body;
}

const LINK = /https?:\/\/[^\s<>"]+/g;

/** Text with its links, which open in a new tab. */
export function withLinks(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const href = match[0].replace(/[.,!?;:)\]'"]+$/, "");
    parts.push(text.slice(end, match.index));
    parts.push(el("a", { href, target: "_blank", rel: "noopener noreferrer" }, href));
    end = match.index + href.length;
  }
  parts.push(text.slice(end));
  return parts;
}
