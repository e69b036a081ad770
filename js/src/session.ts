/** One run as the view knows it: its tree, its channel, its clock, its link to the kernel. One per model, shared by all its views. */

import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { Announcer } from "./announcer";
import { Channel, type Port } from "./channel";
import { Clock } from "./clock";
import type { Host } from "./host";
import { Link, type Loss } from "./link";
import { needModule, type PartModule, type PartName } from "./modules";
import { isLive } from "./status";
import { type Block, type Change, Store } from "./store";
import { num, type Props, record, str } from "./values";

/** A model as the session needs it: the channel's port, the host, and the synced traits. */
export interface Model extends Port {
  readonly runId: string;
  readonly mark: string;
  readonly host: Host;
  head(): unknown;
  onHead(changed: () => void): () => void;
}

/** After this the reader is told why Stop has no effect yet. */
const STOP_PATIENCE_MS = 1500;
/** After so much more silence the kernel is asked for a word, and those who listen instead of look are told. */
const LONG_SILENCE_MS = 8000;
const NO_WORD = "No word from the kernel";
/** How long the first batch of a run may take in a page that gets all of them. */
const FIRST_BATCH_MS = 1000;
/** How long a view that has nothing yet keeps the place of its static twin. */
const FIRST_WORD_MS = 3000;

export class Session {
  readonly runId: string;
  readonly mark: string;
  readonly store = new Store();
  readonly clock = new Clock();
  readonly link: Link;
  readonly channel: Channel;
  readonly announcer: Announcer;
  /** The run's header: the root block, and before it is there the synced trait. */
  readonly head: Signal<Props>;
  readonly stopAsked: Signal<boolean> = signal(false);
  readonly stopLate: Signal<boolean> = signal(false);
  /** Interrupts the kernel; null where the front end does not let us. */
  readonly interrupt: (() => Promise<void>) | null;
  /** Whether this view has content from a kernel, or may still get some. */
  readonly present: ReadonlySignal<boolean>;
  /** How many blocks wait for the reader. */
  readonly awaiting: ReadonlySignal<number>;
  /** When this page first heard of the run, by the kernel's clock as far as it is known. */
  readonly born = Date.now() / 1000;
  readonly #expecting = signal(true);
  readonly #awaiting = signal(0);
  readonly #waiting = new Set<Block>();
  readonly #approvals = new Map<string, Signal<Block | null>>();
  readonly #cleanups: (() => void)[];
  readonly #firstWord: ReturnType<typeof setTimeout>;
  #helloTimer: ReturnType<typeof setTimeout> | undefined;
  #stopTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model) {
    this.runId = model.runId;
    this.mark = model.mark;
    this.interrupt = model.host.interrupt;
    this.awaiting = this.#awaiting;
    const readHead = () => record(model.head()) ?? {};
    this.head = signal(readHead());
    this.link = new Link(
      () => isLive(this.status),
      () => this.#silence(),
    );
    this.channel = new Channel({ port: model, store: this.store, onWord: (now) => this.#hear(now) });
    this.present = computed(() => this.channel.answered.value || this.#expecting.value);
    this.announcer = new Announcer(this.store);
    this.#firstWord = setTimeout(() => {
      this.#expecting.value = false;
    }, FIRST_WORD_MS);
    this.#cleanups = [
      model.onHead(() => {
        this.head.value = readHead();
      }),
      this.store.onChange((changes, whole) => this.#note(changes, whole)),
    ];
    this.#cleanups.push(model.host.watch({ gone: (loss) => this.#lose(loss), back: () => this.#return() }));
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

  /**
   * Asks for a snapshot, unless the page gets every message from the first on.
   *
   * @param fromStart - whether the kernel had sent none when it opened the model; the first one is on its way then.
   */
  start(fromStart: boolean): void {
    if (this.channel.have > 0) return;
    if (fromStart) this.#helloTimer = setTimeout(() => this.channel.hello(), FIRST_BATCH_MS);
    else this.channel.hello();
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

  /** Asks the run to stop; once more if the reader insists because it takes long. */
  stop(): void {
    const waits = this.stopAsked.peek() && !this.stopLate.peek();
    if (waits || !isLive(this.status) || this.link.state.peek() === "gone") return;
    this.stopAsked.value = true;
    this.#askStop();
  }

  toggle(block: Block, open: boolean): void {
    block.userOpen.value = open;
    this.channel.send({ t: "toggle", block: block.id, open });
  }

  needPart(name: PartName): Promise<PartModule> {
    return needModule(name, (part) => this.channel.parts.whole(part));
  }

  dispose(): void {
    clearTimeout(this.#stopTimer);
    clearTimeout(this.#firstWord);
    clearTimeout(this.#helloTimer);
    for (const cleanup of this.#cleanups) cleanup();
    this.announcer.dispose();
    this.channel.dispose();
    this.link.dispose();
  }

  #askStop(): void {
    this.channel.send({ t: "stop" });
    clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => {
      this.stopLate.value = true;
      this.announcer.say(stopWords(this));
    }, STOP_PATIENCE_MS);
  }

  #hear(now: number | null): void {
    clearTimeout(this.#firstWord);
    clearTimeout(this.#helloTimer);
    if (this.announcer.text.peek() === NO_WORD) this.announcer.say("The kernel answers again");
    if (this.link.state.peek() === "silent" && this.stopAsked.peek()) this.#askStop();
    this.#expecting.value = true;
    if (this.link.state.peek() === "gone") {
      this.clock.stop(null);
      this.channel.parts.resume();
    }
    this.link.heard();
    if (now !== null) this.clock.sync(now);
  }

  #silence(): void {
    // A kernel that is only slow tells by its next beat what was missed; one that stays silent may wait to be asked.
    this.#helloTimer = setTimeout(() => {
      this.announcer.say(NO_WORD);
      this.channel.hello();
    }, LONG_SILENCE_MS);
  }

  #lose(loss: Loss): void {
    if (this.link.state.peek() === "gone") return;
    batch(() => {
      this.link.lost(loss);
      this.clock.stop(this.link.heardAt / 1000);
      this.#expecting.value = false;
      this.#stopOver();
    });
    clearTimeout(this.#helloTimer);
    this.channel.parts.fail("the kernel is gone");
    if (isLive(this.status)) this.announcer.say(lossWords(loss));
  }

  /** The connection was away: what was said meanwhile, on either side, may be lost. */
  #return(): void {
    if (this.link.state.peek() === "gone") return;
    this.channel.hello();
    this.channel.parts.resume();
    if (this.stopAsked.peek()) this.#askStop();
  }

  #stopOver(): void {
    clearTimeout(this.#stopTimer);
    this.stopAsked.value = false;
    this.stopLate.value = false;
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
    if (status !== null && !isLive(status)) this.#stopOver();
  }
}

/** Why Stop has no effect yet. */
export function stopWords({ link, status }: Session): string {
  if (status === "stopping") return "Asked to stop. If a cell keeps the kernel busy, this stops when the cell ends.";
  return link.state.value === "live"
    ? "The kernel is busy with a cell: this stops when the cell ends."
    : "Stop has not reached the kernel. It will be asked again when it answers.";
}

export function lossWords(loss: Loss): string {
  return `The kernel ${loss === "restarted" ? "was restarted" : "is gone"}; this is what had come`;
}

function isWaiting(block: Block): boolean {
  const props = block.props.peek();
  if (block.kind === "tool") return props.state === "approval-requested";
  return block.kind === "approval" && !block.closed.peek() && str(props.decision) === null;
}
