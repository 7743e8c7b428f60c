import { currentField, isDone, lines, type Entry, type Line } from "@usher/core";
import type { TranscriptLine } from "@usher/protocol";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { Complete } from "../Complete.tsx";
import { Composer } from "./Composer.tsx";
import { useUsher } from "../context.ts";

/** How close to the end one must be for new lines to pull the view along. */
const NEAR_END_PX = 120;

/** The conversation of all channels, and a place to go on with it. */
export function Chat(): JSX.Element {
  const { state, t } = useUsher();
  const log = useRef<HTMLDivElement>(null);
  const all = lines(state);
  const complete = isDone(state);
  const following = useRef(true);
  const room = useRef(0);

  const follow = (): void => {
    const area = log.current;
    if (!area) return;
    room.current = area.clientHeight;
    if (following.current) area.scrollTo({ top: area.scrollHeight });
  };
  useLayoutEffect(follow, [all.length, complete]);
  useEffect(() => {
    if (!log.current) return;
    // A phone's keyboard takes half of the room away.
    const observer = new ResizeObserver(follow);
    observer.observe(log.current);
    return () => observer.disconnect();
  }, []);

  return (
    <div class="body chat">
      <div
        ref={log}
        class="log"
        role="log"
        aria-live="polite"
        aria-label={t("chat.log")}
        tabIndex={0}
        onScroll={({ currentTarget: area }) => {
          // Having less room moves the lines too, and that is nobody's wish.
          if (area.clientHeight !== room.current) return;
          following.current = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR_END_PX;
        }}
      >
        {all.map((line, index) => (
          <Bubble key={line.key} line={line} follows={sameSpeaker(all[index - 1], line)} />
        ))}
        {complete && <Complete onReview={null} />}
      </div>
      <Composer
        field={state.view?.fields.find(({ id }) => id === currentField(state)) ?? null}
        onSend={() => (following.current = true)}
      />
    </div>
  );
}

function Bubble({ line, follows }: { line: Line; follows: boolean }): JSX.Element {
  return "line" in line ? (
    <Said line={line.line} follows={follows} />
  ) : (
    <OnItsWay entry={line.entry} follows={follows} />
  );
}

function Said({ line, follows }: { line: TranscriptLine; follows: boolean }): JSX.Element {
  const { locale, state, t } = useUsher();
  const own = line.from === "client";
  const time = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }).format(
    new Date(line.at),
  );
  const via = line.channel === "widget" ? "" : ` · ${t(`answers.via.${line.channel}`)}`;
  return (
    <div class={`line ${own ? "own" : "theirs"} ${follows ? "follows" : ""}`}>
      <span class="hidden">{own ? t("chat.you") : state.view?.client.orgName}: </span>
      <p>{line.text}</p>
      <small>
        {time}
        {via}
      </small>
    </div>
  );
}

function OnItsWay({ entry, follows }: { entry: Entry; follows: boolean }): JSX.Element {
  const { conversation, t } = useUsher();
  const { body, state: progress, problem } = entry;
  const text = body.kind === "text" ? body.text : body.kind === "answer" ? body.display : t("actions.skip");
  return (
    // Read out once it is a line of the conversation, not twice.
    <div class={`line own ${progress} ${follows ? "follows" : ""}`} aria-live="off">
      <span class="hidden">{t("chat.you")}: </span>
      <p>{text}</p>
      <small>
        {t(`entry.${progress}`)}
        {problem?.detail && progress === "refused" ? `: ${problem.detail}` : ""}
        {progress === "failed" && (
          <button type="button" class="quiet" onClick={() => conversation.retry()}>
            {t("actions.retry")}
          </button>
        )}
        {progress === "refused" && (
          <button type="button" class="quiet" onClick={() => conversation.discard(entry.key)}>
            {t("actions.discard")}
          </button>
        )}
      </small>
    </div>
  );
}

function speakerOf(line: Line | undefined): string | null {
  if (!line) return null;
  return "line" in line ? line.line.from : "client";
}

function sameSpeaker(before: Line | undefined, line: Line): boolean {
  return speakerOf(before) === speakerOf(line);
}
