import type { FieldView } from "@usher/protocol";
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";

import { useUsher } from "../context.ts";
import { useMedia } from "../hooks.ts";
import { Icon } from "../icons.tsx";
import { limitOf, useUpload } from "./upload.ts";

interface FileControlProps {
  field: FieldView;
  ids: { label: string; describedBy: string | undefined };
  onBusy(busy: boolean): void;
  onDone(): void;
}

/** A file by choosing, dropping, pasting or photographing it. */
export function FileControl({ field, ids, onBusy, onDone }: FileControlProps): JSX.Element {
  const { locale, t } = useUsher();
  const upload = useUpload(field, { onBusy, onDone });
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const touch = useMedia("(pointer: coarse)");
  const images = field.validation.mediaTypes.length === 0 || field.validation.mediaTypes.some(isImage);
  const take = (files: FileList | null | undefined): void => {
    const file = files?.[0];
    if (file) upload.start(file);
  };
  const taken = ({ currentTarget: input }: { currentTarget: HTMLInputElement }): void => {
    take(input.files);
    // Choosing the same file again must count as a change.
    input.value = "";
  };

  return (
    <div
      class={`drop ${over ? "over" : ""}`}
      role="group"
      aria-labelledby={ids.label}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
      onPaste={(event) => take(event.clipboardData?.files)}
    >
      {upload.progress === null ? (
        <>
          <Icon name={field.answer ? "file" : "upload"} />
          {field.answer ? <strong>{field.answer.display}</strong> : <span>{t("file.drop")}</span>}
          <button
            type="button"
            class="secondary"
            data-control
            aria-describedby={ids.describedBy}
            onClick={() => picker.current?.click()}
          >
            {t(field.answer ? "actions.replaceFile" : "actions.chooseFile")}
          </button>
          {touch && images && (
            <button type="button" class="quiet" onClick={() => camera.current?.click()}>
              <Icon name="camera" />
              {t("actions.takePhoto")}
            </button>
          )}
          <small>{t("file.limit", { size: limitOf(field, locale) })}</small>
        </>
      ) : (
        <>
          <span>{t("file.progress", { name: upload.name ?? "" })}</span>
          <progress
            value={upload.progress}
            max={1}
            aria-label={t("file.progress", { name: upload.name ?? "" })}
          />
          <button type="button" class="secondary" onClick={upload.cancel}>
            {t("actions.cancel")}
          </button>
        </>
      )}
      {upload.error && (
        <p class="error" role="alert">
          <Icon name="alert" />
          <span>{upload.error}</span>
          {upload.name && (
            <button type="button" class="quiet" onClick={upload.retry}>
              {t("actions.retry")}
            </button>
          )}
        </p>
      )}
      <input
        ref={picker}
        type="file"
        hidden
        tabIndex={-1}
        accept={field.validation.mediaTypes.join(",") || undefined}
        onChange={taken}
      />
      <input
        ref={camera}
        type="file"
        hidden
        tabIndex={-1}
        accept="image/*"
        capture="environment"
        onChange={taken}
      />
    </div>
  );
}

function isImage(type: string): boolean {
  return type === "*/*" || type.startsWith("image/");
}
