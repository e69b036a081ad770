/**
 * End of a static copy whose kernel is gone: what the view has and the copy lacks.
 *
 * A copy says what it holds (`content` in nbagent/notebook/static_copy.py). All of the end is
 * escaped text in one element, so the copy stays as safe as the kernel has made it.
 */

import { readable } from "./readable";
import type { Block, Store } from "./store";
import { count, type JsonObject, jsonText, num, record, str } from "./values";

/** Characters that the end may take. */
const MAX_CHARS = 1_000_000;
const NOTE =
  "The kernel ended before it sent another copy. What the live view had besides, as text:";
const STYLE =
  "white-space:pre-wrap;overflow-wrap:anywhere;background:none;color:inherit;font-family:monospace";

/** HTML of a static copy, and what it says that it holds. */
export interface CopyContent {
  readonly html: string;
  readonly held: JsonObject;
}

/**
 * The copy with all that the store has; null if it holds that already, or does not say what it
 * holds.
 */
export function completed({ html, held }: CopyContent, store: Store): CopyContent | null {
  const blocks = [...store.all].filter(({ id }) => id !== "run");
  // The kernel counts the run too, which comes first.
  const known = (num(held.blocks) ?? 0) - 1;
  if (known < 0) return null;
  const open = record(held.open) ?? {};
  const texts = blocks.flatMap((block, index) => {
    if (index >= known) return [textOf(block, 0, store)];
    const size = num(open[block.id]);
    const isSame = size === null || (!block.closed.peek() && size === sizeOf(block));
    return isSame ? [] : [textOf(block, size, store)];
  });
  const end = texts.filter((text) => text !== "").join("\n\n");
  if (end === "") return null;
  const at = html.lastIndexOf("</div>");
  const rest = `<p>${NOTE}</p>\n<pre style="${STYLE}">${escaped(end)}</pre>\n`;
  return {
    html: html.slice(0, at) + rest + html.slice(at),
    held: { ...held, blocks: blocks.length + 1, open: {} },
  };
}

/** Characters (Unicode code points) of a block's texts that grow. */
function sizeOf(block: Block): number {
  const { text, args_text, output } = block.state().props as JsonObject;
  return [text, args_text, output].reduce(
    (size: number, field) => size + characters(field).length,
    0,
  );
}

function characters(text: unknown): string[] {
  return typeof text === "string" ? [...text] : [];
}

/** A block as text, with the names of what it is in; its own text from a character on. */
function textOf(block: Block, start: number, store: Store): string {
  const props = block.state().props as JsonObject;
  const text = characters(props.text).slice(start).join("");
  const { message, prompt, args_text, output, result, error, url, data } = props;
  const fields = [
    text,
    message,
    prompt,
    args_text,
    output,
    plain(result),
    record(error)?.message,
    url,
  ];
  if (block.kind === "custom") fields.push(jsonText(data));
  if (Array.isArray(props.drawn)) fields.push(...props.drawn.map(nodeText));
  const lines = fields.map(str).filter((line) => line !== null);
  if (lines.length === 0 && block.kind !== "tool") return "";
  const path = [...store.above(block).reverse(), block]
    .map(labelOf)
    .filter((label) => label !== "");
  return [path.join(" › "), ...lines].filter((line) => line !== "").join("\n");
}

/** The text of a node that a block is drawn of (nbagent/protocol/nodes.py). */
function nodeText(node: unknown): string {
  const { words, text, message, title, url, name } = record(node) ?? {};
  if (Array.isArray(words)) return words.map((each) => str(record(each)?.text) ?? "").join("");
  return str(text) ?? str(message) ?? str(title) ?? str(url) ?? str(name) ?? "";
}

function labelOf(block: Block): string {
  const { name, title } = block.props.peek() as JsonObject;
  return block.kind === "text" ? "" : `${block.kind} ${str(title) ?? str(name) ?? ""}`.trim();
}

/** A result as text: of other forms, their MIME types. */
function plain(result: unknown): unknown {
  const bundle = record(result);
  if (bundle === null) return result === undefined ? null : jsonText(result);
  const json = bundle["application/json"];
  return (
    bundle["text/plain"] ?? (json === undefined ? Object.keys(bundle).join(", ") : jsonText(json))
  );
}

function escaped(text: string): string {
  const missing = text.length - MAX_CHARS;
  const note = missing > 0 ? `\n… ${count(missing)} more characters not kept in the notebook` : "";
  const shown = readable(text.slice(0, MAX_CHARS)) + note;
  return shown.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
