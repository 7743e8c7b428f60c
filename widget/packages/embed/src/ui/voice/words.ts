import en from "../../../locales/voice.en.json";
import es from "../../../locales/voice.es.json";

type Key = keyof typeof en;
type Words = (key: Key, values?: Record<string, string>) => string;

/** The voice mode's sentences. They come with it, so that nobody downloads them who does not talk. */
export function wordsIn(locale: string): Words {
  const catalogue: Record<Key, string> = locale === "es" ? es : en;
  return (key, values = {}) =>
    catalogue[key].replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place);
}
