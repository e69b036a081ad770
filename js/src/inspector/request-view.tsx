/**
 * One request to the model: its tokens by part, messages, tools, settings, and the raw response.
 */

import type { ComponentChildren, FunctionComponent } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { forks as FORKS, send as SEND } from "../../../nbagent/protocol/labels.json";
import type { ForkFormProps } from "../answering/fork-form";
import type { SendFormProps } from "../answering/send-form";
import type { Session } from "../session";
import { loadDrawn } from "../transcript/drawn-module";
import { Lazy, useLoaded } from "../transcript/lazy";
import type { Result } from "../transcript/result";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { JsonView } from "../ui/json-tree";
import { usePlaceholderHeight } from "../ui/virtualize";
import { count, jsonText, record, str } from "../values";
import {
  askDetail,
  type Detail,
  type InputPart,
  inputLabel,
  type RequestRow,
  shares,
} from "./requests";

/** Messages as before that are drawn at first, the last ones. */
const EARLIER_ROWS = 4;
/** Rows that are drawn together when they come near the visible area. */
const PAGE_ROWS = 20;
/** Height of a closed `.nb-part-row` in requests.css. */
const ROW_PX = 24;
/** Characters of a response that are shown at once; a longer one is shown page by page. */
const RESPONSE_CHARS = 32 * 1024;

interface RequestViewProps {
  session: Session;
  row: RequestRow;
  /** Draws answers: this part has no copy of it. */
  Result: typeof Result;
}

export function RequestView({ session, row, Result }: RequestViewProps) {
  const { lazyValues } = session.channel;
  const box = useRef<HTMLElement>(null);
  const [form, setForm] = useState<"fork" | "send" | null>(null);
  const { value: detail, problem } = useLoaded(
    () => askDetail(session, row.number),
    row.number,
    row.seconds,
  );
  const leave = () => {
    setForm(null);
    box.current?.focus();
  };
  const isShown = detail?.hidden === null;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller must be reachable by keyboard
    <section ref={box} class="nb-request" aria-label={`Request ${row.number}`} tabIndex={0}>
      <div class="nb-event-head">
        <strong>Request {row.number}</strong>
        <span class="nb-muted nb-request-url">{detail?.url}</span>
        {session.runProps.can_fork === true && form === null && (
          <button type="button" class="nb-button" onClick={() => setForm("fork")}>
            {FORKS.begin}
          </button>
        )}
        {detail?.canSend && form === null && (
          <button type="button" class="nb-button" onClick={() => setForm("send")}>
            {SEND.begin}
          </button>
        )}
        {isShown && (
          <CopyButton
            label="Copy JSON"
            text={() =>
              lazyValues
                .whole(`request/${row.number}/body`)
                .then((text) => jsonText(JSON.parse(text), 2))
            }
          />
        )}
      </div>
      {form !== null && (
        <div class={`nb-request-form nb-request-${form}`}>
          <FormSlot
            session={session}
            form={form}
            number={row.number}
            Result={Result}
            leave={leave}
          />
        </div>
      )}
      {row.problem !== null && <p class="nb-note nb-bad">{row.problem}</p>}
      {problem}
      {detail?.hidden != null && <p class="nb-note">{sentence(detail.hidden)}</p>}
      {/* The form has them too. */}
      {isShown && form !== "send" && <Parts number={row.number} detail={detail} />}
    </section>
  );
}

interface FormSlotProps extends SendFormProps {
  form: "fork" | "send";
}

/** A form for a fork from a request, or for the request itself, of the part that has the forms. */
function FormSlot({ session, form, number, Result, leave }: FormSlotProps) {
  const { value: module, problem } = useLoaded(
    () => loadDrawn(session, "answering.js"),
    0,
    session,
  );
  if (module === undefined) return <>{problem}</>;
  const ForkForm: FunctionComponent<ForkFormProps> = module.ForkForm;
  const SendForm: FunctionComponent<SendFormProps> = module.SendForm;
  if (form === "fork")
    return <ForkForm session={session} place={{ request: number }} leave={leave} />;
  return <SendForm session={session} number={number} Result={Result} leave={leave} />;
}

function Parts({ number, detail }: { number: number; detail: Detail }) {
  const of = (...kinds: string[]) => detail.parts.filter(({ kind }) => kinds.includes(kind));
  const tools = of("tool");
  return (
    <>
      <TokenBar detail={detail} />
      <Section title="Messages">
        <Messages number={number} parts={of("instructions", "message")} />
      </Section>
      {tools.length > 0 && (
        <Section title={`Tools (${count(tools.length)})`}>
          <Rows number={number} parts={tools} />
        </Section>
      )}
      <Section title="Settings and response">
        <Rows number={number} parts={of("settings", "response")} />
      </Section>
    </>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="nb-request-section">
      <span class="nb-caption">{title}</span>
      {children}
    </div>
  );
}

interface RowsProps {
  number: number;
  parts: InputPart[];
}

/** The messages; of those that the request before had too, only the last ones. */
function Messages({ number, parts }: RowsProps) {
  const [whole, setWhole] = useState(false);
  const known = parts.findIndex(({ isNew }) => isNew);
  const folded = whole ? 0 : Math.max(0, (known < 0 ? parts.length : known) - EARLIER_ROWS);
  return (
    <>
      {folded > 0 && (
        <button type="button" class="nb-link nb-request-earlier" onClick={() => setWhole(true)}>
          {count(folded)} earlier
        </button>
      )}
      <Rows number={number} parts={parts.slice(folded)} />
    </>
  );
}

/** Any number of parts, of which only those near the visible area are in the page. */
function Rows({ number, parts }: RowsProps) {
  const opened = useRef(new Set<string>()).current;
  const starts = parts.flatMap((_, at) => (at % PAGE_ROWS === 0 ? [at] : []));
  return (
    <>
      {starts.map((at) => {
        const page = parts.slice(at, at + PAGE_ROWS);
        return (
          <Page key={page[0]?.part} number={number} parts={page} opened={opened} first={at === 0} />
        );
      })}
    </>
  );
}

interface PageProps extends RowsProps {
  /** Names of the parts that are open, also while their page is not drawn. */
  opened: Set<string>;
  first: boolean;
}

function Page({ number, parts, opened, first }: PageProps) {
  const box = useRef<HTMLDivElement>(null);
  const placeholder = usePlaceholderHeight(box, first ? null : parts.length * ROW_PX);
  if (placeholder !== null) return <div ref={box} style={{ height: `${placeholder}px` }} />;
  return (
    <div ref={box}>
      {parts.map((part) => (
        <PartRow key={part.part} number={number} part={part} opened={opened} />
      ))}
    </div>
  );
}

interface PartRowProps extends Pick<PageProps, "number" | "opened"> {
  part: InputPart;
}

/** A part on one line, which opens. */
function PartRow({ number, part, opened }: PartRowProps) {
  const { kind, label, head, tokens, size, isNew } = part;
  const [open, setOpen] = useState(opened.has(part.part));
  const toggle = () => {
    if (open) opened.delete(part.part);
    else opened.add(part.part);
    setOpen(!open);
  };
  const name = `request/${number}/${part.part}`;
  const value = useMemo(() => ({ part: name, size }), [name, size]);
  return (
    <div class={`nb-part ${isNew ? "nb-part-new" : ""}`}>
      <button type="button" class="nb-part-row" aria-expanded={open} onClick={toggle}>
        <Icon name="chevron" />
        <span class="nb-part-label">{label}</span>
        <span class="nb-part-head">{head}</span>
        {isNew && <span class="nb-part-mark">new</span>}
        <span class="nb-request-figure">{figure(tokens, size, kind)}</span>
      </button>
      {open && (
        <div class="nb-part-body">
          {kind === "response" ? (
            <Lazy value={value} text limit={RESPONSE_CHARS}>
              {(text) => (
                <pre class="nb-pre">{text === "" ? "Nothing has come." : String(text)}</pre>
              )}
            </Lazy>
          ) : (
            <Lazy value={value}>
              {(json) =>
                kind === "message" ? <Message value={json} /> : <JsonView value={json} />
              }
            </Lazy>
          )}
        </div>
      )}
    </div>
  );
}

/** A message: its texts as they read, and all else as JSON. */
function Message({ value }: { value: unknown }) {
  const message = record(value);
  if (message === null) return <Content value={value} />;
  const { role: _, content, output, ...others } = message;
  return (
    <>
      {content != null && <Content value={content} />}
      {output != null && <Content value={output} />}
      {Object.keys(others).length > 0 && <JsonView value={others} />}
    </>
  );
}

function Content({ value }: { value: unknown }) {
  if (typeof value === "string") return <pre class="nb-pre">{value}</pre>;
  if (!Array.isArray(value)) return <JsonView value={value} />;
  return (
    <>
      {value.map((item, index) => {
        const text = str(record(item)?.text);
        return text === null ? (
          <JsonView key={index} value={item} />
        ) : (
          <pre key={index} class="nb-pre">
            {text}
          </pre>
        );
      })}
    </>
  );
}

/** The tokens by part, as a bar with its legend. */
function TokenBar({ detail }: { detail: Detail }) {
  const list = shares(detail);
  return (
    <div class="nb-tokens">
      <div class="nb-token-bar" aria-hidden="true">
        {list.map(({ name, label, tokens }) => (
          <span
            key={name}
            class={`nb-token-${name}`}
            style={{ flexGrow: tokens }}
            title={`${label}: ${count(tokens)}`}
          />
        ))}
      </div>
      <p class="nb-token-legend">
        <strong>{inputLabel(detail.row)}</strong>
        {list.map(({ name, label, tokens }) => (
          <span key={name}>
            <i class={`nb-token-${name}`} aria-hidden="true" />
            {label} {count(tokens)}
          </span>
        ))}
        <span class="nb-muted">
          {detail.row.estimated ? "all estimated" : "parts estimated"} by characters
        </span>
      </p>
    </div>
  );
}

function figure(tokens: number | null, size: number, kind: string): string {
  if (tokens !== null) return `~${count(tokens)} tokens`;
  return kind === "response" ? `${count(size)} bytes` : "";
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
