/**
 * Draws the widget into `container`, inside the shadow root of `host`, and returns how to take it away again. All
 * settings are attributes of the host, read live: `session`, `mode`, `locale`, `theme`, `accent`, `open`, and
 * `inline` or `page` for the two layouts without a launcher.
 */
export type Mount = (host: HTMLElement, container: HTMLElement, base: string) => () => void;
