/** The small blocks: status lines, hand-offs, sources, files, errors, and anything this version does not know. */

import { useState } from "preact/hooks";
import type { Block } from "../store";
import { Disclosure } from "../ui/disclosure";
import { Icon, type IconName } from "../ui/icons";
import { JsonView } from "../ui/json-tree";
import { clip, str, webAddress } from "../values";
import { Failure } from "./failure";
import { EventsOf } from "./inspecting";
import { bytes, Lazy, partOf } from "./lazy";
import { MarkdownText } from "./markdown-text";
import { useOpen } from "./open";
import { IMAGES, LazyPicture } from "./result";

export function TextBlock({ block }: { block: Block }) {
  const props = block.props.value;
  const live = !block.closed.value;
  if (props.text_kind === "refusal") {
    return (
      <div class="nb-refusal nb-said">
        <span class="nb-caption">
          <Icon name="denied" /> The model declined
        </span>
        <MarkdownText stream={block.stream("text")} live={live} />
        <EventsOf block={block} />
      </div>
    );
  }
  return (
    <div class={props.phase === "commentary" ? "nb-said nb-commentary" : "nb-said"}>
      <MarkdownText stream={block.stream("text")} live={live} class="nb-answer" />
      <EventsOf block={block} />
    </div>
  );
}

const LEVELS: Record<string, [IconName, string]> = {
  debug: ["info", "off"],
  info: ["info", "off"],
  warning: ["warning", "ask"],
  error: ["cross", "bad"],
};

export function StatusBlock({ block }: { block: Block }) {
  const props = block.props.value;
  const [icon, tone] = LEVELS[str(props.level) ?? "info"] ?? ["info", "off"];
  return (
    <div class="nb-line">
      <Icon name={icon} tone={tone} />
      <span>{str(props.message) ?? ""}</span>
    </div>
  );
}

export function HandoffBlock({ block }: { block: Block }) {
  const props = block.props.value;
  const from = str(props.from);
  return (
    <div class="nb-line">
      <Icon name="handoff" />
      <span>
        {from === null ? "Handed over to " : "Handed over from "}
        {from !== null && <span class="nb-name">{from}</span>}
        {from !== null && " to "}
        <span class="nb-name">{str(props.to) ?? "another agent"}</span>
      </span>
    </div>
  );
}

export function ErrorBlock({ block }: { block: Block }) {
  const props = block.props.value;
  const type = str(props.error_type);
  const [open, toggle] = useOpen(block, true);
  const row = (
    <>
      <Icon name="cross" tone="bad" />
      <span class="nb-bad">{type ?? "Error"}</span>
      {!open && <span class="nb-args">{clip(str(props.message) ?? "", 200)}</span>}
      <span class="nb-grow" />
    </>
  );
  return (
    <Disclosure open={open} onToggle={toggle} row={row} class="nb-tone-bad">
      {() => (
        <>
          <Failure type={type} message={props.message} code={str(props.code)} traceback={props.traceback} />
          <EventsOf block={block} />
        </>
      )}
    </Disclosure>
  );
}

export function SourceBlock({ block }: { block: Block }) {
  const props = block.props.value;
  const url = webAddress(props.url);
  const title = str(props.title);
  const text = clip(title ?? url?.host ?? str(props.url) ?? "source", 60);
  if (url === null) return <span class="nb-chip">{text}</span>;
  return (
    <a class="nb-chip" href={url.href} target="_blank" rel="noopener noreferrer" title={url.href}>
      <Icon name="link" />
      {text}
      {title !== null && <span class="nb-muted">{url.host}</span>}
    </a>
  );
}

export function FileBlock({ block }: { block: Block }) {
  const props = block.props.value;
  const [wanted, setWanted] = useState(false);
  const type = str(props.media_type) ?? "application/octet-stream";
  const name = str(props.name);
  const url = webAddress(props.url);
  const part = partOf(props.data);
  if (IMAGES.includes(type) && (part || str(props.data))) {
    return <LazyPicture type={type} data={props.data} alt={name ?? "picture made by the model"} />;
  }
  const label = name ?? (url === null ? type : `${type} at ${url.host}`);
  if (part && !wanted) {
    return (
      <button type="button" class="nb-chip" onClick={() => setWanted(true)}>
        <Icon name="file" />
        {label} (get {bytes(part.size)})
      </button>
    );
  }
  return (
    <Lazy value={props.data} text limit={FILE_CHARS}>
      {(loaded) => <FileLink data={str(loaded)} name={name} url={url} label={label} />}
    </Lazy>
  );
}

const FILE_CHARS = 64_000_000;

interface FileLinkProps {
  data: string | null;
  name: string | null;
  url: URL | null;
  label: string;
}

function FileLink({ data, name, url, label }: FileLinkProps) {
  // A type that no page can run, whatever the model called it.
  const href = data ? `data:application/octet-stream;base64,${data.replace(/\s+/g, "")}` : url?.href;
  if (href === undefined) return <span class="nb-chip">{label}</span>;
  return (
    <a
      class="nb-chip"
      href={href}
      download={data ? (name ?? "file") : undefined}
      target="_blank"
      rel="noopener noreferrer"
    >
      <Icon name="file" />
      {label}
    </a>
  );
}

export function CustomBlock({ block }: { block: Block }) {
  const props = block.props.value;
  return <DataRow block={block} name={str(props.name) ?? "custom"} data={props.data} />;
}

/** A block of a kind this version does not know: its name and its data. */
export function UnknownBlock({ block }: { block: Block }) {
  return <DataRow block={block} name={block.kind} data={{ ...block.props.value }} />;
}

function DataRow({ block, name, data }: { block: Block; name: string; data: unknown }) {
  const [open, toggle] = useOpen(block, false);
  const row = (
    <>
      <Icon name="braces" />
      <span class="nb-tool-name nb-muted">{name}</span>
      <span class="nb-grow" />
    </>
  );
  return (
    <Disclosure open={open} onToggle={toggle} row={row}>
      {data === undefined || data === null
        ? null
        : () => (
            <>
              <Lazy value={data}>{(loaded) => <JsonView value={loaded} />}</Lazy>
              <EventsOf block={block} />
            </>
          )}
    </Disclosure>
  );
}
