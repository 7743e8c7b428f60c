import type { FieldView } from "@usher/protocol";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";

import { useUsher } from "../context.ts";
import { Icon } from "../icons.tsx";
import { useUpload } from "./upload.ts";

/** The chat's way to answer a file question. */
export function Attachment({ field, onDone }: { field: FieldView; onDone(): void }): JSX.Element {
  const { t } = useUsher();
  const picker = useRef<HTMLInputElement>(null);
  const upload = useUpload(field, { onBusy: () => undefined, onDone });
  return (
    <div class="uploading">
      {upload.progress === null ? (
        <button type="button" class="secondary" onClick={() => picker.current?.click()}>
          <Icon name="upload" />
          {t("actions.attach")}
        </button>
      ) : (
        <>
          <progress
            value={upload.progress}
            max={1}
            aria-label={t("file.progress", { name: upload.name ?? "" })}
          />
          <button type="button" class="quiet" onClick={upload.cancel}>
            {t("actions.cancel")}
          </button>
        </>
      )}
      {upload.error && (
        <p class="error" role="alert">
          <Icon name="alert" />
          <span>{upload.error}</span>
        </p>
      )}
      <input
        ref={picker}
        type="file"
        hidden
        tabIndex={-1}
        accept={field.validation.mediaTypes.join(",") || undefined}
        onChange={({ currentTarget: input }) => {
          const file = input.files?.[0];
          if (file) upload.start(file);
          input.value = "";
        }}
      />
    </div>
  );
}
