/**
 * The past of a run in one view: a second tree of blocks, at the event that the reader has chosen.
 */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { readOps } from "../../messages";
import type { NeedMessage, PastAnswer } from "../../protocol";
import type { Session } from "../../session";
import { isLive } from "../../status";
import { num, record, type Unchecked } from "../../values";
import { History } from "./history";

/** Events at which a step or a call begins. */
const BEGINNINGS: ReadonlySet<string> = new Set([
  "prompt",
  "step.start",
  "tool.args",
  "agent.start",
]);

export class Past {
  /** Number of the event at which the reader wants to see the run; null for now. */
  readonly position: ReadonlySignal<number | null>;
  /**
   * Session whose tree is the transcript at that event; null while the transcript of now is shown.
   */
  readonly shown: ReadonlySignal<Session | null>;
  /** Why the past cannot be read; null if it can. */
  readonly problem: ReadonlySignal<string | null>;
  readonly #position: Signal<number | null> = signal(null);
  readonly #shown: Signal<Session | null> = signal(null);
  readonly #problem: Signal<string | null> = signal(null);
  readonly #history: Signal<History> = signal(new History(0, []));
  /** Number of events of the history, which is not a signal itself. */
  readonly #end = signal(0);
  /** Number of events that the kernel has named. */
  readonly #known = signal(0);
  readonly #live: Session;
  readonly #session: Session;
  /** Panels that the reader has opened or closed in the past, by block. */
  readonly #choices = new Map<string, boolean>();
  #at: number | null = null;
  #following = false;
  #closed = false;

  constructor(live: Session) {
    this.position = this.#position;
    this.shown = this.#shown;
    this.problem = this.#problem;
    this.#live = live;
    this.#session = this.#makeSession();
  }

  /** Number of events of the run. */
  get count(): number {
    return Math.max(num(this.#live.runProps.events) ?? 0, this.#known.value);
  }

  /** Number of the first event that is still kept. */
  get first(): number {
    return this.#history.value.begin + 1;
  }

  /** True if the past can be read, or has been read to its end. */
  get readable(): boolean {
    return (
      this.#live.kernel.state.value !== "gone" || (this.count > 0 && this.#end.value >= this.count)
    );
  }

  /** Share of the events before `position` that have been read. */
  get share(): number {
    return Math.min(1, this.#end.value / (this.#position.value ?? 1));
  }

  /** Tag of an event; empty while it is not read. */
  type(number: number): string {
    return number <= this.#end.value ? this.#history.value.type(number) : "";
  }

  /** Time of an event in seconds since the epoch; null while it is not read. */
  time(number: number): number | null {
    return number <= this.#end.value ? this.#history.value.time(number) : null;
  }

  /**
   * Ask how many events there are. A live run counts them for its views once a second, and only
   * while they come.
   */
  async refresh(): Promise<void> {
    try {
      if (isLive(this.#live.status)) await this.#read();
    } catch {
      // The reader has not asked for anything yet.
    }
  }

  /**
   * Show the run as it was after this event; from the last one on, as it is now. The newest call
   * wins.
   */
  goTo(number: number): void {
    this.#problem.value = null;
    if (number >= this.count) this.leave();
    else {
      this.#position.value = Math.max(this.first, number);
      void this.#follow();
    }
  }

  /**
   * Go to the next (1) or previous (-1) event at which a step or a call begins; without one, to the
   * end on that side.
   */
  async skip(step: 1 | -1): Promise<void> {
    try {
      while (this.#end.peek() < this.count) await this.#readMore();
    } catch (error) {
      this.#fail(error);
    }
    const from = this.#position.peek() ?? this.count;
    this.goTo(
      this.#history.peek().next(from, step, BEGINNINGS) ?? (step > 0 ? this.count : this.first),
    );
  }

  /** Show the run as it is now. */
  leave(): void {
    batch(() => {
      this.#position.value = null;
      this.#shown.value = null;
    });
  }

  close(): void {
    this.#closed = true;
    this.leave();
    this.#session.dispose();
  }

  /** Read what is missing, and show the newest position, until there is nothing to do. */
  async #follow(): Promise<void> {
    if (this.#following) return;
    this.#following = true;
    try {
      for (;;) {
        const wanted = this.#position.peek();
        if (wanted === null || this.#closed) return;
        if (wanted <= this.#end.peek()) {
          if (wanted !== this.#at || this.#shown.peek() === null) await this.#show();
          else if (this.#end.peek() < this.count) await this.#readMore();
          else return;
        } else {
          await this.#readMore();
        }
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#following = false;
    }
  }

  #fail(error: unknown): void {
    if (!this.#closed) this.#problem.value = error instanceof Error ? error.message : String(error);
  }

  async #readMore(): Promise<void> {
    const end = this.#end.peek();
    await this.#read();
    if (this.#end.peek() === end) throw new Error("the kernel does not tell about these events");
  }

  async #read(): Promise<void> {
    const history = this.#history.peek();
    const { end } = history;
    const text = await this.#live.channel.lazyValues.whole(`past/${end}-${this.count}`);
    // Another call may have read the same.
    if (history !== this.#history.peek() || history.end !== end) return;
    const answer: Unchecked<PastAnswer> = record(JSON.parse(text)) ?? {};
    const first = num(answer.first) ?? 0;
    const opening = Array.isArray(answer.opening) ? readOps(answer.opening) : [];
    const isNew = opening.length > 0;
    const next = isNew ? new History(first - 1, opening) : history;
    next.add(answer);
    batch(() => {
      this.#history.value = next;
      this.#end.value = next.end;
      this.#known.value = Math.max(next.end, num(answer.count) ?? 0);
      const wanted = this.#position.peek();
      if (wanted !== null && wanted < this.first) this.#position.value = this.first;
      if (isNew) this.#at = null;
    });
  }

  /** Draw the newest position in the next frame. */
  async #show(): Promise<void> {
    await new Promise(requestAnimationFrame);
    const number = this.#position.peek();
    if (number === null || this.#closed || number > this.#end.peek()) return;
    const history = this.#history.peek();
    this.#at = number;
    batch(() => {
      this.#session.clock.stop(history.time(number));
      this.#session.store.restore(history.at(number));
      this.#shown.value = this.#session;
    });
  }

  /**
   * A session that reads: a run in the past is like one whose kernel is gone, but its large values
   * can be read.
   */
  #makeSession(): Session {
    const live = this.#live;
    const session = live.sibling({
      runId: live.runId,
      domKey: live.domKey,
      host: {
        peer: live.peer,
        importModule: (name) => live.loadModule(name),
        interrupt: null,
        watch(events) {
          events.gone("gone");
          return () => {};
        },
      },
      head: () => ({}),
      onHead: () => () => {},
      listen: () => () => {},
      send: (message) => {
        if (message.t === "toggle") {
          const blocks =
            message.block === null ? [...session.store.all].map(({ id }) => id) : [message.block];
          for (const block of blocks) this.#choices.set(block, message.open);
        } else if (message.t === "need") this.#forward(message);
      },
    });
    session.channel.lazyValues.resume();
    session.store.onChange((changes) => {
      for (const { block, before } of changes) {
        if (before !== null) continue;
        block.userOpen.value =
          this.#choices.get(block.id) ?? live.store.get(block.id)?.userOpen.peek() ?? null;
      }
    });
    return session;
  }

  #forward({ name, at }: NeedMessage): void {
    const answer = (fields: { text: string; size: number } | { error: string }) =>
      this.#session.channel.lazyValues.receive({ t: "part", name, at, ...fields });
    this.#live.channel.lazyValues.page(name, at).then(
      ({ text, size }) => answer({ text, size }),
      (error: Error) => answer({ error: error.message }),
    );
  }
}
