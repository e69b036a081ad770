/** A tool's result, in the richest form that the view can draw. */

import type { ComponentChildren, FunctionComponent } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { other as LABELS } from "../../../nbagent/protocol/labels.json";
import MIME_BYTES from "../../../nbagent/protocol/mime.json";
import { htmlToDom } from "../markdown/sanitize";
import type { LazyModule } from "../modules";
import { TextStream } from "../text-stream";
import { JsonView } from "../ui/json-tree";
import { count, type JsonObject } from "../values";
import { InteractiveChart, PLOTLY } from "./chart";
import { useSession } from "./context";
import { loadDrawn } from "./drawn-module";
import { JSON_CHARS, Lazy, lazyValueOf, useLoaded } from "./lazy";
import { MarkdownText } from "./markdown-text";
import { partsOf } from "./parts";

/** The MIME types that can be shown, richest first. */
const TYPES = Object.keys(MIME_BYTES);
export const IMAGES = TYPES.filter((type) => type.startsWith("image/"));

/** Characters that are loaded as a whole, since no page of them could be drawn by itself. */
const HTML_CHARS = 2_000_000;
export const IMAGE_CHARS = 8_000_000;
const FIGURE_CHARS = 2_000_000;

/** The richest type of a MIME bundle that can be shown. */
export function richestType(bundle: JsonObject): string | undefined {
  return TYPES.find((known) => (bundle[known] ?? null) !== null);
}

export function Result({ bundle }: { bundle: JsonObject }): ComponentChildren {
  const parts = partsOf(bundle);
  if (parts.length) return parts.map((part) => <Result bundle={part} />);
  if (bundle[PLOTLY]) {
    const { [PLOTLY]: figure, ...rest } = bundle;
    return (
      <>
        <Result bundle={rest} />
        <Lazy value={figure} limit={FIGURE_CHARS}>
          {(whole) => <InteractiveChart figure={whole} />}
        </Lazy>
      </>
    );
  }
  const mime = richestType(bundle);
  if (mime === undefined) return <JsonView value={bundle} />;
  const payload = bundle[mime];
  if (IMAGES.includes(mime)) return <LazyPicture type={mime} data={payload} />;
  const limits: Record<string, number> = { "text/html": HTML_CHARS, "text/markdown": JSON_CHARS };
  return (
    <Lazy value={payload} text={mime !== "application/json"} limit={limits[mime]}>
      {(whole) => <Payload mime={mime} payload={whole} />}
    </Lazy>
  );
}

function Payload({ mime, payload }: { mime: string; payload: unknown }) {
  const text = joinLines(payload);
  if (mime === "application/json" || text === null) return <JsonView value={payload} />;
  if (mime === "text/html") return <Html html={text} />;
  if (mime === "text/markdown") return <Markdown text={text} />;
  return <PlainText text={text} />;
}

/** The payload as one text; notebooks also hold a text as a list of lines. */
function joinLines(payload: unknown): string | null {
  if (Array.isArray(payload)) return payload.filter((line) => typeof line === "string").join("");
  return typeof payload === "string" ? payload : null;
}

/** An image of one of the known types: base64, or the markup of an SVG. */
export function LazyPicture({ type, data, alt }: { type: string; data: unknown; alt?: string }) {
  if ((lazyValueOf(data)?.size ?? 0) > IMAGE_CHARS)
    return <p class="nb-note">This image is too large to be shown here.</p>;
  return (
    <Lazy value={data} text limit={IMAGE_CHARS}>
      {(payload) => {
        const text = joinLines(payload) ?? "";
        // In an image element an SVG runs no script and loads nothing.
        const isMarkup = type === "image/svg+xml" && text.includes("<");
        const src = isMarkup
          ? `data:${type};charset=utf-8,${encodeURIComponent(text)}`
          : `data:${type};base64,${text.replace(/\s+/g, "")}`;
        return <Picture src={src} alt={alt} />;
      }}
    </Lazy>
  );
}

function Html({ html }: { html: string }) {
  const host = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState<Element | null>(null);
  useLayoutEffect(() => {
    if (!host.current) return;
    host.current.style.maxHeight = "";
    host.current.replaceChildren(htmlToDom(html));
    endAtRow(host.current);
    setShown(host.current);
  }, [html]);
  return (
    <div class="nb-table-box">
      <div ref={host} class="nb-html" />
      {shown && /<table[\s>]/i.test(html) && <TableButtons key={html} within={shown} />}
    </div>
  );
}

function TableButtons({ within }: { within: Element }) {
  const ShownTable: FunctionComponent<{ within: Element }> | undefined = useMedia()?.ShownTable;
  return ShownTable ? <ShownTable within={within} /> : null;
}

/** The part with what a reader does with tables and pictures; undefined until it is loaded. */
function useMedia(): LazyModule {
  const session = useSession();
  return useLoaded(() => loadDrawn(session, "media.js"), 0, session).value;
}

/** Lower a box that cuts a table, so that it ends below a whole row. */
function endAtRow(box: HTMLElement): void {
  const overflow = box.scrollHeight - box.clientHeight;
  if (overflow <= 0) return;
  const { top } = box.getBoundingClientRect();
  const end = top + box.clientTop + box.clientHeight;
  const cut = [...box.querySelectorAll("tr")]
    .map((row) => row.getBoundingClientRect())
    .find((row) => row.bottom > end);
  if (cut && cut.top > top)
    box.style.maxHeight = `${cut.top - top + box.offsetHeight - box.clientHeight}px`;
}

function Markdown({ text }: { text: string }) {
  const stream = useMemo(() => new TextStream(text), [text]);
  return <MarkdownText stream={stream} live={false} />;
}

export function Picture({ src, alt = "" }: { src: string; alt?: string }) {
  const [broken, setBroken] = useState(false);
  const [enlarged, setEnlarged] = useState(false);
  const Enlarged: FunctionComponent<{ src: string; alt: string; onClose: () => void }> | undefined =
    useMedia()?.Enlarged;
  if (broken) return <p class="nb-note nb-bad">{LABELS.broken_picture}</p>;
  return (
    <>
      <button
        type="button"
        class="nb-zoom"
        title="Enlarge"
        aria-haspopup="dialog"
        onClick={() => setEnlarged(true)}
      >
        <img class="nb-picture" src={src} alt={alt} onError={() => setBroken(true)} />
        <span class="nb-sr">{alt ? ", enlarge" : "Enlarge the picture"}</span>
      </button>
      {enlarged && Enlarged && <Enlarged src={src} alt={alt} onClose={() => setEnlarged(false)} />}
    </>
  );
}

const SHOWN_CHARS = 20_000;

/** Plain text; a very long one shows its head first. */
export function PlainText({ text }: { text: string }): ComponentChildren {
  const [whole, setWhole] = useState(false);
  const cut = !whole && text.length > SHOWN_CHARS;
  return (
    <pre class="nb-pre">
      {cut ? text.slice(0, SHOWN_CHARS) : text || <span class="nb-muted">{LABELS.empty_text}</span>}
      {cut && (
        <button type="button" class="nb-link" onClick={() => setWhole(true)}>
          {count(text.length - SHOWN_CHARS)} more characters
        </button>
      )}
    </pre>
  );
}
