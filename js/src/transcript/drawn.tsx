/**
 * A block of a kind without a component here: the kernel sends what it is drawn of
 * (nbagent/protocol/nodes.py).
 */

import {
  other as LABELS,
  prompted as PROMPTED,
  task as TASK,
} from "../../../nbagent/protocol/labels.json";
import type {
  DataNode,
  DrawnNode,
  LineNode,
  MessageNode,
  NoticeNode,
  TableNode,
  Words,
} from "../protocol";
import { prose } from "../readable";
import type { Block } from "../store";
import { Icon } from "../ui/icons";
import { type JsonObject, record, str, strings, type Unchecked } from "../values";
import { File } from "./file";
import { Lazy } from "./lazy";
import { DataRow, FailurePanel, LinkChip, Notice } from "./lines";
import { IMAGE_CHARS } from "./result";

export function DrawnBlock({ block }: { block: Block }) {
  return (
    <Lazy value={block.props.value.drawn} limit={IMAGE_CHARS}>
      {(nodes) =>
        records(nodes).map((node, index) => <Node key={index} block={block} node={node} />)
      }
    </Lazy>
  );
}

function Node({ block, node }: { block: Block; node: JsonObject }) {
  const kind = node.node as DrawnNode["node"];
  switch (kind) {
    case "line":
      return <Line line={node} />;
    case "notice":
      return <NoticeLine notice={node} />;
    case "message":
      return <Message message={node} />;
    case "link":
      return <LinkChip link={node} />;
    case "download":
      return <File file={node} altText={LABELS.picture} />;
    case "failure":
      return <FailurePanel block={block} error={node} />;
    case "table":
      return <Table table={node} />;
    case "data":
      return <NamedData block={block} data={node} />;
    default:
      return <DataRow block={block} name={str(kind satisfies never) ?? ""} data={node} />;
  }
}

function Line({ line }: { line: Unchecked<LineNode> }) {
  const isTask = typeof line.done === "boolean";
  const words: Unchecked<Words>[] = records(line.words);
  return (
    <div class="nb-line">
      {isTask && <Icon name={line.done ? "check" : "todo"} tone={line.done ? "ok" : "off"} />}
      {isTask && <span class="nb-sr">{line.done ? TASK.done : TASK.open} </span>}
      <span>
        {words.map(({ text, strong }, index) => (
          <span key={index} class={strong === true ? "nb-name" : ""}>
            {str(text)}
          </span>
        ))}
      </span>
    </div>
  );
}

function Table({ table }: { table: Unchecked<TableNode> }) {
  const rows: unknown[] = Array.isArray(table.cells) ? table.cells : [];
  return (
    <table class="nb-table">
      {[table.heads, ...rows].map((row, index) => (
        <tr key={index}>
          {strings(row).map((text, at) => (
            <td key={at}>{text}</td>
          ))}
        </tr>
      ))}
    </table>
  );
}

function NoticeLine({ notice }: { notice: Unchecked<NoticeNode> }) {
  return <Notice level={str(notice.level) ?? "info"}>{str(notice.text)}</Notice>;
}

function NamedData({ block, data }: { block: Block; data: Unchecked<DataNode> }) {
  return <DataRow block={block} name={str(data.name) ?? ""} data={data.value} />;
}

function Message({ message }: { message: Unchecked<MessageNode> }) {
  return (
    <div class="nb-prompt">
      <span class="nb-sr">{PROMPTED.you}: </span>
      <div class="nb-prompt-text" dir="auto">
        {prose(str(message.text) ?? "")}
      </div>
      {records(message.files).map((file, index) => (
        <File key={index} file={file} altText={PROMPTED.picture} />
      ))}
    </div>
  );
}

function records(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map((each) => record(each) ?? {}) : [];
}
