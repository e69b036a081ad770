/** One view of a run: header, scrolling transcript, footer. */

import { signal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { chat as CHAT, run as LABELS } from "../../../nbagent/protocol/labels.json";
import type { Session } from "../session";
import { fill } from "../shared";
import { isLive } from "../status";
import { useDraggedHeight } from "../ui/dragged-height";
import { useFocusableScrollers } from "../ui/focusable-scrollers";
import { Icon } from "../ui/icons";
import { useReadingHeight } from "../ui/reading-height";
import { useRetainedHeight } from "../ui/retain-height";
import { useSettledHeight } from "../ui/settled-height";
import { COLLAPSE_KEY, EXPAND_KEY, isTyping } from "../ui/shortcuts";
import { useSticky } from "../ui/sticky";
import { num, type PropsOf, str, strings } from "../values";
import "./kinds";
import "./readable-text";
import { Blocks } from "./blocks";
import { ChatSlot, turnsOf } from "./chat-slot";
import { SessionContext } from "./context";
import { loadDrawn } from "./drawn-module";
import { Elapsed } from "./elapsed";
import { Footer } from "./footer";
import { ForkTree } from "./fork-tree";
import { Header } from "./header";
import { type Inspecting, InspectingContext, InspectorSlot } from "./inspecting";
import { PromptCue } from "./prompt-cue";
import { StopNotice } from "./stop-notice";
import { Activity, Waiting } from "./waiting";

export function Transcript({ session }: { session: Session }) {
  const gone = session.kernel.state.value === "gone";
  // State of this view: another view of the same run may show another page.
  const inspecting = useMemo(() => signal<Inspecting | null>(null), []);
  const page = inspecting.value?.page ?? "transcript";
  const past = inspecting.value?.past ?? null;
  return (
    <SessionContext.Provider value={session}>
      <InspectingContext.Provider value={inspecting}>
        {/* biome-ignore lint/a11y/useSemanticElements: a notebook has dozens of them */}
        <section
          class={gone ? "nb-frame nb-gone" : "nb-frame"}
          role="group"
          aria-label="Agent transcript"
          onKeyDown={({ key, altKey, ctrlKey, metaKey, target }) => {
            if (altKey || ctrlKey || metaKey || isTyping(target)) return;
            if (key === EXPAND_KEY || key === COLLAPSE_KEY)
              (past ?? session).toggle(null, key === EXPAND_KEY);
          }}
        >
          <ForkTree />
          <Header />
          <StopNotice session={session} />
          {inspecting.value && <InspectorSlot />}
          {past && page === "transcript" && <PastLog session={past} />}
          <div hidden={page !== "transcript" || past !== null}>
            <Log session={session} />
          </div>
          {turnsOf(session) !== null && past === null && <ChatSlot session={session} />}
          <SessionContext.Provider value={past ?? session}>
            <Footer />
          </SessionContext.Provider>
        </section>
      </InspectingContext.Provider>
    </SessionContext.Provider>
  );
}

/** Without its buttons a table is still to be read. */
const noButtons = () => {};

function Log({ session }: { session: Session }) {
  const scroller = useRef<HTMLDivElement>(null);
  const { pinned, toEnd } = useSticky(scroller);
  const live = isLive(session.status) && session.kernel.state.value !== "gone";
  const height = num(session.runProps.height);
  useRetainedHeight(scroller, live);
  // A chat scrolls above its input line; a height that was asked for stays.
  const scrolls = (height !== null && height > 0) || turnsOf(session) !== null;
  useSettledHeight(scroller, !live && scrolls);
  useDraggedHeight(scroller);
  const showAll = useReadingHeight(scroller, !live, height !== 0 && !scrolls);
  const box = {
    class: height === 0 ? "nb-log nb-whole" : "nb-log",
    style: height === null || height === 0 ? {} : { "--nb-most": `${height}px` },
  };
  useFocusableScrollers(scroller, (root) => {
    // A table in a text has buttons, which are a part of their own.
    if (root.querySelector(".nb-table"))
      loadDrawn(session, "media.js").then(({ addTableBars }) => addTableBars(root), noButtons);
  });
  const list = session.store.top;
  const waits = live && session.runProps.final_only === true && session.awaiting.value === 0;
  return (
    <div class="nb-log-frame">
      <div
        ref={scroller}
        {...box}
        role="log"
        aria-live="off"
        aria-label="What the agent did"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller must be reachable by keyboard
        tabIndex={0}
      >
        <div class="nb-log-content">
          {waits || (list.size.value === 0 && !live) ? (
            <Empty session={session} />
          ) : (
            <Blocks list={list} />
          )}
          {live && !waits && <Waiting list={list} owner={session.runProps} />}
        </div>
      </div>
      <PromptCue scroller={scroller} list={list} />
      {showAll && (
        <button type="button" class="nb-button nb-all" onClick={showAll}>
          Show all
        </button>
      )}
      {!pinned && live && (
        <button type="button" class="nb-button nb-latest" onClick={toEnd}>
          <Icon name="down" />
          Latest
        </button>
      )}
    </div>
  );
}

/** The transcript as it was, in a box that keeps its height while the reader moves through time. */
function PastLog({ session }: { session: Session }) {
  const scroller = useRef<HTMLDivElement>(null);
  useSticky(scroller);
  useFocusableScrollers(scroller);
  return (
    <SessionContext.Provider value={session}>
      <section
        ref={scroller}
        class="nb-log nb-past nb-gone"
        aria-label="What the agent had done"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller must be reachable by keyboard
        tabIndex={0}
      >
        <div class="nb-log-content">
          {/* Few: the reader may leap from one end of a long run to the other with every frame. */}
          <Blocks list={session.store.top} firstPages={1} />
        </div>
      </section>
    </SessionContext.Provider>
  );
}

function Empty({ session }: { session: Session }) {
  const gone = session.kernel.state.value === "gone";
  if (turnsOf(session) === 0 && !gone) return <Introduction {...session.runProps} />;
  if (gone || !isLive(session.status)) {
    return (
      <p class="nb-note">
        {session.channel.answered.value
          ? gone
            ? "This run has no output so far."
            : LABELS.empty
          : `The ${session.peer} that holds this transcript does not answer.`}
      </p>
    );
  }
  return (
    <Activity>
      {LABELS.final_only} <Elapsed started={session.started} ended={null} />
    </Activity>
  );
}

/** A chat before its first message: what its agent does, and with which tools. */
function Introduction({ about, offers }: PropsOf<"run">) {
  const tools = strings(offers).join(", ");
  const known = [str(about), tools && fill(CHAT.tools, tools)].filter(Boolean);
  const lines = known.length > 0 ? known : [CHAT.empty];
  return (
    <div class="nb-intro">
      {lines.map((line, at) => (
        <p key={at} class="nb-note" dir="auto">
          {line}
        </p>
      ))}
    </div>
  );
}
