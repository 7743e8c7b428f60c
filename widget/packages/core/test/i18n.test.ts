import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

import { describe, expect, it } from "vitest";

import { direction, english, pickLocale, translator } from "../src/i18n.ts";

const folder = resolve(import.meta.dirname, "../locales");
const others = readdirSync(folder).filter((name) => name !== "en.json");
const places = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

describe.each(others)("the catalogue %s", (name) => {
  const catalogue = JSON.parse(readFileSync(resolve(folder, name), "utf8")) as Record<string, string>;

  it("has exactly the sentences of the English one, in the same order", () => {
    expect(Object.keys(catalogue)).toEqual(Object.keys(english));
  });

  it("has the same places for values in every sentence", () => {
    const of = (texts: Record<string, string>) =>
      Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, places(text)]));
    expect(of(catalogue)).toEqual(of(english));
  });
});

it("fills in values and falls back to English", () => {
  const t = translator({ "form.step": "Paso {step} de {total}" });
  expect(t("form.step", { step: 2, total: 5 })).toBe("Paso 2 de 5");
  expect(t("actions.send")).toBe("Send");
});

it("picks the nearest language it has", () => {
  expect(pickLocale("es-MX")).toBe("es");
  expect(pickLocale(null, undefined, "xx", "es")).toBe("es");
  expect(pickLocale("xx")).toBe("en");
  expect(direction("ar-EG")).toBe("rtl");
  expect(direction("es")).toBe("ltr");
});
