/** One run as the view knows it: its tree, its channel, its clock. One per model, shared by all its views. */

import { batch, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { Announcer } from "./announcer";
import { Channel, type Port } from "./channel";
import { Clock } from "./clock";
import { needModule, type PartModule, type PartName } from "./modules";
import { isLive } from "./status";
import { type Block, type Change, Store } from "./store";
import { num, type Props, record, str } from "./values";

/** A model as the session needs it: the channel's port and the two synced traits. */
export interface Model extends Port {
  readonly runId: string;
  /** What this run's static twin in the page is known by. */
  readonly mark: string;
  head(): unknown;
  onHead(changed: () => void): () => void;
}

/** After this the reader is told that Stop has not reached the kernel. */
const STOP_PATIENCE_MS = 4000;
/** A head that says "over" while the tree does not: the last batch gets this long before a snapshot is asked for. */
const LAST_BATCH_MS = 2000;
/** A kernel that has not answered by then is none. */
const ANSWER_MS = 3000;

export class Session {
  readonly runId: string;
  readonly mark: string;
  /** True while there is, or may still come, something to show: until then and after that the static twin shows instead. */
  readonly shows: Signal<boolean> = signal(true);
  readonly store = new Store();
  readonly clock = new Clock();
  readonly channel: Channel;
  readonly announcer: Announcer;
  /** The run's header: the root block, and before it is there the synced trait. */
  readonly head: Signal<Props>;
  readonly stopAsked: Signal<boolean> = signal(false);
  readonly stopUnheard: Signal<boolean> = signal(false);
  /** How many blocks wait for the reader. */
  readonly awaiting: ReadonlySignal<number>;
  /** When this page first heard of the run, by the kernel's clock as far as it is known. */
  readonly born = Date.now() / 1000;
  readonly #awaiting = signal(0);
  readonly #waiting = new Set<Block>();
  readonly #approvals = new Map<string, Signal<Block | null>>();
  readonly #model: Model;
  readonly #cleanups: (() => void)[];
  #stopTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #twinTimer: ReturnType<typeof setTimeout>;
  #endTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model) {
    this.#model = model;
    this.runId = model.runId;
    this.mark = model.mark;
    this.awaiting = this.#awaiting;
    this.head = signal(record(model.head()) ?? {});
    this.channel = new Channel({ port: model, store: this.store, onTime: (now) => this.clock.sync(now) });
    this.announcer = new Announcer(this.store);
    this.#cleanups = [
      model.onHead(() => this.#readHead()),
      this.store.onChange((changes, whole) => this.#note(changes, whole)),
    ];
    this.channel.start();
    this.#twinTimer = setTimeout(() => {
      const follow = effect(() => {
        this.shows.value = this.channel.answered.value;
      });
      this.#cleanups.push(follow);
    }, ANSWER_MS);
  }

  /** The run's properties: the tree's, and what it does not know yet from the trait. */
  get runProps(): Props {
    return { ...this.head.value, ...this.store.run.value?.props.value };
  }

  get status(): string {
    return str(this.runProps.status) ?? "running";
  }

  /** When the run started, in seconds since the epoch by the kernel's clock. */
  get started(): number {
    return num(this.runProps.started) ?? this.born;
  }

  /** The question that is asked about a tool call, if there is one. */
  approvalOf(toolId: string): Signal<Block | null> {
    let approval = this.#approvals.get(toolId);
    if (!approval) {
      approval = signal(null);
      this.#approvals.set(toolId, approval);
    }
    return approval;
  }

  stop(): void {
    if (this.stopAsked.peek() || !isLive(this.status)) return;
    this.stopAsked.value = true;
    this.channel.send({ t: "stop" });
    this.#stopTimer = setTimeout(() => {
      batch(() => {
        this.stopUnheard.value = true;
        this.stopAsked.value = false;
      });
    }, STOP_PATIENCE_MS);
  }

  toggle(block: Block, open: boolean): void {
    block.userOpen.value = open;
    this.channel.send({ t: "toggle", block: block.id, open });
  }

  needPart(name: PartName): Promise<PartModule> {
    return needModule(name, (part) => this.channel.part(part));
  }

  dispose(): void {
    clearTimeout(this.#stopTimer);
    clearTimeout(this.#endTimer);
    clearTimeout(this.#twinTimer);
    for (const cleanup of this.#cleanups) cleanup();
    this.announcer.dispose();
    this.channel.dispose();
  }

  #readHead(): void {
    this.head.value = record(this.#model.head()) ?? {};
    if (isLive(str(this.head.value.status) ?? "running")) return;
    this.#endTimer ??= setTimeout(() => {
      if (isLive(this.status)) this.channel.resync();
    }, LAST_BATCH_MS);
  }

  #note(changes: readonly Change[], whole: boolean): void {
    if (whole) this.#waiting.clear();
    for (const { block } of changes) {
      if (isWaiting(block)) this.#waiting.add(block);
      else this.#waiting.delete(block);
      const toolId = block.kind === "approval" ? str(block.props.peek().tool_id) : null;
      if (toolId !== null) this.approvalOf(toolId).value = block;
    }
    this.#awaiting.value = this.#waiting.size;
    const status = str(this.store.run.peek()?.props.peek().status);
    if (status !== null && status !== "running") {
      clearTimeout(this.#stopTimer);
      this.stopUnheard.value = false;
    }
  }
}

function isWaiting(block: Block): boolean {
  const props = block.props.peek();
  if (block.kind === "tool") return props.state === "approval-requested";
  return block.kind === "approval" && !block.closed.peek() && str(props.decision) === null;
}
