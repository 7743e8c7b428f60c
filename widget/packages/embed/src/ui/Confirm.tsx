import type { QuestionView } from "@usher/protocol";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { useUsher } from "./context.ts";

interface ConfirmProps {
  question: QuestionView;
  display: string;
  onChange(): void;
}

/** Reads an understood answer back and waits for a yes. */
export function Confirm({ question, display, onChange }: ConfirmProps): JSX.Element {
  const { conversation, state, t } = useUsher();
  const [busy, setBusy] = useState(false);
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => yes.current?.focus({ preventScroll: true }), []);
  const agree = (): void => {
    setBusy(true);
    void conversation
      .submit({ kind: "text", text: yesIn(state.view?.session.locale) })
      .then(() => setBusy(false));
  };
  return (
    <div class="step" role="group" aria-labelledby="confirm">
      <h2 id="confirm">{t("confirm.title")}</h2>
      <p class="readback">
        <small>{question.label}</small>
        <strong>{display}</strong>
      </p>
      <div class="actions">
        <button type="button" class="secondary" onClick={onChange}>
          {t("actions.change")}
        </button>
        <button type="button" class="primary" ref={yes} aria-busy={busy} onClick={agree}>
          {t("actions.confirm")}
        </button>
      </div>
    </div>
  );
}

/** The word the conversation's own language takes for agreement, whatever language the buttons are in. */
export function yesIn(locale: string | undefined): string {
  return locale?.startsWith("es") ? "sí" : "yes";
}
