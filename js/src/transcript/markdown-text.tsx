/**
 * A growing Markdown text. Its DOM is written by MarkdownView; only the element around it is a
 * component.
 */

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { MarkdownView } from "../markdown";
import type { TextStream } from "../text-stream";
import { useSession } from "./context";

export function MarkdownText({
  stream,
  live,
  class: extra = "",
}: {
  stream: TextStream;
  live: boolean;
  class?: string;
}) {
  const session = useSession();
  const host = useRef<HTMLDivElement>(null);
  const shown = useRef<MarkdownView | null>(null);
  useLayoutEffect(() => {
    const view = new MarkdownView({
      loadModule: (name) => session.loadModule(name),
      windowed: true,
    });
    shown.current = view;
    host.current?.append(view.node);
    const unsubscribe = stream.subscribe(view);
    return () => {
      unsubscribe();
      shown.current = null;
      view.dispose();
    };
  }, [session, stream]);
  useEffect(() => {
    if (!live) shown.current?.finish();
  }, [live]);
  return <div ref={host} class={`nb-text ${extra}`} />;
}
