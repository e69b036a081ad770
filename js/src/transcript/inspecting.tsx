/** The page that a view shows: the transcript, or one of the inspector, loaded when it is first opened. */

import { type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "../session";
import { SHARED_RUNTIME } from "../shared-runtime";
import type { Block } from "../store";
import { Icon } from "../ui/icons";
import { clip, lookUp, str } from "../values";
import { useSession } from "./context";
import { useLoaded } from "./lazy";

/** A block whose events are listed. */
export interface Subject {
  id: string;
  kind: string;
  label: string;
}

export interface Inspecting {
  page: "transcript" | "events" | "timeline";
  /** The block whose events are listed; null for all events. */
  block: Subject | null;
}

/** Null while the inspector is closed. */
export type InspectingSignal = Signal<Inspecting | null>;

export const InspectingContext = createContext<InspectingSignal>(signal(null));

export type InspectorComponent = (props: { session: Session; inspecting: InspectingSignal }) => preact.ComponentChild;

let component: Promise<InspectorComponent> | undefined;

/** Load the inspector and bind it to this bundle's preact. Two copies of preact do not work together. */
function load(session: Session): Promise<InspectorComponent> {
  component ??= session
    .loadModule("inspector.js")
    .then((module) => module.default((name: string) => SHARED_RUNTIME[name]).Inspector);
  component.catch(() => {
    component = undefined;
  });
  return component;
}

/** The button in the header that opens the inspector. */
export function InspectButton() {
  const inspecting = useContext(InspectingContext);
  const open = inspecting.value !== null;
  return (
    <button
      type="button"
      class="nb-button nb-bare"
      aria-pressed={open}
      aria-label="Inspect"
      title="Events, timeline, copy"
      onClick={() => {
        inspecting.value = open ? null : { page: "transcript", block: null };
      }}
    >
      <Icon name="more" />
    </button>
  );
}

/** A button in the corner of a block's panel that lists its events. */
export function EventsButton({ block }: { block: Block }) {
  const inspecting = useContext(InspectingContext);
  const props = block.props.value;
  return (
    <button
      type="button"
      class="nb-button nb-bare nb-events-of"
      aria-label="Events of this"
      title="Events of this"
      onClick={() => {
        const label = clip(str(props.title) ?? str(props.name) ?? lookUp(KIND_LABELS, block.kind) ?? block.kind, 40);
        inspecting.value = { page: "events", block: { id: block.id, kind: block.kind, label } };
      }}
    >
      <Icon name="braces" />
    </button>
  );
}

const KIND_LABELS: Record<string, string> = { reasoning: "thinking" };

/** The inspector; nothing until it is loaded. */
export function InspectorSlot() {
  const session = useSession();
  const inspecting = useContext(InspectingContext);
  const { value: Inspector, problem } = useLoaded(() => load(session).then((component) => ({ component })), 0, session);
  if (problem) return <div class="nb-inspector">{problem}</div>;
  return Inspector ? <Inspector.component session={session} inspecting={inspecting} /> : null;
}
