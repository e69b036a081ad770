/**
 * The small blocks: texts, status lines, hand-offs, sources, errors, and blocks of unknown kinds.
 */

import { type ComponentChildren, Fragment } from "preact";
import {
  error as ERROR,
  handoff as HANDOFF,
  other as LABELS,
} from "../../../nbagent/protocol/labels.json";
import { hostOf, LINK_ATTRS, safeUrl } from "../markdown/url";
import type { FailureNode, Level, LinkNode } from "../protocol";
import { LIMITS } from "../shared";
import { endLabel, endTone } from "../status";
import type { Block } from "../store";
import { CopyButton } from "../ui/copy";
import { Disclosure } from "../ui/disclosure";
import { Icon, type IconName } from "../ui/icons";
import { JsonView } from "../ui/json-tree";
import { clip, jsonText, lookUp, str, type Unchecked } from "../values";
import { Failure } from "./failure";
import { EventsButton } from "./inspecting";
import { JsonText } from "./json-text";
import { Lazy, lazyValueOf } from "./lazy";
import { MarkdownText } from "./markdown-text";
import { useOpen } from "./open";

export function TextBlock({ block }: { block: Block<"text"> }) {
  const props = block.props.value;
  const live = !block.closed.value;
  const lines = props.line_breaks === true ? "nb-line-breaks" : "";
  if (props.text_kind === "refusal") {
    return (
      <div class="nb-refusal nb-message">
        <span class="nb-caption">
          <Icon name="denied" /> {LABELS.refusal}
        </span>
        <MarkdownText stream={block.stream("text")} live={live} class={lines} />
        <TextBar block={block} />
      </div>
    );
  }
  return (
    <div class={props.phase === "commentary" ? "nb-message nb-commentary" : "nb-message"}>
      {props.text_kind === "json" ? (
        <JsonText stream={block.stream("text")} live={live} />
      ) : (
        <MarkdownText stream={block.stream("text")} live={live} class={`nb-answer ${lines}`} />
      )}
      <TextBar block={block} />
    </div>
  );
}

/** Buttons at the end of a text, while the pointer or the focus is in it. */
function TextBar({ block }: { block: Block<"text"> }) {
  return (
    <div class="nb-text-bar">
      {block.closed.value && (
        <CopyButton bare text={() => block.stream("text").text} of=" answer" title="Copy" />
      )}
      <EventsButton block={block} />
    </div>
  );
}

const ERROR_ROW_CHARS = 200;
const CHIP_CHARS = 60;

const LEVELS: Record<Level, [IconName, string]> = {
  debug: ["info", "off"],
  info: ["info", "off"],
  warning: ["warning", "ask"],
  error: ["cross", "bad"],
};

export function StatusBlock({ block }: { block: Block<"status"> }) {
  const props = block.props.value;
  const end = str(props.status);
  const level = end !== null && endTone(end) === "ask" ? "warning" : (str(props.level) ?? "info");
  return (
    <Notice level={level}>{str(props.message) ?? (end === null ? null : endLabel(props))}</Notice>
  );
}

/** A line of the run itself. */
export function Notice({ level, children }: { level: string; children: ComponentChildren }) {
  const [icon, tone] = lookUp(LEVELS, level) ?? LEVELS.info;
  return (
    <div class="nb-line">
      <Icon name={icon} tone={tone} />
      <span>{children}</span>
    </div>
  );
}

export function HandoffBlock({ block }: { block: Block<"handoff"> }) {
  const props = block.props.value;
  const from = str(props.from);
  const names = [from, str(props.to) ?? HANDOFF.unnamed].filter((name) => name !== null);
  return (
    <div class="nb-line">
      <Icon name="handoff" />
      <span>
        {(from === null ? HANDOFF.to : HANDOFF.from_to).split("{}").map((words, index) => (
          <Fragment key={index}>
            {words}
            {names[index] && <span class="nb-name">{names[index]}</span>}
          </Fragment>
        ))}
      </span>
    </div>
  );
}

export function ErrorBlock({ block }: { block: Block<"error"> }) {
  const props = block.props.value;
  return <FailurePanel block={block} error={{ ...props, type: props.error_type }} />;
}

/** An error in a panel that is open. */
export function FailurePanel({ block, error }: { block: Block; error: Unchecked<FailureNode> }) {
  const type = str(error.type);
  const opening = useOpen(block, true);
  const row = (
    <>
      <Icon name="cross" tone="bad" />
      <span class="nb-bad">{type ?? ERROR.type}</span>
      {!opening.open && (
        <span class="nb-args">{clip(str(error.message) ?? "", ERROR_ROW_CHARS)}</span>
      )}
      <span class="nb-grow" />
    </>
  );
  return (
    <Disclosure {...opening} row={row} class="nb-tone-bad">
      {() => (
        <>
          <Failure
            type={type}
            message={error.message}
            code={str(error.code)}
            traceback={error.traceback}
          />
          <EventsButton block={block} />
        </>
      )}
    </Disclosure>
  );
}

export function SourceBlock({ block }: { block: Block<"source"> }) {
  return <LinkChip link={block.props.value} />;
}

/** A page or a document. */
export function LinkChip({ link }: { link: Unchecked<LinkNode> }) {
  const url = safeUrl(str(link.url) ?? "");
  const title = str(link.title);
  if (url === null)
    return <span class="nb-chip">{clip(title ?? str(link.url) ?? LABELS.source, CHIP_CHARS)}</span>;
  return (
    <a class="nb-chip" href={url} title={url} {...LINK_ATTRS}>
      <Icon name="link" />
      {clip(title ?? hostOf(url), CHIP_CHARS)}
      {title !== null && <span class="nb-muted">{hostOf(url)}</span>}
    </a>
  );
}

export function CustomBlock({ block }: { block: Block<"custom"> }) {
  const props = block.props.value;
  return <DataRow block={block} name={str(props.name) ?? LABELS.custom} data={props.data} />;
}

/** A block of an unknown kind: its name and its data. */
export function UnknownBlock({ block }: { block: Block }) {
  return <DataRow block={block} name={block.kind} data={{ ...block.props.value }} />;
}

/** Data in a panel that is closed; the row has as much of it as it has room for. */
export function DataRow({ block, name, data }: { block: Block; name: string; data: unknown }) {
  const opening = useOpen(block, false);
  const isThere = data !== undefined && data !== null;
  const row = (
    <>
      <Icon name="braces" />
      <span class="nb-tool-name nb-muted">{name}</span>
      {isThere && lazyValueOf(data) === null && (
        <span class="nb-args">{clip(jsonText(data), LIMITS.label_line_chars)}</span>
      )}
      <span class="nb-grow" />
    </>
  );
  return (
    <Disclosure {...opening} row={row}>
      {isThere
        ? () => (
            <>
              <Lazy value={data}>{(loaded) => <JsonView value={loaded} />}</Lazy>
              <EventsButton block={block} />
            </>
          )
        : null}
    </Disclosure>
  );
}
