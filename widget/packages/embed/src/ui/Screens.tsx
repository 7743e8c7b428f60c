import type { Failure } from "@usher/core";
import type { ComponentChildren, JSX } from "preact";

import { useUsher } from "./context.ts";
import { Icon, type IconName } from "./icons.tsx";

interface MessageScreenProps {
  icon: IconName;
  title: string;
  text: string;
  children?: ComponentChildren;
}

function MessageScreen({ icon, title, text, children }: MessageScreenProps): JSX.Element {
  return (
    <div class="body screen" role="alert">
      <span class="emblem">
        <Icon name={icon} />
      </span>
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  );
}

/** There is no session to show. */
export function Empty(): JSX.Element {
  const { t } = useUsher();
  return <MessageScreen icon="chat" title={t("empty.title")} text={t("empty.text")} />;
}

/** The session cannot be shown, and what can be done about it. */
export function FailureScreen({ failure }: { failure: Failure }): JSX.Element {
  const { conversation, t } = useUsher();
  if (failure.kind === "expired") {
    return <MessageScreen icon="link" title={t("expired.title")} text={t("expired.text")} />;
  }
  const final = failure.kind === "forbidden";
  return (
    <MessageScreen
      icon={failure.kind === "unreachable" ? "wifi" : "alert"}
      title={t(`failure.${failure.kind}.title`)}
      text={t(`failure.${failure.kind}.text`)}
    >
      {!final && (
        <button type="button" class="primary" onClick={() => void conversation.refresh()}>
          {t("actions.retry")}
        </button>
      )}
      {failure.correlationId && <p class="reference">{t("failure.code", { id: failure.correlationId })}</p>}
    </MessageScreen>
  );
}

/** The shape of what is coming. */
export function Skeleton(): JSX.Element {
  const { t } = useUsher();
  return (
    <div class="body skeleton" role="status" aria-label={t("loading")}>
      <i class="short" />
      <i class="tall" />
      <i />
      <i class="button" />
    </div>
  );
}

/** Facts that concern the whole conversation. */
export function Banners(): JSX.Element {
  const { state, t } = useUsher();
  const { view, connection, entries } = state;
  const waiting = entries.filter((entry) => entry.state === "queued" || entry.state === "failed").length;
  const status = view?.session.status;
  return (
    <>
      {view && connection === "offline" && (waiting > 0 || !navigator.onLine) && (
        <p class="banner" role="status">
          <Icon name="wifi" />
          <span>
            {t("connection.offline")}
            {waiting > 0 && <b> {t("connection.waiting", { count: waiting })}</b>}
          </span>
        </p>
      )}
      {status === "escalated" && (
        <p class="banner">{t("status.escalated", { org: view?.client.orgName ?? "" })}</p>
      )}
      {status === "opted_out" && <p class="banner">{t("status.optedOut")}</p>}
    </>
  );
}
