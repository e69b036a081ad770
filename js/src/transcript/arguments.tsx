/** Arguments that a question is about, each with its name, to be read. */

import { JsonView } from "../ui/json-tree";
import { record } from "../values";
import { Lazy } from "./lazy";

export function Arguments({ args }: { args: unknown }) {
  if (args === undefined || args === null) return null;
  return <Lazy value={args}>{(whole) => <Fields args={whole} />}</Lazy>;
}

function Fields({ args }: { args: unknown }) {
  const named = record(args);
  if (named === null) return <JsonView value={args} />;
  return (
    <dl class="nb-fields">
      {Object.entries(named).map(([name, value]) => (
        <div key={name}>
          <dt class="nb-field-name">{name}</dt>
          <dd>
            {typeof value === "string" ? (
              <span class="nb-field">{value}</span>
            ) : (
              <JsonView value={value} />
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
