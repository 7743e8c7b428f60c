export type * from "./wire.gen.ts";
