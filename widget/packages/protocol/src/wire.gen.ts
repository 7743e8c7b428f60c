// Generated from the server's types by `usher schema`. Do not edit: change the Rust and run it again.

/** An answer and where it came from. */
export interface AnswerView {
  /** When, RFC 3339. */
  at: string;
  /** Where it came from. */
  channel: Channel;
  /** For reading. */
  display: string;
  /** As it was written or said. */
  raw: string;
  /** Normalised. */
  value: unknown;
}

/** How a call ended. */
export type CallEnd = "contact_hung_up" | "finished" | "transferred" | "voicemail" | "no_answer" | "busy" | "failed" | "canceled" | "too_long" | "after_hours" | "lines_busy";

/** The way a line or an answer came in. */
export type Channel = "sms" | "voice" | "email" | "widget";

/** One choice. */
export interface ChoiceView {
  /** The stable value. */
  id: string;
  /** What the client sees. */
  label: string;
}

/** What a browser sends. */
export type ClientFrame = {
  /** The newest turn that arrived. */
  seq: number;
  type: "ack";
} | {
  type: "ping";
};

/** Who is asked, and for whom. */
export interface ClientView {
  /** The contact's name; empty when unknown. */
  name: string;
  /** The organisation's name. */
  orgName: string;
}

/** Why the server closes a socket. */
export type ClosingReason = "restart" | "slow";

/** An understood answer that waits for a yes. */
export interface ConfirmView {
  /** For reading. */
  display: string;
  /** Normalised. */
  value: unknown;
}

/** What is wrong with one field. */
export interface FieldProblem {
  /** Which field. */
  field: string;
  /** One friendly sentence with an example. */
  message: string;
}

/** What kind of answer a field takes; decides the control that is shown. */
export type FieldType = "text" | "long_text" | "person_name" | "phone" | "email" | "url" | "number" | "currency" | "date" | "time" | "boolean" | "select" | "multi_select" | "address" | "business_hours" | "file";

/** One question with its answer, if it has one. */
export interface FieldView {
  /** The answer. */
  answer: AnswerView | null;
  /** The understood answer is read back before it is taken. */
  confirm: boolean;
  /** More words for whoever wants them. */
  help: string | null;
  /** Unique inside the flow. */
  id: string;
  /** Short name. */
  label: string;
  /** The choices, if it has any. */
  options: ChoiceView[];
  /** The question. */
  prompt: string;
  /** Whether it must be answered. */
  required: boolean;
  /** Kept out of summaries and out of the browser's storage. */
  sensitive: boolean;
  /** Left out on purpose. */
  skipped: boolean;
  /** What kind of answer it takes. */
  type: FieldType;
  /** Limits beyond the type; the server's verdict is the one that counts. */
  validation: Limits;
  /** Whether its condition holds now. */
  visible: boolean;
}

/** Limits on an answer beyond its type, as far as a control can show them. */
export interface Limits {
  /** Whole numbers only. */
  integer: boolean;
  /** Largest number. */
  max: number | null;
  /** Largest file in bytes. */
  maxBytes: number | null;
  /** Most characters or choices. */
  maxLength: number | null;
  /** Accepted media types of a file; empty accepts all. */
  mediaTypes: string[];
  /** Smallest number. */
  min: number | null;
  /** Fewest characters or choices. */
  minLength: number | null;
  /** Latest date, `YYYY-MM-DD` or `today`. */
  notAfter: string | null;
  /** Earliest date, `YYYY-MM-DD` or `today`. */
  notBefore: string | null;
}

/** The part of the view that turns change. */
export interface LiveView {
  /** The question that waits for an answer. */
  currentQuestion: QuestionView | null;
  /** Every question of the flow, in order. */
  fields: FieldView[];
  /** What happens after completion. */
  nextSteps: string[];
  /** How far it is. */
  progress: ProgressView;
  /** The session. */
  session: SessionHead;
}

/** Body of every error (`application/problem+json`, RFC 9457). */
export interface ProblemBody {
  /** Finds this request in the server's logs. */
  correlation_id: string;
  /** What is wrong with this request. */
  detail: string;
  /** What is wrong with which field; empty unless the problem is `invalid-answer`. */
  errors: FieldProblem[];
  /** The problem's stable id. */
  id: string;
  /** Whether the same request may succeed later, unchanged. */
  retryable: boolean;
  /** The HTTP status. */
  status: number;
  /** The short human title. */
  title: string;
  /** Where the problem is explained. */
  type: string;
}

/** How far the session is. */
export interface ProgressView {
  /** Questions answered or left out. */
  answered: number;
  /** Questions that are asked. */
  total: number;
}

/** The question that waits for an answer. */
export interface QuestionView {
  /** What was understood and waits for a yes. */
  confirm: ConfirmView | null;
  /** Why the last attempt was not understood. */
  error: string | null;
  /** Which field. */
  field: string;
  /** Its short name. */
  label: string;
  /** The question. */
  prompt: string;
  /** What kind of answer it takes. */
  type: FieldType;
}

/** Body of a successful `POST /api/widget/response` or `/upload`. */
export type ResponseReply = {
  action: "next";
  /** What is asked now; `null` when the session waits for a person. */
  nextQuestion: QuestionView | null;
  /** How far it is. */
  progress: ProgressView;
  /** The bot's words. */
  reply: string | null;
  /** The turn that took the input. */
  seq: number;
} | {
  action: "complete";
  /** What happens now. */
  nextSteps: string[];
  /** How far it is. */
  progress: ProgressView;
  /** The bot's words. */
  reply: string | null;
  /** The turn that took the input. */
  seq: number;
};

/** Body of `POST /api/widget/response`: an answer, a skip, or free words. */
export interface ResponseRequest {
  /** Which question is answered or skipped. */
  field?: string;
  /** Chosen by the client, the same for every try; the header `Idempotency-Key` may carry it instead. */
  idempotencyKey?: string;
  /** The session's id or a resume-link token. */
  sessionId: string;
  /** `true` to leave an optional question out. */
  skip?: boolean;
  /** Free words of the chat. */
  text?: string;
  /** What was entered: text as typed, or the answer's normalised JSON. */
  value?: unknown;
}

/** What the server sends. After `hello` exactly one `turn` follows for every committed turn after `since`, in order and without gaps. */
export type ServerFrame = {
  /** The newest turn of the session. */
  seq: number;
  type: "hello";
} | {
  /** The turn. */
  seq: number;
  /** The lines it added to the conversation. */
  transcript: TranscriptLine[];
  type: "turn";
  /** The session after it. */
  view: LiveView;
} | {
  /** Why. */
  reason: ClosingReason;
  type: "closing";
} | {
  type: "pong";
};

/** A service that was bought. */
export interface ServiceView {
  /** One or two sentences; may be empty. */
  description: string;
  /** Its id. */
  id: string;
  /** Its name. */
  name: string;
}

/** The session itself. */
export interface SessionHead {
  /** When it was created, RFC 3339. */
  createdAt: string;
  /** The pinned version of the questions. */
  flowVersion: number;
  /** Its id. */
  id: string;
  /** Language of the sentences, e.g. `en`. */
  locale: string;
  /** The newest turn this view contains. */
  seq: number;
  /** Where it stands. */
  status: SessionStatus;
}

/** Body of `GET /api/widget/session/{sessionId}`. */
export interface SessionResponse {
  /** Who is asked, and for whom. */
  client: ClientView;
  /** The question that waits for an answer. */
  currentQuestion: QuestionView | null;
  /** Every question of the flow, in order. */
  fields: FieldView[];
  /** What happens after completion. */
  nextSteps: string[];
  /** How far it is. */
  progress: ProgressView;
  /** What was bought. */
  services: ServiceView[];
  /** The session. */
  session: SessionHead;
  /** The organisation's look. */
  theme: ThemeView;
  /** The conversation so far, of all channels. */
  transcript: TranscriptLine[];
  /** Settings of the voice mode, when the organisation has it. */
  voiceConfig: VoiceConfig | null;
}

/** Where a session stands. */
export type SessionStatus = "active" | "complete" | "opted_out" | "escalated";

/** Who said a line. */
export type Speaker = "client" | "bot" | "staff";

/** The organisation's look. */
export interface ThemeView {
  /** Accent colour, e.g. `#0066cc`. */
  accent: string | null;
}

/** One line of the conversation. */
export interface TranscriptLine {
  /** When, RFC 3339. */
  at: string;
  /** Where. */
  channel: Channel;
  /** Who said it. */
  from: Speaker;
  /** Its position in the turn. */
  index: number;
  /** The turn it belongs to. */
  seq: number;
  /** The words. */
  text: string;
}

/** Query of `POST /api/widget/upload`. */
export interface UploadQuery {
  /** Which question the file answers. */
  field: string;
  /** Chosen by the client, the same for every try. */
  idempotencyKey: string;
  /** The session's id or a resume-link token. */
  sessionId: string;
}

/** What a browser sends on the voice socket besides audio. */
export type VoiceClientFrame = {
  /** Which. */
  n: number;
  type: "mark";
} | {
  /** The words. */
  text: string;
  type: "text";
} | {
  /** Whether it is off. */
  on: boolean;
  type: "mute";
} | {
  type: "hangup";
};

/** Settings of the voice mode. */
export interface VoiceConfig {
  /** What the agent calls itself. */
  agentName: string;
  /** Samples per second of the microphone. */
  inputRate: number;
  /** The number to call instead, E.164. */
  phone: string | null;
}

/** What the server sends on the voice socket besides audio. */
export type VoiceServerFrame = {
  /** Samples per second that the browser sends. */
  inputRate: number;
  /** Samples per second of the audio that comes. */
  outputRate: number;
  type: "ready";
} | {
  /** Whether these words will not change any more. */
  final: boolean;
  /** Who speaks. */
  from: Speaker;
  /** The words so far. */
  text: string;
  type: "caption";
} | {
  type: "clear";
} | {
  /** Which. */
  n: number;
  type: "mark";
} | {
  /** Why. */
  reason: CallEnd;
  type: "ended";
} | {
  /** What is wrong. */
  detail: string;
  /** The problem's stable id. */
  id: string;
  /** Whether trying again may help. */
  retryable: boolean;
  /** The short human title. */
  title: string;
  type: "error";
};
