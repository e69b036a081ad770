/**
 * The lazy part `forks.js`: the tree of a run and the runs that go on from it. A click leads to one
 * of them.
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { forks as LABELS } from "../../../nbagent/protocol/labels.json";
import type { ForkNode } from "../protocol";
import { fill } from "../shared";
import { adoptStyle } from "../style";
import type { ForksProps } from "../transcript/fork-tree";
import { num, record, str, type Unchecked } from "../values";
import { Comparison } from "./comparison";
import { walkTo } from "./walk";

interface Node {
  readonly number: number;
  readonly parent: number | null;
  readonly run: string | null;
  readonly text: string;
  readonly status: string;
  readonly own: boolean;
  /** The lines before it, from the root on: one for each level. */
  readonly lines: readonly Line[];
}

/** A line past a row (`on`), to a row and on (`fork`), to the last row (`end`), or none. */
type Line = "on" | "fork" | "end" | "none";

const TONES: Readonly<Record<string, string>> = {
  running: "live",
  stopping: "live",
  completed: "ok",
  failed: "bad",
  incomplete: "bad",
  max_steps: "bad",
  paused: "ask",
};
/** Levels that are drawn; of a deeper one the innermost. */
const MAX_LEVELS = 8;

export function Forks({ session, Result }: ForksProps) {
  const place = useRef<HTMLDivElement>(null);
  const [away, setAway] = useState<Node | null>(null);
  useLayoutEffect(() => {
    if (place.current) adoptStyle(place.current);
  }, []);
  const nodes = nodesOf(session.runProps.forks);
  return (
    <div ref={place} class="nb-forks-box">
      <nav class="nb-forks" aria-label={LABELS.tree}>
        <ul onKeyDown={(event) => move(event, nodes)}>
          {nodes.map((node) => (
            <li key={node.number}>
              {node.lines.slice(-MAX_LEVELS).map((line, level) => (
                <span key={level} class={`nb-fork-line nb-fork-${line}`} aria-hidden="true" />
              ))}
              <Member
                node={node}
                onWalk={(from) => {
                  setAway(walkTo(node.run, from) ? null : node);
                }}
              />
            </li>
          ))}
        </ul>
        {away !== null && (
          <p class="nb-forks-note" role="status">
            {fill(LABELS.not_here, String(away.number))}{" "}
            <code>{`nbagent.show(${pathTo(away, nodes)})`}</code>
          </p>
        )}
      </nav>
      {session.peer === "kernel" && <Comparison session={session} Result={Result} />}
    </div>
  );
}

function Member({ node, onWalk }: { node: Node; onWalk: (from: Element) => void }) {
  const text = (
    <>
      <span class={`nb-dot nb-dot-${TONES[node.status] ?? "none"}`} title={node.status} />
      <span class="nb-fork-number">{node.number}</span>
      <span class="nb-fork-text">{node.text}</span>
    </>
  );
  if (node.own || node.run === null) {
    return (
      <span class="nb-fork" tabIndex={-1} aria-current={node.own ? "true" : undefined}>
        {text}
      </span>
    );
  }
  return (
    <button
      type="button"
      class="nb-fork nb-link"
      onClick={({ currentTarget }) => onWalk(currentTarget)}
    >
      {text}
    </button>
  );
}

/**
 * Move the focus in the tree: up and down by rows, left to the run that one goes on from, right to
 * its first fork.
 */
function move(event: KeyboardEvent & { currentTarget: HTMLElement }, nodes: readonly Node[]): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>(".nb-fork")];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const node = nodes[at];
  if (node === undefined) return;
  const moves: Record<string, () => number> = {
    ArrowUp: () => at - 1,
    ArrowDown: () => at + 1,
    ArrowLeft: () => nodes.findIndex(({ number }) => number === node.parent),
    ArrowRight: () => nodes.findIndex(({ parent }) => parent === node.number),
    Home: () => 0,
    End: () => rows.length - 1,
  };
  const to = moves[event.key]?.();
  if (to === undefined) return;
  event.preventDefault();
  rows[to]?.focus();
}

/**
 * Return Python for a member of the tree, from the run that shows the tree: `run.parent.forks[0]`.
 */
function pathTo(node: Node, nodes: readonly Node[]): string {
  const lineage = (of: Node | undefined): number[] => {
    const parent = nodes.find(({ number }) => number === of?.parent);
    return of === undefined ? [] : [...lineage(parent), of.number];
  };
  const own = lineage(nodes.find((each) => each.own));
  const other = lineage(node);
  const shared = own.filter((number, at) => other[at] === number).length;
  const down = other.slice(shared).map((number) => {
    const parent = nodes.find((each) => each.number === number)?.parent;
    const siblings = nodes.filter((each) => each.parent === parent);
    return `.forks[${siblings.findIndex((each) => each.number === number)}]`;
  });
  return `run${".parent".repeat(own.length - shared)}${down.join("")}`;
}

/** Return the members, each parent before its children. A saved notebook can hold anything. */
function nodesOf(value: unknown): Node[] {
  if (!Array.isArray(value)) return [];
  const given = value.flatMap((each): Omit<Node, "lines">[] => {
    const props: Unchecked<ForkNode> = record(each) ?? {};
    const number = num(props.number);
    if (number === null) return [];
    return [
      {
        number,
        parent: num(props.parent),
        run: str(props.run),
        text: str(props.label) ?? str(props.name) ?? "",
        status: str(props.status) ?? "",
        own: props.own === true,
      },
    ];
  });
  const sorted: Node[] = [];
  const known = new Set(given.map(({ number }) => number));
  const parentOf = ({ parent, number }: Omit<Node, "lines">) =>
    parent !== null && known.has(parent) && parent < number ? parent : null;
  const add = (parent: number | null, before: readonly Line[]): void => {
    const forks = given.filter((node) => parentOf(node) === parent);
    for (const [at, node] of forks.entries()) {
      if (sorted.some(({ number }) => number === node.number)) continue;
      const isLast = at === forks.length - 1;
      const isRoot = parent === null;
      sorted.push({ ...node, lines: isRoot ? [] : [...before, isLast ? "end" : "fork"] });
      add(node.number, isRoot ? [] : [...before, isLast ? "none" : "on"]);
    }
  };
  add(null, []);
  return sorted;
}
