import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { Layout, Mode } from "./App.tsx";
import { useUsher } from "./context.ts";
import { Form } from "./Form.tsx";
import { Header } from "./Header.tsx";
import { useMedia, useScrollLock, useVisibleHeight } from "./hooks.ts";
import { useChat, useRare, useStyles, useVoice } from "./parts.ts";
import { Banners, Empty, FailureScreen, Skeleton } from "./Screens.tsx";

interface PanelProps {
  layout: Layout;
  open: boolean;
  mode: Mode;
  onMode(mode: Mode): void;
  onClose(): void;
}

/** The frame around form and chat: a dialog beside the host page, or a part of it. */
export function Panel({ layout, open, mode, onMode, onClose }: PanelProps): JSX.Element {
  const { conversation, state, t } = useUsher();
  const frame = useRef<HTMLDivElement>(null);
  const [surface, setSurface] = useState<HTMLElement | null>(null);
  const floats = layout === "panel";
  const fullScreen = useMedia("(max-width: 480px)") && floats && open;
  useScrollLock(fullScreen);
  useStyles(frame, useRare());
  // Not in the way of the first question, and there before somebody asks for it.
  const chat = useChat(mode === "chat" || state.view !== null);
  useStyles(frame, chat);
  const config = state.view?.voiceConfig;
  const talks = mode === "voice" && !!config;
  // A call goes on while one looks at the form.
  const voice = useVoice(talks);
  useStyles(frame, voice);
  useVisibleHeight(surface, fullScreen);

  useEffect(() => {
    setSurface(frame.current);
    if (floats && open) frame.current?.focus();
  }, [floats, open]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (!floats) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    } else if (event.key === "Tab" && fullScreen) keepFocusInside(event, frame.current);
  };

  const { view, failure } = state;
  const dialog = floats ? { role: "dialog" as const, "aria-modal": fullScreen } : { role: "region" as const };
  return (
    <div
      {...dialog}
      ref={frame}
      class="frame"
      tabIndex={-1}
      aria-label={t("panel.label", { org: view?.client.orgName ?? "Usher" })}
      onKeyDown={onKeyDown}
    >
      <Header mode={mode} onMode={onMode} onClose={floats ? onClose : null} />
      <Banners />
      {!conversation.api.session ? (
        <Empty />
      ) : failure ? (
        <FailureScreen failure={failure} />
      ) : talks && voice ? null : view && (mode === "form" || (mode === "voice" && !config)) ? (
        <Form view={view} takesFocus={floats} />
      ) : view && mode === "chat" && chat ? (
        <chat.Chat />
      ) : (
        <Skeleton />
      )}
      {voice && config && <voice.Voice config={config} shown={talks} onType={() => onMode("chat")} />}
    </div>
  );
}

/** A full-screen dialog covers the page, so Tab must not walk out of it. */
function keepFocusInside(event: KeyboardEvent, frame: HTMLElement | null): void {
  const reachable = Array.from(
    frame?.querySelectorAll<HTMLElement>("button, input, select, textarea, a[href], [tabindex='0']") ?? [],
  ).filter((element) => !element.matches(":disabled") && element.getClientRects().length > 0);
  const active = (frame?.getRootNode() as ShadowRoot | undefined)?.activeElement;
  const [first, last] = [reachable[0], reachable.at(-1)];
  if (event.shiftKey && (active === first || active === frame)) {
    event.preventDefault();
    last?.focus();
  } else if (!event.shiftKey && active === last) {
    event.preventDefault();
    first?.focus();
  }
}
