/**
 * The contract between kernel and view: messages, ops, and the props of every kind of block.
 *
 * Generated from nbagent/protocol by `python -m nbagent.blocks.typescript`; do not edit.
 */

/** A value that is replaced by a marker where it is too large to travel with its block. */
export type Large<T> = T | LargeValue;

export type Level = "debug" | "info" | "warning" | "error";

export type RunStatus =
  | "completed"
  | "incomplete"
  | "cancelled"
  | "failed"
  | "paused"
  | "max_steps";

export type ToolKind = "function" | "hosted" | "mcp" | "handoff" | "custom" | "client";

export type ToolState =
  | "input-streaming"
  | "input-available"
  | "approval-requested"
  | "approval-responded"
  | "output-available"
  | "output-error"
  | "output-denied"
  | "cancelled";

export type BarKind = "step" | "text" | "reasoning" | "tool" | "agent" | "approval";

export type PartKind = "instructions" | "message" | "tool" | "format" | "settings" | "response";

export type RowFilter =
  | ""
  | "failed"
  | "tools_failed"
  | "asking"
  | "slow"
  | "different_answers"
  | "different_scores"
  | "tool";

/**
 * Marker in place of a value that is too large to travel with its block; the view asks for its
 * pages by `need`.
 */
export interface LargeValue {
  /**
   * Name of the value: `result/BLOCK/MIME` for a payload of a tool's result, `prop/BLOCK/FIELD` for
   * anything else.
   */
  part: string;
  /** Characters (Unicode code points) of the whole text; of JSON, of its encoded text. */
  size: number;
  /** The first 1,000 characters at most. */
  head: string;
}

/** Counts of tokens; those that are unknown are absent. */
export interface Usage {
  /** That the model read, those of `cache_read` among them. */
  input?: number;
  /** That it wrote, those of `reasoning` among them. */
  output?: number;
  /** Of both. */
  total?: number;
  /** In thoughts. */
  reasoning?: number;
  /** That its service had in a cache. */
  cache_read?: number;
  /** That its service put into a cache. */
  cache_write?: number;
  /** In US dollars. */
  cost?: number;
}

/** A run in the tree of a run and its forks. */
export interface ForkNode {
  /** Of the run in the tree, from 1. */
  number: number;
  /** Number of the run that it goes on from; null for the first. */
  parent: number | null;
  /** Id of the run; null for a recording. */
  run: string | null;
  /** Of the run or recording. */
  name: string;
  /** Point of the fork and its changes, such as `rates(year=2023) → 99`; empty for the first. */
  label: string;
  /** Of the run, or `recorded`. */
  status: string;
  /** True for the run that shows the tree. */
  own: boolean;
}

/**
 * Marker in place of a value that is too large to travel with its block; the view asks for its
 * pages by `need`.
 */
export interface LargeValue {
  /**
   * Name of the value: `result/BLOCK/MIME` for a payload of a tool's result, `prop/BLOCK/FIELD` for
   * anything else.
   */
  part: string;
  /** Characters (Unicode code points) of the whole text; of JSON, of its encoded text. */
  size: number;
  /** The first 1,000 characters at most. */
  head: string;
}

/** Outcome of the last act of a reader that the run's transcript does not show. */
export interface Outcome {
  /** Of the act, as the view that sent it made it. */
  key: string;
  /** Why it failed; null if it did not. */
  problem?: string | null;
  /** Id of the run that it made; null for none. */
  run?: string | null;
  /** Absolute path of the file that it wrote; null for none. */
  file?: string | null;
  /** Its content, which the view asks for; null for nothing. */
  html?: LargeValue | null;
}

/** Words in a line. */
export interface Words {
  /** The words. */
  text: string;
  /** True for a name or a heading. */
  strong?: boolean;
}

/** A line of words. */
export interface LineNode {
  node: "line";
  /** In order, with the spaces between them. */
  words: Words[];
  /** Of a task, true if it is done; null for a line that is no task. */
  done?: boolean | null;
}

/** A line of the run itself, about what is going on. */
export interface NoticeNode {
  node: "notice";
  /** The line. */
  text: string;
  /** Its severity. */
  level?: Level;
}

/** A file: a picture is shown, any other can be saved. */
export interface DownloadNode {
  node: "download";
  /** Its MIME type; empty if it is unknown. */
  media_type: string;
  /** Its address, unchecked; empty if there is none. */
  url?: string;
  /** Its content as base64; empty if it is not here. */
  data?: string;
  /** Its file name; empty if there is none. */
  name?: string;
}

/** Text that the user wrote. */
export interface MessageNode {
  node: "message";
  /** Of the message; it is no Markdown. */
  text: string;
  /** Of the message. */
  files?: DownloadNode[];
}

/** A page or a document. */
export interface LinkNode {
  node: "link";
  /** Its address, unchecked; empty if there is none. */
  url: string;
  /** Its title; empty if there is none. */
  title?: string;
}

/** An error, in a panel that is open. */
export interface FailureNode {
  node: "failure";
  /** The error's message. */
  message: string;
  /** The exception's class name, or the provider's error type; empty if it is unknown. */
  type?: string;
  /** The provider's error code; empty if there is none. */
  code?: string;
  /** The formatted traceback; empty if there is none. */
  traceback?: string;
}

/** Data, in a panel that is closed. */
export interface DataNode {
  node: "data";
  /** In the panel's row. */
  name: string;
  /** Any JSON; null for none. */
  value?: unknown;
}

/** A small table of texts. */
export interface TableNode {
  node: "table";
  /** Names of the columns. */
  heads: string[];
  /** The texts, row by row. */
  cells: string[][];
}

/** Progress of a running tool call. */
export interface ToolProgress {
  /** One line of text. */
  message: Large<string> | null;
  /** How much is done, in the unit of `total`. */
  progress: number | null;
  /** How much there is in all. */
  total: number | null;
}

/** A frame of an exception. */
export interface ErrorFrame {
  /** Path of the file, or the name of the notebook's cell. */
  file: string;
  /** Number of the line, from 1. */
  line: number;
  /** Name of the function. */
  function: string;
  /** The line. */
  source: string;
  /** Local variables, name to text. */
  locals: Record<string, string>;
  /** The installed package that the file is of, or `Python`; None for code of the user's own. */
  library?: string | null;
}

/** Error of a tool call. */
export interface ToolError {
  /** The exception's class name, or the provider's error type. */
  type: Large<string> | null;
  /** The error's message. */
  message: Large<string>;
  /** The formatted traceback. */
  traceback: Large<string> | null;
  /** Frames of the code that raised it, outermost first; absent if there are none. */
  frames?: Large<ErrorFrame[]>;
}

/** The row of a map whose run is shown beneath it. */
export interface OpenRow {
  /** Its number, from 0. */
  row: number;
  /** DOM key of the view of its run; empty if there is none. */
  view?: string;
  /** Why there is none; empty if there is one, or while it is made. */
  problem?: string;
}

/** Props that a block of any kind may have. */
export interface BlockProps {
  /**
   * True if the reader opened the block's panel, false if the reader closed it; absent until then.
   */
  user_open?: boolean;
  /**
   * True if the block belongs to an earlier version of a chat: a prompt before it was edited or
   * asked again.
   */
  replaced?: boolean;
  /** Of a run, an agent or a call: seconds for which it waited for the reader so far. */
  waited?: number;
  /** When it began to wait for the reader; null while it does not. */
  waits_since?: number | null;
  /** True if the times are not those of the work: it was done earlier, and is read from a store. */
  untimed?: boolean;
  /** Nodes that the block is drawn of, if the view has no component for its kind. */
  drawn?: Large<DrawnNode[]>;
}

/**
 * The root block: the run itself.
 *
 * Of a chat, `started` to `first_token`, `speed`, `waited` and `words` are those of the last
 * answer, all else is the chat's.
 */
export interface RunProps extends BlockProps {
  /** Title of the run. */
  name?: Large<string>;
  /** The model's name; absent until the stream has sent it. */
  model?: Large<string>;
  /** `running`, `stopping` after the reader pressed Stop, then how the run ended. */
  status?: "running" | "stopping" | RunStatus;
  /**
   * Name of the one who stopped the run: "you", or a program; null or absent where its service did.
   */
  stopped_by?: Large<string> | null;
  /** When the run began. */
  started?: number;
  /** When the run ended; null while a further answer of a chat is written. */
  ended?: number | null;
  /** The provider's own reason for the end. */
  finish_reason?: Large<string> | null;
  /** More about the status: an error code, or `stream_truncated`. */
  code?: Large<string> | null;
  /** Output tokens of the last step, when it has ended; absent if they are unknown. */
  last_output?: number | null;
  /** Seconds from `started` to the first text, thought or tool argument; null before. */
  first_token?: number | null;
  /**
   * Output tokens for each second that the model wrote; null if it is unknown. The time before the
   * first token, in tools, and of waiting for the reader is left out.
   */
  speed?: number | null;
  /** Tokens so far; counts that are unknown are absent. */
  usage?: Usage;
  /** Content that the gate hides from the reader: `thinking`, `tools`, `commentary`. */
  hidden?: Large<string[]>;
  /** Number of events so far. */
  events?: number;
  /** Number of words of texts and thoughts that were streamed so far. */
  words?: number;
  /** Number of tool calls so far. */
  tools?: number;
  /** Number of tool calls that ended with an error. */
  tools_failed?: number;
  /** Number of streams that are shown side by side; absent for one stream. */
  lanes?: number;
  /**
   * Number of events that the static copy in the notebook held when it was sent last; absent before
   * that.
   */
  copied?: number;
  /**
   * Number of answers of a chat so far; absent for a run that is no chat. Between two of them the
   * run has ended, and the reader may write the next prompt.
   */
  turns?: number;
  /** Of a chat: what its agent does, in one line; absent if that is hidden. */
  about?: Large<string>;
  /** Of a chat: names of its agent's tools; absent if they are hidden. */
  offers?: Large<string[]>;
  /** Number of earlier versions of a chat: how often a prompt was edited or asked again. */
  versions?: number;
  /**
   * Pixels of the transcript's box, 0 for its full height; absent for a box that opens at the end.
   */
  height?: number;
  /**
   * Kinds of panels that are open, `thinking`, `tools`, `agents`, and no others; absent for those
   * that are active.
   */
  panels?: Large<string[]>;
  /** True if the transcript is shown when the run has ended. */
  final_only?: boolean;
  /** True if breakpoints may be set: code of the run looks for them. */
  can_stop?: boolean;
  /** Names of the tools before whose calls the run stops; `*` is every tool. */
  stop_at?: Large<string[]>;
  /** True if the run stops before every call and every request to the model. */
  step?: boolean;
  /** The run and the runs that go on from it or that it goes on from; absent if there are none. */
  forks?: Large<ForkNode[]>;
  /**
   * True if another run may go on from a place in this one: an `nbagent.Agent` is known, or an
   * `on_fork`. What a form for it begins with is the large value `fork/BLOCK`, or `fork-
   * request/NUMBER`.
   */
  can_fork?: boolean;
  /** True if the run may be kept as a test: its `nbagent.Agent` is known. */
  can_keep?: boolean;
  /** Of the reader's last act; absent before the first. */
  outcome?: Outcome;
}

/** A piece of the answer. */
export interface TextProps extends BlockProps {
  /** Markdown; it grows by `append`. */
  text?: string;
  /** `refusal` where the model declined to answer; `json` where the text is JSON, not Markdown. */
  text_kind?: "json" | "refusal" | "text";
  /** The provider's name for the role of the text: `commentary`, `final_answer`. */
  phase?: Large<string> | null;
  /** True if each line end is a line break; otherwise a single one is a space, as in CommonMark. */
  line_breaks?: boolean;
}

/** A piece of the model's reasoning. */
export interface ReasoningProps extends BlockProps {
  /** Markdown; it grows by `append`. */
  text?: string;
  /**
   * `summary` where the provider sends a summary of the reasoning, `raw` for the reasoning itself.
   */
  reasoning_kind?: "raw" | "summary";
  /** When it began. */
  started?: number;
  /** When it ended. */
  ended?: number;
}

/** A tool call. */
export interface ToolProps extends BlockProps {
  /** The tool's name. */
  name?: Large<string>;
  /** Kind of the tool, by the side that runs it. */
  tool_kind?: ToolKind;
  /** The parsed arguments; absent while they stream. */
  args?: unknown;
  /** True if the arguments were valid JSON. */
  args_valid?: boolean;
  /** When the arguments were complete and the tool began to run. */
  args_done?: number;
  /** The latest progress. */
  progress?: ToolProgress;
  /** One line that describes the result. */
  summary?: Large<string>;
  /**
   * Representations of the result, also of a preliminary one. Absent for an error without content.
   */
  result?: Record<string, unknown>;
  /** State of the call. */
  state?: ToolState;
  /** The arguments as the model wrote them; it grows by `append`. */
  args_text?: string;
  /** When the call began. */
  started?: number;
  /** When the call ended. */
  ended?: number | null;
  /** The error, or why the call was denied. */
  error?: ToolError | null;
  /** The provider's own id, which need not be unique. */
  call_id?: Large<string> | null;
  /** A name for readers, shown instead of `name`. */
  title?: Large<string> | null;
  /** Parts of this call that the gate hides: `arguments`, `result`. */
  hidden?: Large<string[]>;
  /**
   * True if the panel stays open after the call's end: the result is a picture, or the last table
   * among siblings, or a call inside has a picture.
   */
  open?: boolean;
  /**
   * Parts of this call that its row shows whole, so that its panel leaves them out: `arguments`,
   * `result`.
   */
  in_row?: Large<string[]>;
  /**
   * Parts of this call that a fork was given in place of the recorded ones: `arguments`, `result`.
   */
  changed?: Large<string[]>;
  /** The text that the tool printed or logged; it grows by `append`. */
  output?: string;
  /**
   * True if the reader may make the call again. A form's schema is the large value `rerun/BLOCK`.
   */
  can_rerun?: boolean;
  /** Why the reader's last wish to make the call again failed; null after one that did not. */
  problem?: Large<string> | null;
  /** Id of the call that this one makes again, for the reader; absent for a call of the model. */
  attempt_of?: Large<string>;
  /** Of an attempt: what differs from the first result; see `nbagent.run.diff.difference`. */
  difference?: Large<Record<string, unknown>>;
}

/**
 * A sub-agent at work, or one of several streams that are shown together; its blocks are its
 * children.
 */
export interface AgentProps extends BlockProps {
  /** The agent's name. */
  name?: Large<string>;
  /** `running`, then how it ended. */
  status?: "running" | RunStatus;
  /** When it began. */
  started?: number;
  /** When it ended. */
  ended?: number;
  /** As for a run. */
  stopped_by?: Large<string>;
  /** As for a run. */
  finish_reason?: Large<string>;
  /** As for a run. */
  code?: Large<string>;
  /** As for a run. */
  last_output?: number;
  /** Its tokens, when it has ended. */
  usage?: Usage;
  /** Number of its tool calls so far. */
  tools?: number;
  /** Number of them that ended with an error. */
  tools_failed?: number;
}

/** A question to the reader that the run waits for. */
export interface ApprovalProps extends BlockProps {
  /**
   * Purpose of the request: permission for a tool, input, a sign-in, or what to do at a breakpoint
   * (`stop`).
   */
  approval_kind?: "auth" | "input" | "stop" | "tool";
  /**
   * Of a `stop`: before a `call`, before a `request` to the model, or after a call, at its
   * `result`.
   */
  stage?: "call" | "request" | "result" | null;
  /**
   * At a call's `result`: the text that the model would read, JSON or another one; null if the call
   * failed.
   */
  result?: string | null;
  /** Id of the tool block that the question is about. */
  tool_id?: Large<string> | null;
  /** The question. */
  prompt?: Large<string> | null;
  /** The arguments that the reader is asked about. */
  args?: unknown;
  /** The possible answers. */
  options?: Large<string[]> | null;
  /**
   * JSON Schema of the input; of a tool's call, of the arguments, which the reader may then change.
   */
  schema?: Large<Record<string, unknown>> | null;
  /** True if an answer given here reaches the asker, while the block is open. */
  answerable?: boolean;
  /** True if the reader may allow all further calls of the tool. */
  can_remember?: boolean;
  /** Why the last answer was not taken; null after one that was. */
  problem?: Large<string> | null;
  /** The answer; absent until there is one. */
  decision?: "again" | "approve" | "cancel" | "deny" | "error" | "result" | "step";
  /** The input given, or the arguments as the reader changed them. */
  value?: unknown;
  /** Why it was decided so. */
  reason?: Large<string> | null;
  /** True if further calls of the tool are allowed too. */
  remember?: boolean;
}

/** The user's message that the run answers. */
export interface PromptProps extends BlockProps {
  /** Of the message. */
  text?: string;
  /**
   * Pictures and other files of the message, each with `media_type`, and `url`, `data` (base64) or
   * `name`.
   */
  files?: Large<Record<string, unknown>[]> | null;
}

/** Another agent takes over. */
export interface HandoffProps extends BlockProps {
  /** Name of the agent that hands over. */
  from?: Large<string> | null;
  /** Name of the agent that takes over. */
  to?: Large<string>;
}

/** A page or document that the answer rests on. */
export interface SourceProps extends BlockProps {
  /** Its address. */
  url?: Large<string> | null;
  /** Its title. */
  title?: Large<string> | null;
}

/** A file that the model made. */
export interface FileProps extends BlockProps {
  /** Its MIME type. */
  media_type?: Large<string>;
  /** Its address, where it is not sent along. */
  url?: Large<string> | null;
  /** Its content as base64. */
  data?: Large<string> | null;
  /** Its file name. */
  name?: Large<string> | null;
}

/**
 * A line about what is going on, or the mark of where an answer of a chat stops that is not
 * whole.
 */
export interface StatusProps extends BlockProps {
  /** The line; absent from a mark, whose words are made of the fields below. */
  message?: Large<string>;
  /** Its severity. */
  level?: Level;
  /** Of a mark: how the answer ended. */
  status?: RunStatus;
  /** As for a run. */
  stopped_by?: Large<string>;
  /** As for a run. */
  finish_reason?: Large<string>;
  /** As for a run. */
  code?: Large<string>;
  /** As for a run. */
  last_output?: number;
}

/** An error that is not a tool call's. */
export interface ErrorProps extends BlockProps {
  /** The error's message. */
  message?: Large<string>;
  /** The exception's class name, or the provider's error type. */
  error_type?: Large<string> | null;
  /** The provider's error code. */
  code?: Large<string> | null;
  /** True if the run cannot go on. */
  fatal?: boolean;
  /** The formatted traceback. */
  traceback?: Large<string> | null;
}

/**
 * An application's own event, shared state, or an upstream item that this version does not
 * know.
 */
export interface CustomProps extends BlockProps {
  /** The event's name; `state` for shared state; the item's tag, or `raw`. */
  name?: Large<string>;
  /** Its data. */
  data?: unknown;
}

/** The table of a map, whose rows the view reads page by page. */
export interface RowsProps extends BlockProps {
  /** State of the map in one line. */
  summary?: Large<string>;
  /** Faults beside the rows themselves. */
  notices?: Large<string[]>;
  /** Texts of the first rows and of those that failed. */
  cells?: Large<string[][]>;
  /** Number of rows. */
  total?: number;
  /** Rows that have ended. */
  ended?: number;
  /** Rows that have ended without an answer. */
  failed?: number;
  /** Rows with calls of tools that failed; they may have an answer. */
  tools_failed?: number;
  /** Rows that wait for the reader. */
  asking?: number;
  /** True while rows go on or wait for their turn. */
  is_live?: boolean;
  /** True while no more rows begin, because the reader wants it. */
  is_paused?: boolean;
  /** Number that grows whenever a row has changed. */
  version?: number;
  /** Names of the checks. */
  scores?: Large<string[]>;
  /** Length of the longest label. */
  label_chars?: number;
  /** True if items have several rows: of several agents, or of repetitions. */
  is_grouped?: boolean;
  /** Number of rows that have called a tool, by its name. */
  tools?: Large<Record<string, number>>;
  /** Of `tokens` and `cost`, those that are known of a row. */
  figures?: Large<string[]>;
  /** The row whose run is shown; null if there is none. */
  open?: OpenRow | null;
}

/** The props of a block, by its kind. */
export interface PropsByKind {
  run: RunProps;
  text: TextProps;
  reasoning: ReasoningProps;
  tool: ToolProps;
  agent: AgentProps;
  approval: ApprovalProps;
  prompt: PromptProps;
  handoff: HandoffProps;
  source: SourceProps;
  file: FileProps;
  status: StatusProps;
  error: ErrorProps;
  custom: CustomProps;
  rows: RowsProps;
}

export type Kind = keyof PropsByKind;

/** A kind that the view draws from nodes; it has a component for each other one. */
export type DrawnKind = never;

export type DrawnNode =
  | LineNode
  | NoticeNode
  | MessageNode
  | LinkNode
  | DownloadNode
  | FailureNode
  | DataNode
  | TableNode;

/** Every kind. */
export const KINDS = [
  "run",
  "text",
  "reasoning",
  "tool",
  "agent",
  "approval",
  "prompt",
  "handoff",
  "source",
  "file",
  "status",
  "error",
  "custom",
  "rows",
] as const;

/** The names of the props of every kind. */
export const PROPS = [
  "name",
  "model",
  "status",
  "stopped_by",
  "started",
  "ended",
  "finish_reason",
  "code",
  "last_output",
  "first_token",
  "speed",
  "usage",
  "hidden",
  "events",
  "words",
  "tools",
  "tools_failed",
  "lanes",
  "copied",
  "turns",
  "about",
  "offers",
  "versions",
  "height",
  "panels",
  "final_only",
  "can_stop",
  "stop_at",
  "step",
  "forks",
  "can_fork",
  "can_keep",
  "outcome",
  "user_open",
  "replaced",
  "waited",
  "waits_since",
  "untimed",
  "drawn",
  "text",
  "text_kind",
  "phase",
  "line_breaks",
  "reasoning_kind",
  "tool_kind",
  "args",
  "args_valid",
  "args_done",
  "progress",
  "summary",
  "result",
  "state",
  "args_text",
  "error",
  "call_id",
  "title",
  "open",
  "in_row",
  "changed",
  "output",
  "can_rerun",
  "problem",
  "attempt_of",
  "difference",
  "approval_kind",
  "stage",
  "tool_id",
  "prompt",
  "options",
  "schema",
  "answerable",
  "can_remember",
  "decision",
  "value",
  "reason",
  "remember",
  "files",
  "from",
  "to",
  "url",
  "media_type",
  "data",
  "message",
  "level",
  "error_type",
  "fatal",
  "traceback",
  "notices",
  "cells",
  "total",
  "failed",
  "asking",
  "is_live",
  "is_paused",
  "version",
  "scores",
  "label_chars",
  "is_grouped",
  "figures",
] as const;

/**
 * The ops: changes of the block tree, as JSON arrays.
 *
 *     ["open", id, parent, props]   a new block, the last child of `parent`; `props["kind"]` is
 *                                   its kind
 *     ["append", id, field, text]   a text field grows by `text`
 *     ["set", id, props]            these props are replaced; a text field that is set loses what
 *                                   was appended
 *     ["close", id]                 the block is finished
 *
 * Applying the ops in order gives the kernel's tree at every moment. They are plain tuples, not
 * structs, because an `append` is made for every delta.
 */
export type Op = OpenOp | AppendOp | SetOp | CloseOp;

export type OpenOp = ["open", id: string, parent: string | null, props: Record<string, unknown>];

export type AppendOp = ["append", id: string, field: string, text: string];

export type SetOp = ["set", id: string, props: Record<string, unknown>];

export type CloseOp = ["close", id: string];

/** A batch of changes. */
export interface OpsMessage {
  t: "ops";
  /**
   * Number of the message. Batches and pieces of snapshots count together, from 1, without gaps.
   */
  seq: number;
  /** The kernel's clock, in seconds since the epoch; the view measures durations by it. */
  now: number;
  /** The changes, in order; see `nbagent.protocol.ops`. */
  ops: Op[];
}

/**
 * A piece of the whole transcript, as the ops that build it.
 *
 * The tree is loaded when the last piece has come. It replaces everything queued, so a page loads
 * every snapshot it receives.
 */
export interface SnapshotMessage {
  t: "snapshot";
  /** Number of the message. */
  seq: number;
  /** The kernel's clock, in seconds since the epoch. */
  now: number;
  /** True for the first piece. */
  first: boolean;
  /** True for the last piece. */
  last: boolean;
  /** The ops of this piece. */
  ops: Op[];
}

/** A sign of life: nothing is new. */
export interface BeatMessage {
  t: "beat";
  /** Number of the last batch; a view that has less has lost one. */
  seq: number;
  /** The kernel's clock, in seconds since the epoch. */
  now: number;
}

/** A page of a large value, of a module of the front end, or of an answer of the inspector. */
export interface PartMessage {
  t: "part";
  /** The name that the view asked for. */
  name: string;
  /** Offset of the page's first character. Characters are Unicode code points, not UTF-16 units. */
  at: number;
  /** The page; absent if there is an error. */
  text?: string;
  /** Characters in all; absent if there is an error. */
  size?: number;
  /** Why there is no page, in words for the reader; absent otherwise. */
  error?: string;
}

/** A prompt is being asked, or was asked already when it came again after a connection was lost. */
export interface SaidMessage {
  t: "said";
  /** Of the prompt; see `Say`. */
  key: string;
}

/** A view has come, or comes back; it is sent a snapshot. */
export interface HelloMessage {
  t: "hello";
  /** Number of the last batch it has; 0 for none. The snapshot's numbers are higher. */
  have?: number;
}

/** The view has lost a batch; it is sent a snapshot. */
export interface ResyncMessage {
  t: "resync";
}

/** The view has drawn everything up to a batch. */
export interface AckMessage {
  t: "ack";
  /** Number of the batch. */
  seq: number;
}

/** The view asks for a page of something large; it is sent a `Part`. */
export interface NeedMessage {
  t: "need";
  /** The `part` of a `LargeValue`, a module of the front end, or a question to the inspector. */
  name: string;
  /** Offset of the page's first character, in Unicode code points. */
  at: number;
}

/** The reader pressed Stop. */
export interface StopMessage {
  t: "stop";
}

/** The reader opened or closed a panel, or all of them. */
export interface ToggleMessage {
  t: "toggle";
  /** Id of the panel's block; null for the panels of all blocks. */
  block: string | null;
  /** True if it is open now. */
  open: boolean;
}

/** The reader answered a question. */
export interface AnswerMessage {
  t: "answer";
  /** Id of the question's block. */
  block: string;
  /** The answer; `cancel` closes the question without one. */
  decision: "again" | "approve" | "cancel" | "deny" | "error" | "result" | "step";
  /**
   * The input, as JSON text, because a browser's numbers lose digits. Of a tool's call, the
   * arguments if the reader changed them; for the decision `result`, the result.
   */
  value?: string | null;
  /** Of a denial, or the message of an error, for the model. */
  reason?: string | null;
  /** True if further calls of the tool are allowed too. */
  remember?: boolean;
}

/** The reader set or cleared a breakpoint. */
export interface BreakMessage {
  t: "break";
  /** Name of the tool before whose calls the run stops. */
  tool: string;
  /** True if it does from now on. */
  set: boolean;
}

/**
 * The reader wants the run to stop before every call and every request to the model, or no
 * more.
 */
export interface StepMessage {
  t: "step";
  /** True if it does from now on. */
  on: boolean;
}

/** The reader wants a tool call to be made again. */
export interface RerunMessage {
  t: "rerun";
  /** Id of the call's block. */
  block: string;
  /**
   * All arguments as JSON text, because a browser's numbers lose digits; null for those of the
   * call.
   */
  args?: string | null;
  /** True to call a tool that must not be called twice. */
  force?: boolean;
}

/** The reader stops an attempt of a tool call. */
export interface StopAttemptMessage {
  t: "stop_attempt";
  /** Id of the attempt's block. */
  block: string;
}

/** The reader wants a run that goes on from a place in this one; see `run.fork`. */
export interface ForkMessage {
  t: "fork";
  /** Made by the view; the run's prop `outcome` names it. */
  key: string;
  /** Id of the block of the call at the place; null for a request. */
  block?: string | null;
  /** Number of the request at the place; null for a call. */
  request?: number | null;
  /** The changes to the run, as JSON text in the form of a `ForkForm`. */
  changes?: string;
}

/** The reader wants the run to be kept as a test; see `run.to_test`. */
export interface KeepMessage {
  t: "keep";
  /** Made by the view; the run's prop `outcome` names it. */
  key: string;
}

/**
 * The reader wants the run to be compared with the others of its tree of forks; see
 * `nbagent.compare`.
 */
export interface CompareMessage {
  t: "compare";
  /** Made by the view; the run's prop `outcome` names it. */
  key: string;
}

/** The reader wants a request to a model to be sent again; see `Request.send`. */
export interface SendMessage {
  t: "send";
  /** Made by the view; the run's prop `outcome` names it. */
  key: string;
  /** Number of the request. */
  request: number;
  /** Its fields as they shall be, as JSON text. */
  fields: string;
}

/** The reader wrote a prompt in a chat. */
export interface SayMessage {
  t: "say";
  /** Of the prompt. */
  text: string;
  /** That were dropped with it: dicts with `name`, `media_type` and `data` (base64). */
  files?: Record<string, string>[];
  /**
   * Id of the block of an earlier prompt, in whose place this one is asked; null for the next one.
   */
  instead_of?: string | null;
  /**
   * Made by the view for each prompt, in case it has to send it again: a server asks it once, and
   * answers with `Said`.
   */
  key?: string | null;
}

/** The reader steers a map by its table. */
export interface SteerRowsMessage {
  t: "rows";
  /**
   * `stop` and `pause` let no more rows begin, and `stop` ends those that go on as well; `go_on`
   * ends a pause; `retry` runs the failed rows again; `open` shows the run of a row.
   */
  act: "go_on" | "open" | "pause" | "retry" | "stop";
  /** Number of the row, from 0; null to show no run. */
  row?: number | null;
}

/** A question about the events of a run. */
export interface EventsQuestion {
  /** The first row, from 0. */
  at?: number;
  /** Tag of the events, or of a family: `tool.*`; empty for any. */
  type?: string;
  /** Text that the events' JSON must contain, in upper or lower case. */
  text?: string;
  /** Id of the block that they must belong to. */
  block?: string;
  /** That block's kind. */
  kind?: string;
  /**
   * True to get one row for the deltas of a block that follow each other, with no other event but
   * deltas between.
   */
  fold?: boolean;
}

/** The events that match a question. */
export interface EventsAnswer {
  /** Number of matches so far; of rows, if deltas are folded. */
  total: number;
  /**
   * Number of the last event that was searched; if it is less than `count`, the view asks again.
   */
  seen: number;
  /** Number of events in all. */
  count: number;
  /** Number of events by their tag. */
  types: Record<string, number>;
  /**
   * The matches from row `at` on, as many as fit: number (from 1), time in seconds since the epoch,
   * tag, summary. The row of an event that is no longer kept is its number alone. The row of folded
   * deltas is that of the first, with the beginning of their text.
   */
  rows: unknown[][];
}

/** Cost of a call's result in all requests to the model that send it. */
export interface Carried {
  /** In all of them together, an estimate. */
  tokens: number;
  /** Number of them. */
  requests: number;
  /** In US dollars; absent if the model's prices are not known. */
  cost?: number;
}

/**
 * A bar of the timeline: a step, a text, a thought, a tool call, an agent at work, or a
 * question to the reader.
 *
 * Times are seconds since the epoch.
 */
export interface Bar {
  /** Kind of the bar. */
  kind: BarKind;
  /** Its name. */
  label: string;
  /** When it began. */
  start: number;
  /** When it ended; absent if it has not. */
  end?: number;
  /** Of a tool call: when its arguments were complete and it began to run. */
  ready?: number;
  /** Of a step: when its first token came, or the complete arguments of a call. */
  first?: number;
  /** Of a tool call and of an agent: seconds of it for which it waited for the reader. */
  waited?: number;
  /**
   * Of a tool call: `ok`, `error` or `denied`; of an agent: how it ended; of a question: the
   * decision.
   */
  status?: string;
  /** Of a step: its tokens and cost, as far as they are known. */
  usage?: Usage;
  /** Of a tool call: what its result costs in later requests; absent if none sent it. */
  carried?: Carried;
  /** Id of its block; absent for a step and a question. */
  block?: string;
}

/** The timeline of a run. Times are seconds since the epoch. */
export interface TimelineAnswer {
  /** When the run began; null before its first event. */
  start: number | null;
  /** When it ended; before, when the last event came. */
  end: number;
  /**
   * When the first piece of a text, a thought or a tool's arguments came, of a chat in its last
   * answer; null before.
   */
  first_token: number | null;
  /** Number of gaps in all. */
  gap_count: number;
  /** Seconds of all gaps together. */
  gap_seconds: number;
  /**
   * The newest periods without an event: start and end. Those that waited for the reader are none.
   */
  gaps: [number, number][];
  /** Number of the steps that are kept. */
  steps: number;
  /** True if the steps are the requests to the model, because the stream has fewer. */
  by_requests: boolean;
  /** Number of older bars that are no longer kept. */
  left_out: number;
  /** Number of bars in all. */
  total: number;
  /**
   * Number of the bar after the newest one of this answer, from 0: `total`, or that of the
   * question.
   */
  to: number;
  /** Number of the last event in the timeline; if it is less than `count`, the view asks again. */
  seen: number;
  /** Number of events in all. */
  count: number;
  /** The bars, the newest first, as many as fit. */
  bars: Bar[];
}

/** A request to a model, in a list. */
export interface RequestRow {
  /** Of the request in the run, from 1. */
  number: number;
  /** That it belongs to, from 1. */
  step: number;
  /** Its name; empty if the request does not have one. */
  model: string;
  /** Time at which it was sent, in seconds since the epoch. */
  started: number;
  /** Its tokens. */
  input: number;
  /** Description of what is new since the request before it. */
  changes: string;
  /** Name of the agent or the lane that sent it; absent if there is only one. */
  agent?: string;
  /** Until the end of the response; absent before. */
  seconds?: number;
  /** HTTP status; absent before the response. */
  status?: number;
  /** Reason for which the exchange broke; absent if it did not. */
  problem?: string;
  /** True if they are an estimate. */
  estimated?: boolean;
  /** Tokens of the response; absent if it does not report them. */
  output?: number;
}

/** The requests of a run. */
export interface RequestsAnswer {
  /** Number of the newest request; 0 if there is none. */
  last: number;
  /** Requests from the number that was asked for on, as many as fit. */
  rows: RequestRow[];
}

/** A part of a request. */
export interface RequestPart {
  /** Kind of the part. */
  kind: PartKind;
  /** Its name in questions, after the request's. */
  part: string;
  /** The role of a message, the name of a tool. */
  label: string;
  /** Characters of it. */
  size: number;
  /** Beginning of its text. */
  head?: string;
  /** Of it, an estimate; absent of settings and of the response. */
  tokens?: number;
  /** True if the request before it in its conversation did not have it. */
  new?: boolean;
}

/** One request. */
export interface RequestDetail {
  /** Its figures. */
  row: RequestRow;
  /** Its address, without credentials. */
  url: string;
  /** Why its parts are not shown; absent if they are. */
  hidden?: string;
  /** Tokens of the messages that the service itself added. */
  earlier?: number;
  /** True if it can be sent again, by the client that sent it. */
  can_send?: boolean;
  /** In the order in which a reader looks at them. */
  parts: RequestPart[];
}

/** A form for a fork, or for the fields of a request. */
export interface ForkForm {
  /** The values that it begins with, as JSON text, because a browser's numbers lose digits. */
  text: string;
  /** JSON Schema of an object, whose properties are what may be changed. */
  schema: Record<string, unknown>;
}

/** Effect of a stretch of events on the transcript: as many steps as fit, one for each event. */
export interface PastAnswer {
  /** Number of events in all. */
  count: number;
  /**
   * Number of the first event. It is greater than what was asked for if events before it are no
   * longer kept.
   */
  first: number;
  /**
   * The ops that build the transcript before that event; empty if the answer goes on where another
   * one ended.
   */
  opening: Op[];
  /** The tags of the events, each once. */
  tags: string[];
  /** Of each event, the index of its tag. */
  types: number[];
  /**
   * Of each event, milliseconds since the event before it in this answer; of the first, since the
   * epoch.
   */
  times: number[];
  /**
   * Of each event, its ops; or a text, if it only appends that to the field that the step before
   * has appended to.
   */
  steps: unknown[];
}

/** A question about the rows of a map. */
export interface RowsQuestion {
  /** The first row of the answer, from 0, among those that fit. */
  at?: number;
  /** Number of rows. */
  rows?: number;
  /**
   * Column by which they are sorted: a field of `TableRow`, or a check as `scores/NAME`; empty for
   * their own order.
   */
  sort?: string;
  /** True for the greatest value first. */
  down?: boolean;
  /**
   * Which rows fit: those that failed; those with calls of tools that failed; those that wait for
   * the reader; the slowest tenth of those that ended; those of items whose rows have different
   * answers, or different values of a check; or those that called a tool. Empty for all.
   */
  filter?: RowFilter;
  /** Name of the tool, for the filter `tool`. */
  tool?: string;
  /**
   * Text that the label, the item, the answer or the error must contain, in upper or lower case.
   */
  text?: string;
}

/** A row of a map, as a table shows it. Long texts are cut. */
export interface TableRow {
  /** Its number, from 0. */
  row: number;
  /** Of the item, with the names of the agent and the repetition where there are several. */
  label: string;
  /** The question, or the record that its prompt is made of. */
  item: string;
  /** So far; of a row that failed, the error. */
  answer?: string;
  /** `waiting`, `running`, or how it ended. */
  status: string;
  /** True if it waits for the reader. */
  asks?: boolean;
  /** True if it is of an earlier execution. */
  restored?: boolean;
  /** Number of its calls of tools that failed. */
  tools_failed?: number;
  /** Of prompts and answers together. */
  tokens?: number;
  /** That it took so far. */
  seconds?: number;
  /** In US dollars. */
  cost?: number;
  /** Values of the checks, in the order of `RowsProps.scores`. */
  scores?: unknown[];
}

/** The rows of a map that fit a question. */
export interface RowsAnswer {
  /** Of the table, as in its props. */
  version: number;
  /** Number of rows that fit. */
  total: number;
  /** The rows from `at` on, as many as fit into a message. */
  rows: TableRow[];
}

export type KernelMessage = OpsMessage | SnapshotMessage | BeatMessage | PartMessage | SaidMessage;

export type ViewMessage =
  | HelloMessage
  | ResyncMessage
  | AckMessage
  | NeedMessage
  | StopMessage
  | ToggleMessage
  | AnswerMessage
  | BreakMessage
  | StepMessage
  | RerunMessage
  | StopAttemptMessage
  | ForkMessage
  | KeepMessage
  | CompareMessage
  | SendMessage
  | SayMessage
  | SteerRowsMessage;
