import { type Api, newKey, ProblemError, read, UnreachableError } from "@usher/core";
import type { FieldView, ResponseReply } from "@usher/protocol";
import { useRef, useState } from "preact/hooks";

import { useUsher, type MessageKey } from "../context.ts";

const DEFAULT_LIMIT = 10 * 1024 * 1024;
const TRIES = 3;

export interface Upload {
  /** The file that is under way or failed. */
  name: string | null;
  /** 0 to 1; `null` when nothing is under way. */
  progress: number | null;
  error: string | null;
  start(file: File): void;
  retry(): void;
  cancel(): void;
}

interface Callbacks {
  onBusy(busy: boolean): void;
  onDone(): void;
}

interface Job {
  file: File;
  key: string;
  abort: AbortController;
}

/** Sends one file at a time as the answer of `field`, the same key for every try of the same file. */
export function useUpload(field: FieldView | null, { onBusy, onDone }: Callbacks): Upload {
  const { conversation, locale, t } = useUsher();
  const [progress, setProgress] = useState<number | null>(null);
  const [error, setError] = useState<string | null>(null);
  const current = useRef<Job | null>(null);

  const send = async (): Promise<void> => {
    const job = current.current;
    if (!job || !field) return;
    setError(null);
    setProgress(0);
    onBusy(true);
    let failure: unknown = null;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      try {
        const { seq } = await post(conversation.api, field.id, job, setProgress);
        await conversation.caughtUp(seq);
        failure = null;
        break;
      } catch (caught) {
        failure = caught;
        if (job.abort.signal.aborted || (caught instanceof ProblemError && !caught.problem.retryable)) break;
      }
    }
    if (current.current !== job) return;
    setProgress(null);
    onBusy(false);
    if (failure === null) {
      current.current = null;
      onDone();
    } else setError(explain(failure, field, t));
  };

  return {
    name: current.current?.file.name ?? null,
    progress,
    error,
    start(file) {
      if (!field) return;
      const refused = check(file, field);
      const size = formatSize(field.validation.maxBytes ?? DEFAULT_LIMIT, locale);
      setError(refused ? t(refused, { size }) : null);
      if (refused) return;
      current.current = { file, key: newKey(), abort: new AbortController() };
      void send();
    },
    retry: () => void send(),
    cancel() {
      current.current?.abort.abort();
      current.current = null;
      setProgress(null);
      onBusy(false);
    },
  };
}

/** XMLHttpRequest because `fetch` does not tell how much has left. */
function post(
  api: Api,
  field: string,
  { file, key, abort: { signal } }: Job,
  onProgress: (fraction: number) => void,
): Promise<ResponseReply> {
  const form = new FormData();
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", api.uploadUrl(field, key));
    xhr.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    xhr.addEventListener("load", () => {
      try {
        resolve(read<ResponseReply>(xhr.status, xhr.responseText, (name) => xhr.getResponseHeader(name)));
      } catch (error) {
        reject(error);
      }
    });
    xhr.addEventListener("error", () => reject(new UnreachableError()));
    xhr.addEventListener("abort", () => reject(new DOMException("Cancelled", "AbortError")));
    signal.addEventListener("abort", () => xhr.abort(), { once: true });
    xhr.send(form);
  });
}

/** What can be seen from here; the server looks again. */
function check(file: File, { validation }: FieldView): MessageKey | null {
  if (file.size === 0) return "file.empty";
  if (file.size > (validation.maxBytes ?? DEFAULT_LIMIT)) return "file.tooLarge";
  const accepted = validation.mediaTypes.some(
    (type) => type === file.type || (type.endsWith("/*") && file.type.startsWith(type.slice(0, -1))),
  );
  return validation.mediaTypes.length > 0 && file.type && !accepted ? "file.type" : null;
}

function explain(failure: unknown, field: FieldView, t: (key: MessageKey) => string): string {
  if (failure instanceof ProblemError) {
    const { problem } = failure;
    return (
      problem.errors?.find((error) => error.field === field.id)?.message ?? (problem.detail || problem.title)
    );
  }
  return t(navigator.onLine ? "file.uploadFailed" : "file.offline");
}

export function formatSize(bytes: number, locale: string): string {
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: "megabyte",
    maximumFractionDigits: 1,
  }).format(bytes / (1024 * 1024));
}

export function limitOf(field: FieldView, locale: string): string {
  return formatSize(field.validation.maxBytes ?? DEFAULT_LIMIT, locale);
}
