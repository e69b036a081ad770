/** JSON text in colour: a fixed one, or one that is still being written. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { TextStream } from "../text-stream";
import { JsonInk } from "./json-ink";

export function InkedJson({ text }: { text: string }) {
  const host = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (host.current) new JsonInk(host.current).replace(text);
  }, [text]);
  return <span ref={host} />;
}

export function InkedStream({ stream }: { stream: TextStream }) {
  const host = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (!host.current) return;
    const ink = new JsonInk(host.current);
    ink.replace("");
    return stream.subscribe(ink);
  }, [stream]);
  return <span ref={host} />;
}
