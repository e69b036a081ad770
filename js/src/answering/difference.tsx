/**
 * Difference of an attempt's result and the first one (nbagent/run/diff), drawn as
 * nbagent/render/differences.py does.
 */

import type { ComponentChildren } from "preact";
import { attempt as LABELS } from "../../../nbagent/protocol/labels.json";
import { fill } from "../shared";
import type { AttemptPartProps } from "../transcript/attempts";
import { useSession } from "../transcript/context";
import { Lazy } from "../transcript/lazy";
import { count, type JsonObject, num, record, str } from "../values";
import { PartRoot } from "./part-root";

/** The difference of an attempt. */
export function Difference({ session, block, Result }: AttemptPartProps) {
  return (
    <PartRoot session={session}>
      <Lazy value={block.props.value.difference}>
        {(whole) => <Drawn diff={record(whole) ?? {}} block={block} Result={Result} />}
      </Lazy>
    </PartRoot>
  );
}

interface DrawnProps extends Pick<AttemptPartProps, "block" | "Result"> {
  diff: JsonObject;
}

function Drawn({ diff, block, Result }: DrawnProps): ComponentChildren {
  switch (diff.kind) {
    case "text":
      return (
        <pre class="nb-pre">
          {list(diff.pieces).map((piece) => Array.isArray(piece) && <Piece piece={piece} />)}
        </pre>
      );
    case "json":
      return (
        <div class="nb-pre">
          {records(diff.changes).map((change) => (
            <div>
              {str(change.path) && <span class="nb-path">{str(change.path)} </span>}
              <Changed before={change.before} after={change.after} />
            </div>
          ))}
          <More diff={diff} />
        </div>
      );
    case "table":
      return (
        <>
          <div class="nb-html">
            <Table diff={diff} />
          </div>
          <More diff={diff} />
        </>
      );
    case "value":
      return (
        <div class="nb-pre">
          <Changed before={diff.before} after={diff.after} />
        </div>
      );
    case "picture":
      return <SideBySide block={block} Result={Result} />;
    default:
      return null;
  }
}

function Piece({ piece: [mark, text, more] }: { piece: unknown[] }): ComponentChildren {
  const note =
    num(more) !== null && mark !== "=" ? fill(LABELS.more_text, count(num(more) ?? 0)) : "";
  if (mark === "-") return <del>{`${str(text) ?? ""}${note}`}</del>;
  return mark === "+" ? <ins>{`${str(text) ?? ""}${note}`}</ins> : str(text);
}

function Changed({ before, after }: { before: unknown; after: unknown }) {
  const both = before !== undefined && after !== undefined;
  return (
    <>
      {before !== undefined && <del>{String(before)}</del>}
      {both && " → "}
      {after !== undefined && <ins>{String(after)}</ins>}
    </>
  );
}

function Table({ diff }: { diff: JsonObject }) {
  return (
    <table>
      <thead>
        <tr>
          <th />
          {records(diff.columns).map((column) => (
            <th>
              <Marked change={column.change}>
                {str(column.name)}
                {Array.isArray(column.types) && (
                  <span class="nb-muted"> {column.types.join(" → ")}</span>
                )}
              </Marked>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {records(diff.rows).map((row) => (
          <tr>
            <th>
              <Marked change={row.change}>{str(row.label)}</Marked>
            </th>
            {list(row.cells).map((cell) => (
              <td>
                {Array.isArray(cell) ? (
                  <Changed before={cell[0]} after={cell[1]} />
                ) : (
                  <Marked change={row.change}>{str(cell)}</Marked>
                )}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Marked({
  change,
  children,
}: {
  change: unknown;
  children: ComponentChildren;
}): ComponentChildren {
  if (change === "added") return <ins>{children}</ins>;
  return change === "removed" ? <del>{children}</del> : children;
}

/** Note on what is left out. */
function More({ diff }: { diff: JsonObject }) {
  const left: [string, number][] = [
    [LABELS.more_changes, (num(diff.count) ?? 0) - list(diff.changes).length],
    [LABELS.more_rows, num(diff.more_rows) ?? 0],
    [LABELS.more_columns, num(diff.more_columns) ?? 0],
  ];
  const notes = left
    .filter(([, number]) => number > 0)
    .map(([label, number]) => fill(label, count(number)));
  return notes.length > 0 ? <p class="nb-note">{notes.join(" ")}</p> : null;
}

/** Two pictures next to each other. */
function SideBySide({ block, Result }: Omit<DrawnProps, "diff">) {
  const session = useSession();
  const first = session.store.get(str(block.props.value.attempt_of) ?? "");
  const sides: [string, unknown][] = [
    [LABELS.first, record(first?.props.value)?.result],
    [LABELS.this, block.props.value.result],
  ];
  return (
    <div class="nb-side-by-side">
      {sides.map(([label, result]) => (
        <figure key={label}>
          <figcaption class="nb-caption">{label}</figcaption>
          {record(result) && <Result bundle={record(result) ?? {}} />}
        </figure>
      ))}
    </div>
  );
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const records = (value: unknown): JsonObject[] => list(value).map((each) => record(each) ?? {});
