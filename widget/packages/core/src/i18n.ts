import en from "../locales/en.json";

/** Every sentence of the widget, by key. English is in the bundle, the others are fetched when wanted. */
export type Catalogue = Record<keyof typeof en, string>;
export type MessageKey = keyof typeof en;
export type Translate = (key: MessageKey, values?: Record<string, string | number>) => string;

export const english: Catalogue = en;
/** Languages the widget ships a catalogue for. */
export const LOCALES: readonly string[] = ["en", "es"];
const RIGHT_TO_LEFT = new Set(["ar", "dv", "fa", "he", "ku", "ps", "ur", "yi"]);

/** The shipped language nearest to what is wanted: `es-MX` gives `es`, an unknown one gives English. */
export function pickLocale(...wanted: (string | null | undefined)[]): string {
  for (const locale of wanted) {
    const language = locale?.toLowerCase().split("-")[0];
    if (language && LOCALES.includes(language)) return language;
  }
  return "en";
}

export function direction(locale: string): "ltr" | "rtl" {
  return RIGHT_TO_LEFT.has(locale.split("-")[0] ?? "") ? "rtl" : "ltr";
}

/** Puts values into `{name}` places; a missing sentence falls back to English. */
export function translator(catalogue: Partial<Catalogue>): Translate {
  return (key, values = {}) =>
    (catalogue[key] ?? english[key]).replace(/\{(\w+)\}/g, (place, name: string) =>
      String(values[name] ?? place),
    );
}
