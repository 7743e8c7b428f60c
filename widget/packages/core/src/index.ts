export { Api, ProblemError, read, UnreachableError } from "./api.ts";
export { contrast, css, parseColour, readable, textOn, type Rgb } from "./colour.ts";
export { Conversation, type Failure, type Notice, type Refusal, type State } from "./conversation.ts";
export { currentField, isDone, lines, steps, underWay, type Line, type Step } from "./derive.ts";
export {
  direction,
  english,
  pickLocale,
  translator,
  type Catalogue,
  type MessageKey,
  type Translate,
} from "./i18n.ts";
export { newKey } from "./key.ts";
export type { Connection } from "./live.ts";
export type { Entry, EntryState, Outcome, Outgoing } from "./outbox.ts";
