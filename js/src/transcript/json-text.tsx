/** An answer in JSON: in colour while it is written, then as a tree. */

import type { TextStream } from "../text-stream";
import { InkedStream } from "../ui/inked-json";
import { JsonView } from "../ui/json-tree";

export function JsonText({ stream, live }: { stream: TextStream; live: boolean }) {
  const value = live ? undefined : parsed(stream.text);
  if (value !== undefined) return <JsonView value={value} />;
  return (
    <pre class={`nb-pre ${live ? "nb-writing" : ""}`}>
      <InkedStream stream={stream} />
    </pre>
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off, or with words around it
  }
}
