import { currentField, isDone, steps, underWay } from "@usher/core";
import type { SessionResponse } from "@usher/protocol";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { AnswerList } from "./AnswerList.tsx";
import { Complete } from "./Complete.tsx";
import { Confirm } from "./Confirm.tsx";
import { useUsher } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Step } from "./Step.tsx";

interface FormProps {
  view: SessionResponse;
  /** Take the focus at the start. */
  takesFocus: boolean;
}

/** One question at a time, in the flow's order, with every earlier answer below it. */
export function Form({ view, takesFocus }: FormProps): JSX.Element {
  const { state, t } = useUsher();
  const [chosen, choose] = useState<string | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const [reviewing, review] = useState(false);
  const body = useRef<HTMLDivElement>(null);
  // The focus follows the person from question to question, also when an answer arrives from elsewhere, but a widget
  // that is a part of the page does not pull it to itself.
  const moved = useRef(takesFocus);
  useAnnouncements();

  const all = steps(state);
  // While an answer is under way its question stays: the server may have something to say about it.
  const field = busy ?? chosen ?? currentField(state);
  const index = all.findIndex((step) => step.field.id === field);
  const step = all[index];
  const focus = moved.current || holdsFocus(body.current);
  useEffect(() => {
    moved.current = false;
  }, [field]);
  const go = (to: string | null): void => {
    moved.current = true;
    choose(to);
    if (to === null) review(false);
  };
  const confirm =
    view.currentQuestion?.field === field && !chosen && !busy ? view.currentQuestion?.confirm : null;
  const done = isDone(state);

  return (
    <div class="body form" ref={body}>
      {step ? (
        <>
          <Progress index={index} total={all.length} />
          {confirm && view.currentQuestion ? (
            <Confirm
              question={view.currentQuestion}
              display={confirm.display}
              onChange={() => go(step.field.id)}
            />
          ) : (
            <Step
              key={step.field.id}
              step={step}
              focus={focus}
              last={index === all.length - 1}
              previous={all[index - 1]?.field.id ?? null}
              edits={chosen !== null || step.field.answer !== null}
              onGo={go}
              onBusy={(now) => {
                moved.current = true;
                setBusy(now ? step.field.id : null);
              }}
            />
          )}
        </>
      ) : done && !reviewing ? (
        <Complete onReview={() => review(true)} />
      ) : done ? null : (
        <Waiting />
      )}
      {(step || reviewing || !done) && (
        <AnswerList all={all} current={field} onEdit={go} focus={reviewing && !step} />
      )}
      {done && reviewing && !step && (
        <div class="actions">
          <button type="button" class="secondary" onClick={() => go(null)}>
            <Icon name="back" />
            {t("actions.back")}
          </button>
        </div>
      )}
    </div>
  );
}

function holdsFocus(element: HTMLElement | null): boolean {
  const active = (element?.getRootNode() as ShadowRoot | undefined)?.activeElement;
  return Boolean(active && element?.contains(active));
}

function Progress({ index, total }: { index: number; total: number }): JSX.Element {
  const { t } = useUsher();
  const label = t("form.step", { step: index + 1, total });
  return (
    <div class="progress">
      <span>{label}</span>
      <progress value={index + 1} max={total} aria-label={label} />
    </div>
  );
}

/** Everything is answered here, and the server has not said that it is complete. */
function Waiting(): JSX.Element {
  const { state, t } = useUsher();
  const unsent = underWay(state.entries).length;
  return (
    <div class="waiting" role="status">
      <span class="emblem">
        <Icon name={unsent ? "wifi" : "check"} />
      </span>
      <p>
        {unsent
          ? t("connection.waiting", { count: unsent })
          : t("complete.text", { org: state.view?.client.orgName ?? "" })}
      </p>
    </div>
  );
}

/** Says aloud what was answered elsewhere while this page was open. */
function useAnnouncements(): void {
  const { state, t, announce } = useUsher();
  const known = useRef<Map<string, string> | null>(null);
  useEffect(() => {
    const answers = new Map(
      steps(state).flatMap(({ field }) => (field.answer ? [[field.id, field.answer.at]] : [])),
    );
    const before = known.current;
    known.current = answers;
    if (!before) return;
    for (const { field } of steps(state)) {
      const { answer, label } = field;
      if (!answer || answer.channel === "widget" || before.get(field.id) === answer.at) continue;
      announce(
        t("field.updated", { label, via: t(`answers.via.${answer.channel}`), answer: answer.display }),
      );
    }
  }, [state, t, announce]);
}
