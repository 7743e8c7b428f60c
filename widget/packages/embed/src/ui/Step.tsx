import type { Step as StepData } from "@usher/core";
import type { JSX } from "preact";
import { useCallback, useEffect, useId, useRef, useState } from "preact/hooks";

import { Control, isGroup } from "./controls/Control.tsx";
import { displayOf, editable, isEmpty } from "./controls/values.ts";
import { useUsher } from "./context.ts";
import { Icon } from "./icons.tsx";
import { useRare } from "./parts.ts";

interface StepProps {
  step: StepData;
  /** Take the focus when it appears. */
  focus: boolean;
  last: boolean;
  /** The question before this one. */
  previous: string | null;
  /** The person came back to an answered question. */
  edits: boolean;
  onGo(field: string | null): void;
  onBusy(busy: boolean): void;
}

/** One question and its control. */
export function Step({ step, focus, last, previous, edits, onGo, onBusy }: StepProps): JSX.Element {
  const { conversation, state, locale, t } = useUsher();
  const { field } = step;
  const id = useId();
  const rare = useRare();
  const form = useRef<HTMLFormElement>(null);
  const refusal = state.refusals[field.id];
  const question = state.view?.currentQuestion;
  const initial = editable(field, refusal?.value ?? field.answer?.value ?? null);
  const [value, setValue] = useState<unknown>(() => conversation.draft(field.id) ?? initial);
  const [missing, setMissing] = useState(false);
  const [busy, setBusy] = useState(false);
  const asked = question?.field === field.id && !edits ? question.error : null;
  const error = missing ? t("field.required") : (refusal?.message ?? asked);

  const arrives = useRef(focus);
  const focusControl = useCallback(() => {
    form.current?.querySelector<HTMLElement>("[data-control]")?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    if (arrives.current) focusControl();
  }, [focusControl]);
  // Again when what was entered turns out to be wrong.
  useEffect(() => {
    if (refusal || missing) focusControl();
  }, [refusal, missing, focusControl]);

  const input = (next: unknown): void => {
    setMissing(false);
    setValue(next);
    conversation.saveDraft(field.id, next);
  };
  const settle = async (sending: Promise<"accepted" | "refused" | "queued">): Promise<void> => {
    setBusy(true);
    onBusy(true);
    const result = await sending;
    setBusy(false);
    onBusy(false);
    if (result !== "refused") onGo(null);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (busy) return;
    if (isEmpty(value)) {
      if (field.required) setMissing(true);
      else void settle(conversation.submit({ kind: "skip", field: field.id }));
    } else if (edits && !refusal && JSON.stringify(value) === JSON.stringify(initial)) onGo(null);
    else {
      const display = displayOf(field, value, locale, t);
      void settle(conversation.submit({ kind: "answer", field: field.id, value, display }));
    }
  };

  const group = isGroup(field);
  const ids = { help: `${id}-help`, error: `${id}-error`, control: `${id}-control`, label: `${id}-label` };
  const describedBy = [field.help && ids.help, error && ids.error].filter(Boolean).join(" ") || undefined;
  return (
    <form class="step" ref={form} noValidate onSubmit={submit}>
      <h2 id={ids.label}>{group ? field.prompt : <label for={ids.control}>{field.prompt}</label>}</h2>
      {(field.help ?? (!field.required || null)) && (
        <p class="hint" id={ids.help}>
          {!field.required && <em class="badge">{t("field.optional")}</em>} {field.help}
        </p>
      )}
      {field.type === "file" ? (
        rare && (
          <rare.FileControl
            field={field}
            ids={{ label: ids.label, describedBy }}
            onBusy={onBusy}
            onDone={() => onGo(null)}
          />
        )
      ) : (
        <Control
          field={field}
          value={value}
          invalid={Boolean(error)}
          ids={{ control: ids.control, label: ids.label, describedBy }}
          onInput={input}
        />
      )}
      {error && (
        <p class="error" id={ids.error}>
          <Icon name="alert" />
          <span>{error}</span>
        </p>
      )}
      <div class="actions">
        {edits ? (
          <button
            type="button"
            class="secondary"
            onClick={() => {
              conversation.forget(field.id);
              onGo(null);
            }}
          >
            {t("actions.cancel")}
          </button>
        ) : (
          previous !== null && (
            <button type="button" class="secondary" onClick={() => onGo(previous)}>
              <Icon name="back" />
              {t("actions.back")}
            </button>
          )
        )}
        <span class="spring" />
        {!field.required && !edits && (
          <button
            type="button"
            class="quiet"
            onClick={() => void settle(conversation.submit({ kind: "skip", field: field.id }))}
          >
            {t("actions.skip")}
          </button>
        )}
        {field.type !== "file" && (
          <button type="submit" class="primary" aria-busy={busy}>
            {edits ? t("actions.save") : last ? t("actions.finish") : t("actions.continue")}
          </button>
        )}
      </div>
    </form>
  );
}
