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
  readonly depth: number;
}

const TONES: Readonly<Record<string, string>> = {
  running: "live",
  stopping: "live",
  completed: "ok",
  failed: "bad",
  incomplete: "bad",
  max_steps: "bad",
  paused: "ask",
};
const MAX_DEPTH = 8;

export function Forks({ session, Result }: ForksProps) {
  const place = useRef<HTMLDivElement>(null);
  const [away, setAway] = useState<Node | null>(null);
  useLayoutEffect(() => {
    if (place.current) adoptStyle(place.current);
  }, []);
  const nodes = nodesOf(session.runProps.forks);
  return (
    <div ref={place}>
      <nav class="nb-forks" aria-label={LABELS.tree}>
        <ul>
          {nodes.map((node) => (
            <li key={node.number} style={{ "--nb-depth": Math.min(node.depth, MAX_DEPTH) }}>
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
      <span class="nb-fork" aria-current={node.own ? "true" : undefined}>
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
  const given = value.flatMap((each): Omit<Node, "depth">[] => {
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
  const add = (parent: number | null, depth: number): void => {
    for (const node of given) {
      const above =
        node.parent !== null && known.has(node.parent) && node.parent < node.number
          ? node.parent
          : null;
      if (above !== parent || sorted.some(({ number }) => number === node.number)) continue;
      sorted.push({ ...node, depth });
      add(node.number, depth + 1);
    }
  };
  add(null, 0);
  return sorted;
}
