import type { Conversation, State } from "@usher/core";
import { useEffect, useState } from "preact/hooks";

/** The conversation's state, live. */
export function useConversation(conversation: Conversation): State {
  const [state, setState] = useState(conversation.state);
  useEffect(() => {
    setState(conversation.state);
    return conversation.watch(() => setState(conversation.state));
  }, [conversation]);
  return state;
}

/** Whether a media query holds, live. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = (): void => setMatches(list.matches);
    changed();
    list.addEventListener("change", changed);
    return () => list.removeEventListener("change", changed);
  }, [query]);
  return matches;
}

/** Keeps `--visible-height` equal to what the on-screen keyboard leaves of the window. */
export function useVisibleHeight(surface: HTMLElement | null, active: boolean): void {
  useEffect(() => {
    const viewport = window.visualViewport;
    if (!surface || !active || !viewport) return;
    const fit = (): void => {
      surface.style.setProperty("--visible-height", `${viewport.height}px`);
      surface.style.setProperty("--visible-top", `${viewport.offsetTop}px`);
    };
    fit();
    viewport.addEventListener("resize", fit);
    viewport.addEventListener("scroll", fit);
    return () => {
      viewport.removeEventListener("resize", fit);
      viewport.removeEventListener("scroll", fit);
    };
  }, [surface, active]);
}

/** Keeps the page behind a full-screen panel from scrolling. */
export function useScrollLock(active: boolean): void {
  useEffect(() => {
    if (!active) return;
    const { style } = document.documentElement;
    const before = style.overflow;
    style.overflow = "hidden";
    return () => {
      style.overflow = before;
    };
  }, [active]);
}
