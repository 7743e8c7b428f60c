import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { adopt } from "../theme.ts";
import { useUsher } from "./context.ts";

/** A piece of the widget in a file of its own. */
interface Part {
  styles: string;
}

/**
 * Makes the hook that gives a part once it is there: it is fetched as soon as it is wanted, before it is needed, and
 * again when the network comes back.
 */
function part<P extends Part>(load: () => Promise<P>): (wanted: boolean) => P | null {
  let loaded: P | null = null;
  return (wanted) => {
    const { state } = useUsher();
    const [here, setHere] = useState(loaded);
    useEffect(() => {
      if (!wanted || here) return;
      load().then(
        (arrived) => {
          loaded = arrived;
          setHere(arrived);
        },
        // The next change of the connection tries again.
        () => undefined,
      );
    }, [wanted, here, state.connection]);
    return here;
  };
}

const rare = part(() => import("./controls/rare.ts"));

/** The chat. */
export const useChat = part(() => import("./chat/chat.ts"));

/** The calls through the browser. */
export const useVoice = part(() => import("./voice/voice.ts"));

/** The large controls that few flows have. */
export function useRare(): ReturnType<typeof rare> {
  const { state } = useUsher();
  return rare(state.view?.fields.some(({ type }) => type === "file" || type === "business_hours") ?? false);
}

/** Gives a part's styles to the shadow root that `inside` is in. */
export function useStyles(inside: RefObject<HTMLElement | null>, arrived: Part | null): void {
  useLayoutEffect(() => {
    if (arrived && inside.current) adopt(inside.current, arrived.styles);
  }, [inside, arrived]);
}
