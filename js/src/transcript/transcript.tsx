/** One view of a run: header, scrolling transcript, footer. */

import { useRef } from "preact/hooks";
import type { Session } from "../session";
import { isLive } from "../status";
import { useHeld } from "../ui/held";
import { Icon } from "../ui/icons";
import { useReachable } from "../ui/reachable";
import { useSticky } from "../ui/sticky";
import { Blocks } from "./blocks";
import { SessionContext } from "./context";
import { Elapsed } from "./elapsed";
import { Footer } from "./footer";
import { Header } from "./header";

export function Transcript({ session }: { session: Session }) {
  // The static twin of this run hides itself while this attribute is in the page: so not before there is something to show.
  const shown = session.channel.answered.value ? session.runId : undefined;
  return (
    <SessionContext.Provider value={session}>
      {/* biome-ignore lint/a11y/useSemanticElements: no form, and no landmark: a notebook would have dozens */}
      <section
        class="nb-frame"
        data-nbagent-live={shown}
        role="group"
        aria-label="Agent transcript"
        data-lm-suppress-shortcuts="true"
      >
        <Header />
        <Banner session={session} />
        <Log session={session} />
        <Footer />
        <p class="nb-sr" role="status" aria-live="polite">
          {session.announcer.text.value}
        </p>
      </section>
    </SessionContext.Provider>
  );
}

function Banner({ session }: { session: Session }) {
  const live = isLive(session.status);
  if (live && session.stopUnheard.value) {
    return <p class="nb-banner">Stop has not reached the kernel yet. If a cell keeps it busy, interrupt the kernel.</p>;
  }
  if (live && session.channel.silent.value) {
    return (
      <p class="nb-banner">No answer from the kernel. It may be busy or gone; this updates as soon as it answers.</p>
    );
  }
  return null;
}

function Log({ session }: { session: Session }) {
  const scroller = useRef<HTMLDivElement>(null);
  const { pinned, toEnd } = useSticky(scroller);
  useHeld(scroller);
  useReachable(scroller);
  const list = session.store.top;
  return (
    <div class="nb-log-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scroller must be reachable by keyboard */}
      <div ref={scroller} class="nb-log" role="log" aria-live="off" aria-label="What the agent did" tabIndex={0}>
        <div class="nb-log-content">{list.size.value === 0 ? <Empty session={session} /> : <Blocks list={list} />}</div>
      </div>
      {!pinned && isLive(session.status) && (
        <button type="button" class="nb-button nb-latest" onClick={toEnd}>
          <Icon name="down" />
          Latest
        </button>
      )}
    </div>
  );
}

function Empty({ session }: { session: Session }) {
  if (!isLive(session.status)) return <p class="nb-note">This run ended without any output.</p>;
  return (
    <p class="nb-note nb-waiting">
      <span class="nb-dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>
        Waiting for the first event… <Elapsed started={session.started} ended={null} />
      </span>
    </p>
  );
}
