import { useEffect, useState } from "preact/hooks";

import { useUsher } from "./context.ts";

type Rare = typeof import("./controls/rare.ts");

let loaded: Rare | null = null;

/**
 * The large controls that few flows have, in a file of their own. It is fetched as soon as the flow turns out to
 * want it, so that it is there before its question, and again when the network comes back.
 */
export function useRare(): Rare | null {
  const { state } = useUsher();
  const wanted = state.view?.fields.some(({ type }) => type === "file" || type === "business_hours") ?? false;
  const [rare, setRare] = useState(loaded);
  useEffect(() => {
    if (!wanted || rare) return;
    import("./controls/rare.ts").then(
      (controls) => {
        loaded = controls;
        setRare(controls);
      },
      // The next change of the connection tries again.
      () => undefined,
    );
  }, [wanted, rare, state.connection]);
  return rare;
}
