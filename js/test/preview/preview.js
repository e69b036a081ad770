/** The built widget in every state. `?theme=light|dark`, `?jp=1` (JupyterLab's variables), `?scene=<text>`. */
import { openScenes } from "./stage.js";

const JUPYTERLAB = {
  light:
    "--jp-layout-color0:#fff;--jp-layout-color1:#fff;--jp-border-color2:#e0e0e0;--jp-ui-font-color1:rgba(0,0,0,.87);--jp-ui-font-color2:rgba(0,0,0,.54);--jp-brand-color1:#1976d2;--jp-success-color1:#388e3c;--jp-error-color1:#d32f2f;--jp-warn-color1:#f57c00",
  dark: "--jp-layout-color0:#111;--jp-layout-color1:#212121;--jp-border-color2:#424242;--jp-ui-font-color1:rgba(255,255,255,1);--jp-ui-font-color2:rgba(255,255,255,.7);--jp-brand-color1:#2196f3;--jp-success-color1:#4caf50;--jp-error-color1:#f44336;--jp-warn-color1:#ff9800",
};

const query = new URLSearchParams(location.search);
const theme = query.get("theme") ?? "light";
document.documentElement.style.colorScheme = theme;
document.body.dataset.jpThemeLight = String(theme === "light");
if (query.has("jp"))
  document.body.style.cssText = `${JUPYTERLAB[theme]};background:var(--jp-layout-color0)`;
openScenes(document.querySelector("main"), query.get("scene") ?? "");
window.ready = true;
