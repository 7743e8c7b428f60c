import {
  Conversation,
  direction,
  english,
  pickLocale,
  translator,
  type Catalogue,
  type State,
} from "@usher/core";
import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { applyAccent, schemeOf } from "../theme.ts";
import { UsherContext, type Usher } from "./context.ts";
import { useConversation, useMedia } from "./hooks.ts";
import { Panel } from "./Panel.tsx";

interface AppProps {
  host: HTMLElement;
  /** Where the server is. */
  base: string;
  /** Where the lazily loaded files are. */
  assets: string;
}

export type Mode = "form" | "chat" | "voice";
export type Layout = "panel" | "inline" | "page";

/** One session in one host element: settings from its attributes, everything else from the server. */
export function App({ host, base, assets }: AppProps): JSX.Element {
  const attributes = useAttributes(host);
  const conversation = useMemo(() => new Conversation(base, attributes.session), [base, attributes.session]);
  useEffect(() => {
    if (!conversation.api.session) return;
    conversation.listen(({ name, detail }) => dispatch(host, name, detail));
    void conversation.start().then(() => dispatch(host, "ready", {}));
    return () => conversation.stop();
  }, [conversation, host]);

  const state = useConversation(conversation);
  const { locale, catalogue } = useCatalogue(assets, attributes.locale, state);
  const t = useMemo(() => translator(catalogue), [catalogue]);
  const [said, announce] = useState("");
  const usher: Usher = useMemo(
    () => ({ conversation, state, t, locale, announce }),
    [conversation, state, t, locale],
  );
  const surface = useTheme(host, attributes.theme + attributes.accent, state.view?.theme.accent ?? null);

  return (
    <div
      ref={surface}
      class={`usher ${attributes.layout}`}
      lang={locale}
      dir={direction(locale)}
      hidden={attributes.layout === "panel" && !attributes.open}
    >
      <UsherContext.Provider value={usher}>
        <Panel
          key={attributes.session}
          layout={attributes.layout}
          open={attributes.open}
          mode={attributes.mode}
          onMode={(mode) => host.setAttribute("mode", mode)}
          onClose={() => host.removeAttribute("open")}
        />
      </UsherContext.Provider>
      <div class="hidden" role="status">
        {said}
      </div>
    </div>
  );
}

function dispatch(host: HTMLElement, name: string, detail: object): void {
  host.dispatchEvent(new CustomEvent(`usher:${name}`, { detail, bubbles: true, composed: true }));
}

function readAttributes(host: HTMLElement) {
  const layout: Layout = host.hasAttribute("page")
    ? "page"
    : host.hasAttribute("inline")
      ? "inline"
      : "panel";
  const wish = host.getAttribute("mode");
  const mode: Mode = wish === "chat" || wish === "voice" ? wish : "form";
  return {
    layout,
    mode,
    open: host.hasAttribute("open"),
    session: host.getAttribute("session") ?? "",
    locale: host.getAttribute("locale") ?? "auto",
    theme: host.getAttribute("theme") ?? "auto",
    accent: host.getAttribute("accent") ?? "",
  };
}

function useAttributes(host: HTMLElement): ReturnType<typeof readAttributes> {
  const [attributes, setAttributes] = useState(() => readAttributes(host));
  useEffect(() => {
    const observer = new MutationObserver(() => setAttributes(readAttributes(host)));
    observer.observe(host, { attributes: true });
    return () => observer.disconnect();
  }, [host]);
  return attributes;
}

/** The sentences to draw with: English at once, another language as soon as its file is there. */
function useCatalogue(
  assets: string,
  wish: string,
  { view }: State,
): { locale: string; catalogue: Partial<Catalogue> } {
  const wanted = pickLocale(wish === "auto" ? null : wish, view?.session.locale, ...navigator.languages);
  const [loaded, setLoaded] = useState<{ locale: string; catalogue: Partial<Catalogue> }>({
    locale: "en",
    catalogue: english,
  });
  useEffect(() => {
    if (wanted === "en") {
      setLoaded({ locale: "en", catalogue: english });
      return;
    }
    let stale = false;
    fetch(`${assets}l/${wanted}.json`)
      .then((response) => response.json() as Promise<Partial<Catalogue>>)
      .then((catalogue) => {
        if (!stale) setLoaded({ locale: wanted, catalogue });
      })
      // Without the file the widget speaks English.
      .catch(() => undefined);
    return () => {
      stale = true;
    };
  }, [assets, wanted]);
  return loaded;
}

function useTheme(
  host: HTMLElement,
  wish: string,
  organisation: string | null,
): (surface: HTMLElement | null) => void {
  const surface = useRef<HTMLElement | null>(null);
  const systemIsDark = useMedia("(prefers-color-scheme: dark)");
  const apply = useCallback(() => {
    if (!surface.current) return;
    surface.current.dataset["scheme"] = schemeOf(host);
    applyAccent(host, surface.current, organisation);
  }, [host, organisation]);
  useLayoutEffect(apply, [apply, wish, systemIsDark]);
  return (element) => {
    surface.current = element;
  };
}
