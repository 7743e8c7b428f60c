import type { Conversation, MessageKey, State, Translate } from "@usher/core";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

/** What every part of the widget draws from. */
export interface Usher {
  conversation: Conversation;
  state: State;
  t: Translate;
  locale: string;
  /** Says something to screen readers without moving the focus. */
  announce(text: string): void;
}

export const UsherContext = createContext<Usher | null>(null);

export function useUsher(): Usher {
  const usher = useContext(UsherContext);
  if (!usher) throw new Error("drawn outside the widget");
  return usher;
}

export type { MessageKey, Translate };
