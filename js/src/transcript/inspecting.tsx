/**
 * The page that a view shows: the transcript, or one of the inspector, loaded when it is first
 * opened.
 */

import { type Signal, signal } from "@preact/signals";
import { createContext, type FunctionComponent } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "../session";
import type { Block } from "../store";
import { Icon } from "../ui/icons";
import { clip, lookUp, str } from "../values";
import { useSession } from "./context";
import { loadDrawn } from "./drawn-module";
import { useLoaded } from "./lazy";
import { Result } from "./result";

/** A block whose events are listed. */
export interface Subject {
  id: string;
  kind: string;
  label: string;
}

export interface Inspecting {
  page: "transcript" | "events" | "timeline" | "requests";
  /**
   * The block whose events are listed, or whose request is shown; null for all events, and the
   * newest request.
   */
  block: Subject | null;
  /**
   * Session whose tree is the transcript as it was; null or absent while the transcript of now is
   * shown.
   */
  past?: Session | null;
}

/** Null while the inspector is closed. */
export type InspectingSignal = Signal<Inspecting | null>;

export const InspectingContext = createContext<InspectingSignal>(signal(null));

export interface InspectorProps {
  session: Session;
  inspecting: InspectingSignal;
  /** Draws answers: the part has no copy of it. */
  Result: typeof Result;
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
      title="Events, timeline, requests, the run as it was, copy"
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
      // One more stop in each block would be in the way; the timeline leads to the same list.
      tabIndex={-1}
      aria-label="Events of this"
      title="Events of this"
      onClick={() => {
        const label = clip(
          str(props.title) ?? str(props.name) ?? lookUp(KIND_LABELS, block.kind) ?? block.kind,
          40,
        );
        inspecting.value = {
          ...inspecting.value,
          page: "events",
          block: { id: block.id, kind: block.kind, label },
        };
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
  const { value: module, problem } = useLoaded(
    () => loadDrawn(session, "inspector.js"),
    0,
    session,
  );
  if (problem) return <div class="nb-inspector">{problem}</div>;
  const Inspector: FunctionComponent<InspectorProps> | undefined = module?.Inspector;
  return Inspector ? <Inspector session={session} inspecting={inspecting} Result={Result} /> : null;
}
