/**
 * A plotly figure drawn by plotly's own script, which the kernel has: in a frame of its own, when
 * the reader asks for it.
 */

import { useState } from "preact/hooks";
import { chart as LABELS } from "../../../nbagent/protocol/labels.json";
import { loadModule } from "../modules";
import { useSession } from "./context";

export const PLOTLY = "application/vnd.plotly.v1+json";

/** Nothing may be loaded: the figure may name images and maps elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; " +
  "img-src data: blob:; font-src data:";
const HEIGHT_PX = 460;

/**
 * The page of the frame. In a sandbox without `allow-same-origin` it reaches neither this page nor
 * its cookies.
 */
export function chartPage(script: string, figure: unknown): string {
  const json = JSON.stringify(figure).replaceAll("<", "\\u003c");
  return `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">
<style>html,body,#chart{margin:0;height:100%}</style><div id="chart"></div><script>${script}</script>
<script>const f=${json};Plotly.newPlot("chart",f.data,{...f.layout,autosize:true},{responsive:true,displaylogo:false})</script>`;
}

export function InteractiveChart({ figure }: { figure: unknown }) {
  const { channel, peer } = useSession();
  const { lazyValues } = channel;
  const [page, setPage] = useState<string | null>(null);
  const [note, setNote] = useState<string | null>(null);
  async function draw() {
    setNote(LABELS.loading);
    try {
      const text = (name: string) => lazyValues.whole(name);
      setPage(
        chartPage(await loadModule("plotly.js", text, (script) => Promise.resolve(script)), figure),
      );
    } catch (error) {
      setNote(error instanceof Error ? error.message : String(error));
    }
  }
  if (page !== null)
    return (
      <iframe
        class="nb-picture"
        title={LABELS.name}
        sandbox="allow-scripts"
        srcdoc={page}
        width="100%"
        height={HEIGHT_PX}
      />
    );
  if (peer === "server") return null; // its page allows no script but its own
  return (
    <p class="nb-note">
      {note ?? (
        <button type="button" class="nb-link" onClick={draw}>
          {LABELS.draw}
        </button>
      )}
    </p>
  );
}
