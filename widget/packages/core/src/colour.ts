/** A colour as red, green and blue from 0 to 255. */
export type Rgb = readonly [number, number, number];

const READABLE = 4.5;
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];

/** The first three numbers of `rgb(…)`, or the digits of `#rgb` and `#rrggbb`; `null` for anything else. */
export function parseColour(text: string): Rgb | null {
  const hex = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(text.trim())?.[1];
  if (hex) {
    const wide = hex.length === 3 ? hex.replace(/./g, "$&$&") : hex;
    const [red = 0, green = 0, blue = 0] = wide.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
    return [red, green, blue];
  }
  const parts = /^rgba?\(([\d.]+)[, ]+([\d.]+)[, ]+([\d.]+)/.exec(text.trim());
  return parts ? [Number(parts[1]), Number(parts[2]), Number(parts[3])] : null;
}

/** WCAG contrast of two colours, 1 to 21. */
export function contrast(left: Rgb, right: Rgb): number {
  const [light, dark] = [luminance(left), luminance(right)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Black or white, whichever reads better on `background`. */
export function textOn(background: Rgb): Rgb {
  return contrast(background, WHITE) >= READABLE
    ? WHITE
    : contrast(background, BLACK) > contrast(background, WHITE)
      ? BLACK
      : WHITE;
}

/** `colour`, moved towards black or white just as far as it takes to be read on `background`. */
export function readable(colour: Rgb, background: Rgb): Rgb {
  const towards = luminance(background) > 0.4 ? BLACK : WHITE;
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = mix(colour, towards, share);
    if (contrast(mixed, background) >= READABLE) return mixed;
  }
  return towards;
}

export function css([red, green, blue]: Rgb): string {
  return `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)})`;
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  return [0, 1, 2].map((part) => (from[part] ?? 0) * (1 - share) + (to[part] ?? 0) * share) as unknown as Rgb;
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
