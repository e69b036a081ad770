/** The lazy part `inspector.js`: the events of a run, its timeline, and its text to copy. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { panels as PANELS } from "../../../nbagent/protocol/labels.json";
import type { Session } from "../session";
import { fill } from "../shared";
import { isLive } from "../status";
import { adoptStyle } from "../style";
import { SessionContext } from "../transcript/context";
import type { Inspecting, InspectingSignal, InspectorProps } from "../transcript/inspecting";
import { CopyButton } from "../ui/copy";
import { COLLAPSE_KEY, EXPAND_KEY } from "../ui/shortcuts";
import { Events } from "./events";
import { KeepButton } from "./keep-button";
import { Past } from "./past/past";
import { TimeSlider } from "./past/time-slider";
import { RequestsPage } from "./requests-page";
import { TimelinePage } from "./timeline-page";

const PAGES: [Inspecting["page"], string][] = [
  ["transcript", "Transcript"],
  ["events", "Events"],
  ["timeline", "Timeline"],
  ["requests", "Requests"],
];
/** The pages of a run. A server sends its readers what the gate lets through, and no requests. */
const pagesOf = ({ peer }: Session) =>
  PAGES.filter(([name]) => name !== "requests" || peer === "kernel");
const COPIES = ["Markdown", "JSON", "Python"];

export function Inspector({ session, inspecting, Result }: InspectorProps) {
  const bar = useRef<HTMLDivElement>(null);
  const past = usePast(session, inspecting);
  useEscape(bar, past);
  const shown = inspecting.value;
  useLayoutEffect(() => {
    if (bar.current) adoptStyle(bar.current);
  }, []);
  if (shown === null) return null;
  const { page, block } = shown;
  const keepable =
    session.runProps.can_keep === true && session.peer === "kernel" && !isLive(session.status);
  const show = (to: Inspecting["page"]) => {
    inspecting.value = { ...shown, page: to, block: null };
  };
  return (
    // The context of this bundle is not that of the base bundle.
    <SessionContext.Provider value={session}>
      <div ref={bar} class="nb-inspector-bar">
        <Switch pages={pagesOf(session)} page={page} show={show} />
        <span class="nb-grow" />
        {page === "transcript" && <PanelButtons session={shown.past ?? session} />}
        {/* biome-ignore lint/a11y/useSemanticElements: no form */}
        <div class="nb-copies" role="group" aria-label="Copy the run">
          <span class="nb-muted" aria-hidden="true">
            Copy as
          </span>
          {COPIES.map((form) => (
            <CopyButton
              key={form}
              label={form}
              text={() => session.channel.lazyValues.whole(`copy/${form.toLowerCase()}`)}
            />
          ))}
        </div>
        {keepable && <KeepButton session={session} />}
      </div>
      <TimeSlider session={session} past={past} />
      {page === "events" && (
        <Events
          key={block?.id ?? ""}
          session={session}
          past={past}
          block={block}
          onWhole={() => show("events")}
          onRequest={() => {
            inspecting.value = { ...shown, page: "requests", block };
          }}
          onMoment={(number) => {
            past.goTo(number);
            show("transcript");
          }}
        />
      )}
      {page === "requests" && (
        <RequestsPage key={block?.id ?? ""} session={session} block={block} Result={Result} />
      )}
      {page === "timeline" && (
        <TimelinePage
          session={session}
          past={past}
          onBlock={(wanted) => {
            inspecting.value = { ...shown, page: "events", block: wanted };
          }}
        />
      )}
    </SessionContext.Provider>
  );
}

/** Buttons that open and close all panels; the keys are handled by the view. */
function PanelButtons({ session }: { session: Session }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: no form
    <div class="nb-copies" role="group" aria-label={PANELS.label}>
      {([true, false] as const).map((open) => (
        <button
          key={open}
          type="button"
          class="nb-button"
          title={fill(PANELS.key, open ? EXPAND_KEY : COLLAPSE_KEY)}
          aria-keyshortcuts={open ? EXPAND_KEY : COLLAPSE_KEY}
          onClick={() => session.toggle(null, open)}
        >
          {open ? PANELS.expand : PANELS.collapse}
        </button>
      ))}
    </div>
  );
}

/**
 * The past of this view, until the inspector is closed. The view draws the session that it shows.
 */
function usePast(session: Session, inspecting: InspectingSignal): Past {
  const past = useMemo(() => new Past(session), [session]);
  const shown = past.shown.value;
  useLayoutEffect(() => {
    if (inspecting.peek()) inspecting.value = { ...(inspecting.peek() as Inspecting), past: shown };
  }, [inspecting, shown]);
  useEffect(() => () => past.close(), [past]);
  return past;
}

/**
 * Let Escape lead from the past to now, wherever the focus is in the view; it stays in the view.
 */
function useEscape(inside: RefObject<HTMLElement | null>, past: Past): void {
  useEffect(() => {
    const frame = inside.current?.closest(".nb-frame");
    const onKeyDown = (event: Event) => {
      const { key, defaultPrevented, target } = event as KeyboardEvent;
      if (key !== "Escape" || defaultPrevented || past.position.peek() === null) return;
      event.preventDefault();
      past.leave();
      if (target instanceof Element && target.closest(".nb-past"))
        frame?.querySelector<HTMLElement>(".nb-times > input")?.focus();
    };
    frame?.addEventListener("keydown", onKeyDown);
    return () => frame?.removeEventListener("keydown", onKeyDown);
  }, [inside, past]);
}

/** The tabs; the arrow keys move between them. */
interface SwitchProps {
  pages: typeof PAGES;
  page: Inspecting["page"];
  show: (page: Inspecting["page"]) => void;
}

function Switch({ pages, page, show }: SwitchProps) {
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    const at = pages.findIndex(([name]) => name === page) + step;
    const next = pages[(at + pages.length) % pages.length];
    if (next === undefined) return;
    event.preventDefault();
    show(next[0]);
    const tabs = list.current?.children;
    (tabs?.[pages.indexOf(next)] as HTMLElement | undefined)?.focus();
  };
  return (
    <div ref={list} class="nb-tabs" role="tablist" aria-label="This run" onKeyDown={onKeyDown}>
      {pages.map(([name, label]) => (
        <button
          key={name}
          type="button"
          role="tab"
          class="nb-tab"
          aria-selected={name === page}
          tabIndex={name === page ? 0 : -1}
          onClick={() => show(name)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
