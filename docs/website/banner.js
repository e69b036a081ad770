/**
 * Says above JupyterLite that Python is being loaded into the page, and then that the notebook can be run.
 * `data-megabytes` of its script element is what is loaded.
 */

const banner = document.createElement("div");
const words = document.createElement("span");
const close = document.createElement("button");
banner.id = "nbagent-banner";
banner.setAttribute("role", "status");
banner.style.cssText =
  "position: fixed; z-index: 10000; inset: auto 0 2rem; width: fit-content; max-width: 90%; margin: auto; padding: 0.6rem 1rem;" +
  "border-radius: 0.4rem; background: #1565c0; color: white; font: 14px/1.5 system-ui, sans-serif; box-shadow: 0 2px 8px #0006";
words.textContent =
  `JupyterLab and Python are being loaded into this page: ${document.currentScript.dataset.megabytes} MB, which the browser keeps. ` +
  "Nothing is installed.";
close.textContent = "OK";
close.style.cssText = "margin-left: 1rem; padding: 0 0.6rem; border: 1px solid white; background: none; color: inherit; font: inherit";
close.onclick = () => banner.remove();
banner.append(words);
document.body.append(banner);

const timer = setInterval(() => {
  const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  if (kernel?.status !== "idle") return;
  clearInterval(timer);
  words.textContent = "Python is ready: Shift+Enter runs a cell, the first one for some seconds. Your changes stay in this browser.";
  banner.append(close);
}, 200);
