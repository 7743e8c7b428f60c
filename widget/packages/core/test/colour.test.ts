import { expect, it } from "vitest";

import { contrast, parseColour, readable, type Rgb, textOn } from "../src/colour.ts";

const ACCENTS = [
  "#fff",
  "#000",
  "#ffff00",
  "#00ff00",
  "#ff0000",
  "#0066cc",
  "#777777",
  "#7f5af0",
  "#ffb703",
  "#2454d6",
];
const GROUNDS: Rgb[] = [
  [255, 255, 255],
  [22, 24, 29],
];

it.each(ACCENTS)("makes text in and on the accent %s readable in light and dark", (text) => {
  const accent = parseColour(text) as Rgb;
  expect(contrast(textOn(accent), accent)).toBeGreaterThanOrEqual(4.5);
  for (const ground of GROUNDS)
    expect(contrast(readable(accent, ground), ground)).toBeGreaterThanOrEqual(4.5);
});

it("leaves a readable accent as it is", () => {
  expect(readable([0, 102, 204], [255, 255, 255])).toEqual([0, 102, 204]);
});

it("reads the forms browsers compute and people write, and nothing else", () => {
  expect(parseColour("#06c")).toEqual([0, 102, 204]);
  expect(parseColour("rgb(0, 102, 204)")).toEqual([0, 102, 204]);
  expect(parseColour("rgba(0 102 204 / 0.5)")).toEqual([0, 102, 204]);
  expect(parseColour("url(x)")).toBeNull();
});
