import type { JSX } from "preact";

const PATHS = {
  mic: "M12 4a3 3 0 0 0-3 3v4a3 3 0 0 0 6 0V7a3 3 0 0 0-3-3Zm-6 7a6 6 0 0 0 12 0m-6 6v3m-3 0h6",
  muted:
    "M9 9v2a3 3 0 0 0 4.5 2.6M15 10.500V7a3 3 0 0 0-5.600-1.500M6 11a6 6 0 0 0 9.500 4.900M18 11a6 6 0 0 1-.6 2.600M12 17v3m-3 0h6M4 4l16 16",
  hangup:
    "M4 14.500c0-5 16-5 16 0v1.500a1 1 0 0 1-1 1h-3a1 1 0 0 1-1-1v-2c-2-.7-4-.7-6 0v2a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1Z",
} as const;

/** A drawing of the voice mode; the text beside it says what it is. */
export function Glyph({ name }: { name: keyof typeof PATHS }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
