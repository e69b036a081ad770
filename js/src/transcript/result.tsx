/** What a tool returned, in the richest form the view knows. */

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { htmlToDom } from "../markdown/sanitize";
import { TextStream } from "../text-stream";
import { JsonView } from "../ui/json-tree";
import { num, type Props, record, str } from "../values";
import { useSession } from "./context";
import { MarkdownText } from "./markdown-text";

const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** The known types, richest first. */
const RICHEST = ["text/html", "image/svg+xml", ...IMAGES, "text/markdown", "application/json", "text/plain"];

export function Result({ bundle }: { bundle: Props }) {
  const mime = RICHEST.find((known) => Object.hasOwn(bundle, known));
  if (mime === undefined) return <JsonView value={bundle} />;
  const payload = bundle[mime];
  const part = str(record(payload)?.part);
  if (part === null) return <Payload mime={mime} payload={payload} />;
  return <LazyPayload key={part} mime={mime} part={part} size={num(record(payload)?.size)} />;
}

function Payload({ mime, payload }: { mime: string; payload: unknown }) {
  if (mime === "application/json") return <JsonView value={payload} />;
  const text = Array.isArray(payload) ? payload.filter((line) => typeof line === "string").join("") : payload;
  if (typeof text !== "string") return <JsonView value={payload} />;
  if (mime === "text/html") return <Html html={text} />;
  if (mime === "text/markdown") return <Markdown text={text} />;
  // An image element runs no script of an SVG and loads nothing.
  if (mime === "image/svg+xml") return <Picture src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`} />;
  if (IMAGES.includes(mime)) return <Picture src={`data:${mime};base64,${text.replace(/\s+/g, "")}`} />;
  return <PlainText text={text} />;
}

type Loaded = { text: string } | { error: string } | null;

function LazyPayload({ mime, part, size }: { mime: string; part: string; size: number | null }) {
  const { channel } = useSession();
  const [loaded, setLoaded] = useState<Loaded>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let gone = false;
    setLoaded(null);
    channel.part(part).then(
      (text) => gone || setLoaded({ text }),
      (error: Error) => gone || setLoaded({ error: error.message }),
    );
    return () => {
      gone = true;
    };
  }, [channel, part, attempt]);
  const payload = useMemo(() => (loaded && "text" in loaded ? parsed(mime, loaded.text) : null), [mime, loaded]);
  if (loaded === null) return <p class="nb-note">Loading{size === null ? "" : ` ${bytes(size)}`}…</p>;
  if ("text" in loaded) return <Payload mime={mime} payload={payload} />;
  return (
    <p class="nb-note nb-bad">
      Could not load the result: {loaded.error}{" "}
      <button type="button" class="nb-link" onClick={() => setAttempt(attempt + 1)}>
        Try again
      </button>
    </p>
  );
}

function parsed(mime: string, text: string): unknown {
  if (mime !== "application/json") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function Html({ html }: { html: string }) {
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    host.current?.replaceChildren(htmlToDom(html));
  }, [html]);
  return <div ref={host} class="nb-html" />;
}

function Markdown({ text }: { text: string }) {
  const stream = useMemo(() => new TextStream(text), [text]);
  return <MarkdownText stream={stream} live={false} />;
}

export function Picture({ src, alt = "" }: { src: string; alt?: string }) {
  const [broken, setBroken] = useState(false);
  if (broken) return <p class="nb-note nb-bad">This image could not be read.</p>;
  return <img class="nb-picture" src={src} alt={alt} onError={() => setBroken(true)} />;
}

const SHOWN_CHARS = 20_000;

/** Plain text; a very long one shows its head first. */
export function PlainText({ text }: { text: string }): ComponentChildren {
  const [whole, setWhole] = useState(false);
  const cut = !whole && text.length > SHOWN_CHARS;
  return (
    <pre class="nb-pre">
      {cut ? text.slice(0, SHOWN_CHARS) : text || <span class="nb-muted">(empty text)</span>}
      {cut && (
        <button type="button" class="nb-link" onClick={() => setWhole(true)}>
          {(text.length - SHOWN_CHARS).toLocaleString("en-US")} more characters
        </button>
      )}
    </pre>
  );
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1_000_000) return `${Math.round(size / 1000)} KB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}
