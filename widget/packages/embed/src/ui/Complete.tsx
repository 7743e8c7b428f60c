import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { useUsher } from "./context.ts";
import { Icon } from "./icons.tsx";

/** Nothing is open any more: what happens now, and the way back to the answers. */
export function Complete({ onReview }: { onReview: (() => void) | null }): JSX.Element {
  const { state, t } = useUsher();
  const title = useRef<HTMLHeadingElement>(null);
  const arrives = onReview !== null;
  useEffect(() => {
    if (arrives) title.current?.focus({ preventScroll: true });
  }, [arrives]);
  const { client, nextSteps } = state.view ?? { client: { name: "", orgName: "" }, nextSteps: [] };
  const name = client.name.split(" ")[0];
  return (
    <section class="complete">
      <span class="emblem good">
        <Icon name="check" />
      </span>
      <h2 ref={title} tabIndex={-1}>
        {name ? t("complete.titleName", { name }) : t("complete.title")}
      </h2>
      <p>{t("complete.text", { org: client.orgName })}</p>
      {nextSteps.length > 0 && (
        <div class="next">
          <h3>{t("complete.next")}</h3>
          <ol>
            {nextSteps.map((step) => (
              <li key={step}>
                <span>{step}</span>
              </li>
            ))}
          </ol>
        </div>
      )}
      {onReview && (
        <>
          <button type="button" class="secondary" onClick={onReview}>
            {t("actions.review")}
          </button>
          <p class="hint">{t("complete.again")}</p>
        </>
      )}
    </section>
  );
}
