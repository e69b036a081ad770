/**
 * The contract between kernel and view: messages, ops, and the props of every kind of block.
 *
 * Generated from nbagent/protocol by `python -m nbagent.protocol.typescript`; do not edit.
 */

/** A value that is replaced by a marker where it is too large to travel with its block. */
export type Large<T> = T | LargeValue;

export type Level = "debug" | "info" | "warning" | "error";

export type RunStatus = "completed" | "incomplete" | "cancelled" | "failed" | "paused" | "max_steps";

export type ToolKind = "function" | "hosted" | "mcp" | "handoff" | "custom";

export type ToolState =
  | "input-streaming"
  | "input-available"
  | "approval-requested"
  | "approval-responded"
  | "output-available"
  | "output-error"
  | "output-denied"
  | "cancelled";

/** Marker in place of a value that is too large to travel with its block; the view asks for its pages by `need`. */
export interface LargeValue {
  /** name of the value: `result/BLOCK/MIME` for a payload of a tool's result, `prop/BLOCK/FIELD` for anything else. */
  part: string;
  /** characters (Unicode code points) of the whole text; of JSON, of its encoded text. */
  size: number;
  /** the first 1,000 characters at most. */
  head: string;
}

/** Progress of a running tool call. */
export interface ToolProgress {
  /** one line of text. */
  message: Large<string> | null;
  /** how much is done, in the unit of `total`. */
  progress: number | null;
  /** how much there is in all. */
  total: number | null;
}

/** Error of a tool call. */
export interface ToolError {
  /** the exception's class name, or the provider's error type. */
  type: Large<string> | null;
  /** the error's message. */
  message: Large<string>;
  /** the formatted traceback. */
  traceback: Large<string> | null;
}

/** Token counts, all in tokens; `cost` in US dollars. `input` includes `cache_read`; `output` includes `reasoning`. */
export interface Usage {
  input?: number;
  output?: number;
  total?: number;
  reasoning?: number;
  cache_read?: number;
  cache_write?: number;
  cost?: number;
}

/** Props that a block of any kind may have. */
export interface BlockProps {
  /** whether the reader opened or closed the block's panel; absent until they have. */
  user_open?: boolean;
}

/** The root block: the run itself. */
export interface RunProps extends BlockProps {
  /** title of the run. */
  name?: Large<string>;
  /** the model's name, once the stream has told it. */
  model?: Large<string>;
  /** `running`, `stopping` after the reader pressed Stop, then how the run ended. */
  status?: "running" | "stopping" | RunStatus;
  /** who stopped the run: "you", or the name of a program. */
  stopped_by?: Large<string>;
  /** when the run began. */
  started?: number;
  /** when the run ended. */
  ended?: number;
  /** the provider's own reason for the end. */
  finish_reason?: Large<string> | null;
  /** more about the status: an error code, or `stream_truncated`. */
  code?: Large<string> | null;
  /** seconds from `started` to the first text, thought or tool argument. */
  first_token?: number;
  /** tokens so far; counts that are unknown are absent. */
  usage?: Usage;
  /** what the gate hides from the reader: `thinking`, `tools`, `commentary`. */
  hidden?: Large<string[]>;
  /** number of events so far. */
  events?: number;
  /** number of text, reasoning and argument deltas so far. */
  deltas?: number;
  /** number of tool calls so far. */
  tools?: number;
  /** number of tool calls that ended with an error. */
  tools_failed?: number;
}

/** A piece of the answer. */
export interface TextProps extends BlockProps {
  /** Markdown; it grows by `append`. */
  text?: string;
  /** `refusal` where the model declined to answer. */
  text_kind?: "refusal" | "text";
  /** the provider's name for the role of the text: `commentary`, `final_answer`. */
  phase?: Large<string> | null;
}

/** A piece of the model's reasoning. */
export interface ReasoningProps extends BlockProps {
  /** Markdown; it grows by `append`. */
  text?: string;
  /** `summary` where the provider sends a summary of the reasoning, `raw` for the reasoning itself. */
  reasoning_kind?: "raw" | "summary";
  /** when it began. */
  started?: number;
  /** when it ended. */
  ended?: number;
}

/** A tool call. */
export interface ToolProps extends BlockProps {
  /** the tool's name. */
  name?: Large<string>;
  /** what runs the tool. */
  tool_kind?: ToolKind;
  /** the parsed arguments; absent while they stream. */
  args?: unknown;
  /** whether the arguments were valid JSON. */
  args_valid?: boolean;
  /** when the arguments were complete and the tool began to run. */
  args_done?: number;
  /** the latest progress. */
  progress?: ToolProgress;
  /** one line that describes the result. */
  summary?: Large<string>;
  /** representations of the result, also of a preliminary one. Absent for an error without content. */
  result?: Record<string, unknown>;
  /** state of the call. */
  state?: ToolState;
  /** the arguments as the model wrote them; it grows by `append`. */
  args_text?: string;
  /** when the call began. */
  started?: number;
  /** when the call ended. */
  ended?: number;
  /** the error, or why the call was denied. */
  error?: ToolError;
  /** the provider's own id, which need not be unique. */
  call_id?: Large<string> | null;
  /** a name for readers, shown instead of `name`. */
  title?: Large<string> | null;
  /** what the gate hides of this call: `arguments`, `result`. */
  hidden?: Large<string[]>;
}

/** A sub-agent at work, or one of several streams that are shown together; its blocks are its children. */
export interface AgentProps extends BlockProps {
  /** the agent's name. */
  name?: Large<string>;
  /** `running`, then how it ended. */
  status?: "running" | RunStatus;
  /** when it began. */
  started?: number;
  /** when it ended. */
  ended?: number;
}

/** Another agent takes over. */
export interface HandoffProps extends BlockProps {
  /** name of the agent that hands over. */
  from?: Large<string> | null;
  /** name of the agent that takes over. */
  to?: Large<string>;
}

/** A page or document that the answer rests on. */
export interface SourceProps extends BlockProps {
  /** its address. */
  url?: Large<string> | null;
  /** its title. */
  title?: Large<string> | null;
}

/** A file that the model made. */
export interface FileProps extends BlockProps {
  /** its MIME type. */
  media_type?: Large<string>;
  /** its address, where it is not sent along. */
  url?: Large<string> | null;
  /** its content as base64. */
  data?: Large<string> | null;
  /** its file name. */
  name?: Large<string> | null;
}

/** A line about what is going on. */
export interface StatusProps extends BlockProps {
  /** the line. */
  message?: Large<string>;
  /** its severity. */
  level?: Level;
}

/** An error that is not a tool call's. */
export interface ErrorProps extends BlockProps {
  /** the error's message. */
  message?: Large<string>;
  /** the exception's class name, or the provider's error type. */
  error_type?: Large<string> | null;
  /** the provider's error code. */
  code?: Large<string> | null;
  /** whether the run cannot go on. */
  fatal?: boolean;
  /** the formatted traceback. */
  traceback?: Large<string> | null;
}

/** An application's own event, shared state, or an upstream item that this version does not know. */
export interface CustomProps extends BlockProps {
  /** the event's name; `state` for shared state; the item's tag, or `raw`. */
  name?: Large<string>;
  /** its data. */
  data?: unknown;
}

/** A question to the reader that the run waits for. */
export interface ApprovalProps extends BlockProps {
  /** whether a tool may run, the run needs input, or the reader has to sign in. */
  approval_kind?: "auth" | "input" | "tool";
  /** id of the tool block that the question is about. */
  tool_id?: Large<string> | null;
  /** the question. */
  prompt?: Large<string> | null;
  /** the arguments that the reader is asked about. */
  args?: unknown;
  /** the possible answers. */
  options?: Large<string[]> | null;
  /** JSON Schema of the input. */
  schema?: Large<Record<string, unknown>> | null;
  /** the answer; absent until there is one. */
  decision?: "approve" | "cancel" | "deny";
  /** why it was decided so. */
  reason?: Large<string> | null;
}

/** The props of a block, by its kind. */
export interface PropsByKind {
  run: RunProps;
  text: TextProps;
  reasoning: ReasoningProps;
  tool: ToolProps;
  agent: AgentProps;
  handoff: HandoffProps;
  source: SourceProps;
  file: FileProps;
  status: StatusProps;
  error: ErrorProps;
  custom: CustomProps;
  approval: ApprovalProps;
}

export type Kind = keyof PropsByKind;

/**
 * The ops: changes of the block tree, as JSON arrays.
 *
 *     ["open", id, parent, props]      a new block, the last child of `parent`; `props["kind"]` tells its kind
 *     ["append", id, field, text]      a text field grows by `text`
 *     ["set", id, props]               these props are replaced; a text field that is set loses what was appended
 *     ["close", id]                    the block is finished
 *
 * Applying the ops in order gives the kernel's tree at every moment. They are plain tuples, not structs, because an `append` is
 * made for every delta.
 */
export type Op = OpenOp | AppendOp | SetOp | CloseOp;

export type OpenOp = ["open", id: string, parent: string | null, props: Record<string, unknown>];

export type AppendOp = ["append", id: string, field: string, text: string];

export type SetOp = ["set", id: string, props: Record<string, unknown>];

export type CloseOp = ["close", id: string];

/** A batch of changes. */
export interface OpsMessage {
  t: "ops";
  /** number of the message. Batches and pieces of snapshots count together, from 1, without gaps. */
  seq: number;
  /** the kernel's clock, in seconds since the epoch; the view measures durations by it. */
  now: number;
  /** the changes, in order; see `nbagent.protocol.ops`. */
  ops: Op[];
}

/**
 * A piece of the whole transcript, as the ops that build it.
 *
 * The tree is loaded when the last piece has come. It replaces everything queued, so every page loads every snapshot it hears.
 */
export interface SnapshotMessage {
  t: "snapshot";
  /** number of the message. */
  seq: number;
  /** the kernel's clock, in seconds since the epoch. */
  now: number;
  /** whether it is the first piece. */
  first: boolean;
  /** whether it is the last piece. */
  last: boolean;
  /** the ops of this piece. */
  ops: Op[];
}

/** A sign of life: nothing is new. */
export interface BeatMessage {
  t: "beat";
  /** number of the last batch; a view that has less has lost one. */
  seq: number;
  /** the kernel's clock, in seconds since the epoch. */
  now: number;
}

/** A page of a large value, of a module of the front end, or of an answer of the inspector. */
export interface PartMessage {
  t: "part";
  /** the name that the view asked for. */
  name: string;
  /** offset of the page's first character. Characters are Unicode code points, not UTF-16 units. */
  at: number;
  /** the page; absent if there is an error. */
  text?: string;
  /** characters in all; absent if there is an error. */
  size?: number;
  /** why there is no page, in words for the reader; absent otherwise. */
  error?: string;
}

/** A view has come, or comes back; it is sent a snapshot. */
export interface HelloMessage {
  t: "hello";
  /** number of the last batch it has; 0 for none. */
  have?: number;
}

/** The view has lost a batch; it is sent a snapshot. */
export interface ResyncMessage {
  t: "resync";
}

/** The view has drawn everything up to a batch. */
export interface AckMessage {
  t: "ack";
  /** number of the batch. */
  seq: number;
}

/** The view asks for a page of something large; it is sent a `Part`. */
export interface NeedMessage {
  t: "need";
  /** the `part` of a `LargeValue`, a module of the front end, or a question to the inspector. */
  name: string;
  /** offset of the page's first character, in Unicode code points. */
  at: number;
}

/** The reader pressed Stop. */
export interface StopMessage {
  t: "stop";
}

/** The reader opened or closed a panel. */
export interface ToggleMessage {
  t: "toggle";
  /** id of the panel's block. */
  block: string;
  /** whether it is open now. */
  open: boolean;
}

export type KernelMessage = OpsMessage | SnapshotMessage | BeatMessage | PartMessage;

export type ViewMessage = HelloMessage | ResyncMessage | AckMessage | NeedMessage | StopMessage | ToggleMessage;
