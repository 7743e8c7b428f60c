import type { FieldView } from "@usher/protocol";
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { yesIn } from "../Confirm.tsx";
import { useUsher } from "../context.ts";
import { Icon } from "../icons.tsx";
import { useRare } from "../parts.ts";

interface ComposerProps {
  /** The question that waits, for the shortcuts that fit it. */
  field: FieldView | null;
  onSend(): void;
}

const DRAFT = "chat:composer";
const TALLEST_PX = 132;

/** Where one types, with one tap answers above it when the question has any. */
export function Composer({ field, onSend }: ComposerProps): JSX.Element {
  const { conversation, state, t } = useUsher();
  const [text, setText] = useState(() => String(conversation.draft(DRAFT) ?? ""));
  const area = useRef<HTMLTextAreaElement>(null);
  const rare = useRare();
  const refusal = field ? state.refusals[field.id] : undefined;

  const write = (next: string): void => {
    setText(next);
    conversation.saveDraft(DRAFT, next || undefined);
    const element = area.current;
    if (!element) return;
    element.style.setProperty("block-size", "auto");
    element.style.setProperty("block-size", `${Math.min(element.scrollHeight, TALLEST_PX)}px`);
  };
  const send = (event?: Event): void => {
    event?.preventDefault();
    const words = text.trim();
    area.current?.focus();
    if (!words) return;
    write("");
    onSend();
    void conversation.submit({ kind: "text", text: words });
  };

  return (
    <div class="composer">
      <Shortcuts field={field} onSend={onSend} />
      {refusal && (
        <p class="error" role="alert">
          <Icon name="alert" />
          <span>{refusal.message}</span>
        </p>
      )}
      {rare && field?.type === "file" && <rare.Attachment field={field} onDone={onSend} />}
      <form onSubmit={send}>
        <textarea
          ref={area}
          rows={1}
          value={text}
          aria-label={t("chat.composer")}
          placeholder={t("chat.placeholder")}
          enterkeyhint="send"
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={(event) => {
            // While an input method composes, Enter belongs to it.
            if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
          }}
        />
        <button type="submit" class="primary round" aria-label={t("actions.send")}>
          <Icon name="send" />
        </button>
      </form>
    </div>
  );
}

/** One tap answers of the question that waits. */
function Shortcuts({ field, onSend }: ComposerProps): JSX.Element | null {
  const { conversation, state, t } = useUsher();
  if (!field || state.entries.some((entry) => entry.state !== "refused")) return null;
  const answer = (value: unknown, display: string) => (): void => {
    onSend();
    void conversation.submit({ kind: "answer", field: field.id, value, display });
  };
  const chips: { label: string; act(): void }[] = [];
  const confirm = state.view?.currentQuestion?.field === field.id && state.view.currentQuestion.confirm;
  if (confirm) {
    const text = yesIn(state.view?.session.locale);
    chips.push({
      label: t("actions.confirm"),
      act() {
        onSend();
        void conversation.submit({ kind: "text", text });
      },
    });
  } else if (field.type === "boolean") {
    chips.push({ label: t("actions.yes"), act: answer(true, t("actions.yes")) });
    chips.push({ label: t("actions.no"), act: answer(false, t("actions.no")) });
  } else if (field.type === "select") {
    for (const { id, label } of field.options) chips.push({ label, act: answer(id, label) });
  }
  if (!field.required && !confirm) {
    const skip = (): void => void conversation.submit({ kind: "skip", field: field.id });
    chips.push({ label: t("actions.skip"), act: skip });
  }
  if (chips.length === 0) return null;
  return (
    <div class="chips">
      {chips.map(({ label, act }) => (
        <button key={label} type="button" onClick={act}>
          {label}
        </button>
      ))}
    </div>
  );
}
