import type { Step } from "@usher/core";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useUsher } from "./context.ts";
import { Icon } from "./icons.tsx";

interface AnswerListProps {
  all: Step[];
  current: string | null;
  /** Takes the focus, because the person asked to see it. */
  focus: boolean;
  onEdit(field: string): void;
}

/** Every answer so far, wherever it was given, each with the way to change it. */
export function AnswerList({ all, current, focus, onEdit }: AnswerListProps): JSX.Element | null {
  const { t } = useUsher();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (focus) title.current?.focus();
  }, [focus]);
  const given = all.filter((step) => step.field.id !== current && (step.display !== null || step.skipped));
  if (given.length === 0) return null;
  return (
    <section class="answers">
      <h2 ref={title} tabIndex={-1}>
        {t("answers.title")}
      </h2>
      <ul>
        {given.map((step) => (
          <Row key={step.field.id} step={step} onEdit={onEdit} />
        ))}
      </ul>
    </section>
  );
}

function Row({ step, onEdit }: { step: Step; onEdit(field: string): void }): JSX.Element {
  const { t } = useUsher();
  const { field, display, skipped, entry } = step;
  const via = !entry && field.answer && field.answer.channel !== "widget" ? field.answer.channel : null;
  return (
    <li data-field={field.id}>
      <div>
        <span class="label">
          {field.label}
          {via && <em class="badge">{t(`answers.via.${via}`)}</em>}
          {entry && entry.state !== "sent" && <em class="badge">{t(`entry.${entry.state}`)}</em>}
        </span>
        <span class="value">{skipped ? t("answers.skipped") : display}</span>
      </div>
      <button
        type="button"
        class="quiet"
        aria-label={t("actions.editField", { label: field.label })}
        onClick={() => onEdit(field.id)}
      >
        <Icon name="pencil" />
        <span>{t("actions.edit")}</span>
      </button>
    </li>
  );
}
