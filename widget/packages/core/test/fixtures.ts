import type { FieldView, LiveView, SessionResponse, TranscriptLine } from "@usher/protocol";

export function field(id: string, change: Partial<FieldView> = {}): FieldView {
  return {
    id,
    label: id,
    prompt: `What is your ${id}?`,
    help: null,
    type: "text",
    required: true,
    options: [],
    validation: {
      minLength: null,
      maxLength: null,
      min: null,
      max: null,
      integer: false,
      notBefore: null,
      notAfter: null,
      mediaTypes: [],
      maxBytes: null,
    },
    confirm: false,
    sensitive: false,
    visible: true,
    answer: null,
    skipped: false,
    ...change,
  };
}

export function answered(id: string, display: string, change: Partial<FieldView> = {}): FieldView {
  const answer = {
    value: display,
    display,
    raw: display,
    channel: "sms" as const,
    at: "2026-01-01T00:00:00Z",
  };
  return field(id, { answer, ...change });
}

export function live(seq: number, fields: FieldView[]): LiveView {
  const open = fields.find((one) => one.visible && !one.answer && !one.skipped);
  return {
    session: {
      id: "ses_1",
      status: open ? "active" : "complete",
      seq,
      locale: "en",
      createdAt: "2026-01-01T00:00:00Z",
      flowVersion: 1,
    },
    fields,
    currentQuestion: open
      ? {
          field: open.id,
          label: open.label,
          type: open.type,
          prompt: open.prompt,
          error: null,
          confirm: null,
        }
      : null,
    progress: { answered: fields.filter((one) => one.answer).length, total: fields.length },
    nextSteps: [],
  };
}

export function session(seq: number, fields: FieldView[]): SessionResponse {
  return {
    ...live(seq, fields),
    client: { name: "Sam", orgName: "Bright Agency" },
    services: [],
    transcript: [],
    theme: { accent: null },
    voiceConfig: null,
  };
}

export function line(seq: number, text: string): TranscriptLine {
  return { seq, index: 0, from: "client", channel: "sms", text, at: "2026-01-01T00:00:00Z" };
}
