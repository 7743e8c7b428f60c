import type { VoiceConfig } from "@usher/protocol";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { useUsher } from "../context.ts";
import { Call, type CallState, type Phase } from "./call.ts";
import { openSound, SoundError, type Sound, type SoundFailure } from "./sound.ts";
import { Glyph } from "./Glyph.tsx";
import { wordsIn } from "./words.ts";

type Words = ReturnType<typeof wordsIn>;

interface VoiceProps {
  config: VoiceConfig;
  /** Whether it is drawn; a call goes on when it is not. */
  shown: boolean;
  /** Goes on in writing. */
  onType(): void;
}

interface Live {
  call: Call;
  sound: Sound;
}

/** A call with the agent, in the page. */
export function Voice({ config, shown, onType }: VoiceProps): JSX.Element {
  const { conversation, state, locale, announce } = useUsher();
  const words = useMemo(() => wordsIn(locale), [locale]);
  const [live, setLive] = useState<Live | null>(null);
  const [told, setTold] = useState<CallState | null>(null);
  const [failure, setFailure] = useState<SoundFailure | null>(null);
  const [asking, setAsking] = useState(false);
  const phase = told?.phase;
  const again = useRef<HTMLButtonElement>(null);
  useEffect(() => () => live?.call.hangUp(), [live]);
  // The buttons of the call went away with it, and the focus with them.
  useEffect(() => {
    if (phase?.name === "ended") again.current?.focus();
  }, [phase?.name]);

  const start = async (): Promise<void> => {
    setFailure(null);
    setAsking(true);
    try {
      const worklet = new URL(/* @vite-ignore */ "mic.js", import.meta.url).href;
      const sound = await openSound(worklet);
      const call = new Call({ url: socketUrl(conversation.api.socketUrl(0)), sound, onChange: setTold });
      setTold(call.state);
      setLive({ call, sound });
      call.start();
      announce(words("connecting"));
    } catch (error) {
      setFailure(error instanceof SoundError ? error.failure : "unsupported");
    } finally {
      setAsking(false);
    }
  };

  const agent = config.agentName;
  if (!live || !told || !phase || phase.name === "ended") {
    const org = state.view?.client.orgName ?? "";
    return (
      <div class="body voice" hidden={!shown}>
        <span class="orb" aria-hidden="true">
          <Glyph name="mic" />
        </span>
        {phase?.name === "ended" ? (
          <div class="centre" role="status">
            <h2>{phase.detail ?? words(endKey(phase))}</h2>
            <p class="hint">{words("ended.text")}</p>
          </div>
        ) : (
          <div class="centre">
            <h2>{words("title")}</h2>
            <p>{words("intro", { agent, org })}</p>
          </div>
        )}
        {failure && (
          <p class="error" role="alert">
            <span>{words(failure)}</span>
          </p>
        )}
        <button ref={again} type="button" class="primary wide" disabled={asking} onClick={() => void start()}>
          {words(asking ? "connecting" : phase ? "again" : "start")}
        </button>
        <button type="button" class="quiet" onClick={onType}>
          {words("typeInstead")}
        </button>
        {config.phone && (
          <a class="hint" href={`tel:${config.phone}`}>
            {words("or", { phone: config.phone })}
          </a>
        )}
        <p class="hint">{words("privacy")}</p>
      </div>
    );
  }
  return <InCall live={live} told={told} agent={agent} words={words} shown={shown} />;
}

function socketUrl(live: string): string {
  const url = new URL(live);
  url.pathname += "/voice";
  url.searchParams.delete("since");
  return url.href;
}

function endKey({ reason }: Extract<Phase, { name: "ended" }>) {
  switch (reason) {
    case "busy":
    case "contact_hung_up":
    case "failed":
    case "finished":
    case "lost":
      return `ended.${reason}` as const;
    default:
      return "ended.other" as const;
  }
}

function InCall({
  live,
  told,
  agent,
  words,
  shown,
}: {
  live: Live;
  told: CallState;
  agent: string;
  words: Words;
  shown: boolean;
}): JSX.Element {
  const { call, sound } = live;
  const { phase, muted, captions } = told;
  const log = useRef<HTMLDivElement>(null);
  const hangUp = useRef<HTMLButtonElement>(null);
  const [text, setText] = useState("");
  const { level, speaking } = useLevel(call, sound);
  useEffect(() => hangUp.current?.focus(), []);
  useEffect(() => log.current?.scrollTo({ top: log.current.scrollHeight }), [captions, shown]);

  const say = (event: Event): void => {
    event.preventDefault();
    if (text.trim()) call.say(text.trim());
    setText("");
  };
  const status =
    phase.name !== "live"
      ? words(phase.name === "reconnecting" ? "reconnecting" : "connecting")
      : speaking
        ? words("speaking", { agent })
        : words(muted ? "muted" : "listening");
  return (
    <div class="body voice live" hidden={!shown}>
      <div class="centre">
        <span
          class={`orb ${speaking ? "speaking" : ""}`}
          style={{ "--level": muted ? "0" : String(level) }}
          role="meter"
          aria-label={words("level")}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.round(level * 10) * 10}
        >
          <Glyph name={muted ? "muted" : "mic"} />
        </span>
        <p class="status" role="status">
          {status}
        </p>
      </div>
      <div
        ref={log}
        class="captions"
        role="log"
        aria-live="polite"
        aria-label={words("captions")}
        tabIndex={0}
      >
        {captions.map(({ id, from, text: said, final }) => (
          <p key={id} class={`${from === "client" ? "said" : "heard"} ${final ? "" : "open"}`}>
            <b>{from === "client" ? words("you") : agent}</b> {said}
          </p>
        ))}
      </div>
      <form class="typing" onSubmit={say}>
        <input
          value={text}
          aria-label={words("type", { agent })}
          placeholder={words("type", { agent })}
          enterkeyhint="send"
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="secondary">
          {words("send")}
        </button>
      </form>
      <div class="controls">
        <button
          type="button"
          class="secondary"
          aria-pressed={muted}
          disabled={phase.name !== "live"}
          onClick={() => call.mute(!muted)}
        >
          <Glyph name={muted ? "muted" : "mic"} />
          {words(muted ? "unmute" : "mute")}
        </button>
        <button ref={hangUp} type="button" class="primary hangup" onClick={() => call.hangUp()}>
          <Glyph name="hangup" />
          {words("hangup")}
        </button>
      </div>
    </div>
  );
}

const METER_MS = 80;

/** How loud the microphone is and whether the agent speaks, often enough to look alive. */
function useLevel(call: Call, sound: Sound): { level: number; speaking: boolean } {
  const [heard, setHeard] = useState({ level: 0, speaking: false });
  useEffect(() => {
    const timer = setInterval(() => setHeard({ level: sound.level(), speaking: call.speaking }), METER_MS);
    return () => clearInterval(timer);
  }, [call, sound]);
  return heard;
}
