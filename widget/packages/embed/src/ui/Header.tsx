import type { JSX } from "preact";

import type { Mode } from "./App.tsx";
import { useUsher } from "./context.ts";
import { Icon } from "./icons.tsx";

interface HeaderProps {
  mode: Mode;
  onMode(mode: Mode): void;
  /** `null` when the widget is a part of the page and cannot be closed. */
  onClose: (() => void) | null;
}

/** Whose widget this is, how far the person is, and the way from form to chat and back. */
export function Header({ mode, onMode, onClose }: HeaderProps): JSX.Element {
  const { state, t } = useUsher();
  const { view } = state;
  const name = view?.client.name.split(" ")[0];
  return (
    <header class="header">
      {view && (
        <span class="monogram" aria-hidden="true">
          {view.client.orgName.slice(0, 1)}
        </span>
      )}
      <div class="title">
        <h1>{view?.client.orgName ?? t("panel.title")}</h1>
        {view && <p>{name ? t("panel.greeting", { name }) : t("panel.title")}</p>}
      </div>
      {view && (
        <div class="modes" role="group" aria-label={t("mode.label")}>
          <ModeButton name="form" mode={mode} onMode={onMode} />
          <ModeButton name="chat" mode={mode} onMode={onMode} />
          {view.voiceConfig && <ModeButton name="voice" mode={mode} onMode={onMode} />}
        </div>
      )}
      {onClose && (
        <button type="button" class="quiet round" aria-label={t("actions.close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      )}
    </header>
  );
}

interface ModeButtonProps {
  name: Mode;
  mode: Mode;
  onMode(mode: Mode): void;
}

function ModeButton({ name, mode, onMode }: ModeButtonProps): JSX.Element {
  const { t } = useUsher();
  return (
    <button
      type="button"
      aria-label={t(`mode.${name}`)}
      aria-pressed={name === mode}
      onClick={() => onMode(name)}
    >
      <Icon name={name} />
      <span>{t(`mode.${name}`)}</span>
    </button>
  );
}
