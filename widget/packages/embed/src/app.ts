import { h, render } from "preact";

import type { Mount } from "./mount.ts";
import base from "./styles/base.css?inline";
import controls from "./styles/controls.css?inline";
import views from "./styles/views.css?inline";
import { adopt } from "./theme.ts";
import { App } from "./ui/App.tsx";

export const mount: Mount = (host, container, address) => {
  adopt(container, base + controls + views);
  const assets = new URL(/* @vite-ignore */ ".", import.meta.url).href;
  render(h(App, { host, base: address, assets }), container);
  return () => render(null, container);
};
