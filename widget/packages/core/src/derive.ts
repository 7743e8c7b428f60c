import type { FieldView, SessionResponse, TranscriptLine } from "@usher/protocol";

import type { State } from "./conversation.ts";
import type { Entry } from "./outbox.ts";

/** A question as the person sees it: the server's view with what is on its way laid over it. */
export interface Step {
  field: FieldView;
  /** The answer to show, the newest one first of all. */
  display: string | null;
  skipped: boolean;
  /** The input that is on its way, if there is one. */
  entry: Entry | null;
}

/** The questions that are asked, in order. */
export function steps({ view, entries }: Pick<State, "view" | "entries">): Step[] {
  return (view?.fields ?? [])
    .filter((field) => field.visible)
    .map((field) => {
      const entry =
        underWay(entries).findLast(({ body }) => body.kind !== "text" && body.field === field.id) ?? null;
      const body = entry?.body;
      return {
        field,
        display: body?.kind === "answer" ? body.display : body ? null : (field.answer?.display ?? null),
        skipped: body ? body.kind === "skip" : field.skipped,
        entry,
      };
    });
}

/** The question to ask now: the server's, unless an input for it is already on its way. */
export function currentField(state: State): string | null {
  const all = steps(state);
  const asked = state.view?.currentQuestion?.field;
  const refused = all.find(({ field }) => state.refusals[field.id]);
  if (refused) return refused.field.id;
  const open = (step: Step): boolean => !step.entry && step.display === null && !step.skipped;
  const pending = all.find(({ field }) => field.id === asked);
  if (pending && !pending.entry) return pending.field.id;
  // Without the server's next question (offline, or the answer just left) the order of the flow decides.
  if (state.entries.length === 0 && asked === undefined) return null;
  return all.find(open)?.field.id ?? null;
}

/** What the server may still take. */
export function underWay(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ state }) => state !== "refused");
}

/** Whether nothing is left to ask and nothing is on its way. A session that a person looks at can be done too. */
export function isDone({ view, entries }: State): boolean {
  if (!view || underWay(entries).length > 0) return false;
  const { answered, total } = view.progress;
  return view.session.status === "complete" || (view.currentQuestion === null && answered >= total);
}

/** A line of the conversation, either the server's or one that is on its way. */
export type Line = { key: string; line: TranscriptLine } | { key: string; entry: Entry };

/** The conversation in order, what is on its way last. */
export function lines({ view, entries }: State): Line[] {
  const said = (view?.transcript ?? []).map((line) => ({ key: `${line.seq}.${line.index}`, line }));
  return [...said, ...entries.map((entry) => ({ key: entry.key, entry }))];
}

/** A copy of the view that may lie in the browser's storage. */
export function withoutSecrets(view: SessionResponse): SessionResponse {
  if (!view.fields.some((field) => field.sensitive)) return view;
  return {
    ...view,
    // The lines that gave a secret answer are not marked, so none is kept.
    transcript: [],
    fields: view.fields.map((field) =>
      field.sensitive && field.answer
        ? { ...field, answer: { ...field.answer, value: null, raw: "", display: "••••" } }
        : field,
    ),
  };
}
