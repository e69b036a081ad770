/** What test_pleasant.py asks of the page; `stage` is js/test/preview/stage.js. */
({
  frame: () => new Promise((done) => requestAnimationFrame(() => setTimeout(done))),

  main: () => document.querySelector("main"),

  open(...ops) {
    window.view = stage.openView(this.main());
    if (ops.length > 0) view.ops(...ops);
  },

  /** Resolves when the scroller has come to its end, where smooth scrolling takes it. */
  async atItsEnd(scroller) {
    while (scroller.scrollTop + scroller.clientHeight < scroller.scrollHeight - 1) await this.frame();
  },

  async axe(values) {
    const found = await axe.run({ include: [[".nbagent"]] }, { runOnly: { type: "tag", values } });
    const one = ({ id }, { html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`;
    return found.violations.flatMap((rule) => rule.nodes.map((node) => one(rule, node)));
  },

  /** Everything that the Tab key shall reach, in order. */
  stops() {
    const all = document.querySelectorAll('.nbagent :is(button:not(:disabled, [tabindex="-1"]), a[href], [tabindex="0"])');
    return [...all].filter((node) => !node.closest("[inert]") && node.getClientRects().length > 0);
  },

  /** Scrollers that only a mouse can scroll. */
  mouseOnly() {
    const overflows = (node) => node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight;
    const scrolls = (node) => /auto|scroll/.test(getComputedStyle(node).overflow);
    const all = [...document.querySelectorAll(".nbagent *")].filter((node) => scrolls(node) && overflows(node));
    return all.filter((node) => node.tabIndex !== 0).map((node) => node.className);
  },

  /** Hides the run, has it look for what overflows, and shows it again before the page is drawn, as a new theme does. */
  async hideWhileItLooks() {
    const log = document.querySelector(".nb-log");
    const looks = [];
    const { setTimeout } = window;
    window.setTimeout = (look) => looks.push(look);
    log.append(document.createElement("i")); // a change: the view will look
    log.style.display = "none";
    await null;
    window.setTimeout = setTimeout;
    for (const look of looks) look();
    log.style.display = "";
    return looks.length;
  },

  /** Notes where the focus is. Returns the controls that it has not reached so far, and the page while it is inside a view. */
  missed() {
    const focused = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(focused);
    focused.reached = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
    if (focused.closest(".nbagent")) return ["the page"];
    const missed = this.stops().filter((node) => !node.reached);
    return missed.map((node) => node.outerHTML.slice(0, 120));
  },

  /** Boxes that overflow to the side, and controls that are cut off. */
  tooWide() {
    const boxes = [document.documentElement, ...document.querySelectorAll(".nb-frame, .nb-log, .nb-log-content")];
    const wide = boxes.filter((node) => node.scrollWidth > node.clientWidth);
    const controls = [...document.querySelectorAll(".nbagent :is(button, .nb-status, .nb-time)")];
    const cut = controls.filter((node) => {
      const box = node.getBoundingClientRect();
      const frame = node.closest(".nb-frame").getBoundingClientRect();
      return !node.closest(".nb-pre, .nb-table") && box.width > 0 && (box.left < frame.left || box.right > frame.right);
    });
    return [...wide, ...cut].map((node) => node.outerHTML.slice(0, 100));
  },

  /** Signs that a page without backgrounds does not show. */
  invisible() {
    const page = getComputedStyle(document.body).backgroundColor;
    const signs = [...document.querySelectorAll(".nb-dot, .nb-caret, .nb-dots i")];
    return signs.filter((node) => getComputedStyle(node).backgroundColor === page).length;
  },

  /** Notes, frame by frame, the height of the run, where it ends, its answer begins and the next cell begins, and whether it is over. */
  watchCells() {
    this.seen = [];
    this.errors = [];
    window.addEventListener("error", ({ message }) => this.errors.push(message));
    const look = (time = performance.now()) => {
      const run = document.querySelector(".nbagent");
      const below = document.querySelector(".jp-Cell[data-windowed-list-index='2']");
      if (run && below) {
        const { height, bottom } = run.getBoundingClientRect();
        const answer = run.querySelector(".nb-answer")?.getBoundingClientRect().top ?? null;
        const over = run.querySelector(".nb-status")?.textContent.startsWith("Done") ?? false;
        this.seen.push({ time, height, bottom, answer, top: below.getBoundingClientRect().top, over });
      }
      this.watching = requestAnimationFrame(look);
    };
    look();
  },

  seenCells() {
    cancelAnimationFrame(this.watching);
    return this.seen;
  },

  /** Height of a finished run's scroller, and of its content. */
  heights() {
    const log = document.querySelector(".nb-log");
    return [log.clientHeight, log.scrollHeight, log.firstElementChild.offsetHeight];
  },

  /** Puts a page of text below the view. */
  openBelow() {
    this.below = document.body.appendChild(document.createElement("p"));
    this.below.textContent = "below";
    this.below.style.height = "3000px";
  },

  outputTop: () => document.querySelector(".jp-Cell[data-windowed-list-index='2'] .jp-OutputArea")?.getBoundingClientRect().top,

  runHeight: () => document.querySelector(".nbagent").getBoundingClientRect().height,

  /** Where the reader's output was in each frame, as it was painted, until the run is done. */
  async outputTops() {
    const tops = [];
    const over = () => document.querySelector(".nbagent .nb-status")?.textContent.includes("Done in");
    const probe = document.body.appendChild(document.createElement("div"));
    probe.style.position = "fixed";
    await new Promise((done) => {
      let left = 20;
      // The last thing before a frame is painted: what other observers do in it is done.
      const painted = new ResizeObserver(() => {
        tops.push(this.outputTop());
        if (over()) left -= 1;
        if (left <= 0) return done();
        requestAnimationFrame(() => {
          probe.style.height = `${1 + (tops.length % 2)}px`;
        });
      });
      painted.observe(probe);
    });
    return tops;
  },

  /** As a notebook does with cells out of view. */
  async leaveAndComeBack() {
    const home = view.el.parentNode;
    view.el.remove();
    await this.frame();
    home.append(view.el);
    await this.frame();
    await this.frame();
  },

  /** Notes tasks over 50 ms and the time between frames from now on. */
  watchTasks() {
    this.tasks = [];
    this.gaps = [];
    const note = (list) => this.tasks.push(...list.getEntries().map((entry) => Math.round(entry.duration)));
    new PerformanceObserver(note).observe({ type: "longtask" });
    let last = performance.now();
    const step = (now) => {
      this.gaps.push(now - last);
      last = now;
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  },

  /** Blocks of an agent's usual kinds, as ops. */
  blocks: (from, count) =>
    Array.from({ length: count }, (_, index) => {
      const i = from + index;
      const id = `b${i}`;
      if (i % 5 === 0)
        return [
          ["open", id, "run", { kind: "reasoning", text: "", started: i }],
          ["append", id, "text", `I think of **${i}**.`],
          ["set", id, { ended: i + 2 }],
          ["close", id],
        ];
      if (i % 5 === 4)
        return [
          ["open", id, "run", { kind: "text", text: "" }],
          ["append", id, "text", `Paragraph **${i}** with \`code\`, as long as an answer's usually is.\n\n- one\n- two`],
          ["close", id],
        ];
      return [
        ["open", id, "run", { kind: "tool", name: "load", state: "input-available", args: { i }, started: i, args_done: i }],
        ["set", id, { state: "output-available", summary: `DataFrame ${i}×3`, ended: i + 1 }],
        ["close", id],
      ];
    }).flat(),

  async streamBlocks(count) {
    this.open();
    for (let from = 0; from < count; from += 25) {
      view.ops(...this.blocks(from, 25));
      await this.frame();
    }
  },

  /** Whether the scroller shows blocks at its top, middle and bottom. */
  showsBlocks(place) {
    const { left, top, width, height } = document.querySelector(".nb-log").getBoundingClientRect();
    const at = (y) => document.elementFromPoint(left + width / 4, top + height * y);
    // Between two blocks is their page, which holds them; the box that stands for a far one holds nothing.
    return [0.2, 0.5, 0.8].every((y) => at(y)?.firstChild);
  },

  /** Streams a text of so many characters in `blocks` blocks; the median cost of a flush in its first and last quarter. */
  async streamText({ kind, blocks, unit, before = "", after = "", characters }) {
    this.open();
    const costs = [];
    const text = unit.repeat(Math.ceil(4096 / unit.length));
    for (let block = 0; block < blocks; block += 1) {
      const id = `b${block}`;
      view.ops(["open", id, "run", { kind, text: "", started: 1 }], ["append", id, "text", `FIRST\n\n${before}`]);
      for (let at = 0; at < characters / blocks; at += text.length) {
        const began = performance.now();
        view.ops(["append", id, "text", text]);
        await this.frame();
        costs.push(performance.now() - began);
      }
      view.ops(["append", id, "text", `${after}\n\nLAST`], ["set", id, { ended: 5 }], ["close", id]);
    }
    const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
    return [median(costs.slice(0, costs.length >> 2)), median(costs.slice(-(costs.length >> 2)))];
  },

  /** Opens and closes views; how many of their listeners are left on their models. */
  async openAndClose(count) {
    let left = 0;
    for (let i = 0; i < count; i += 1) {
      this.open(...this.blocks(0, 20), ["open", "x", "run", { kind: "reasoning", text: "", started: 1 }]);
      view.ops(["append", "x", "text", "still thinking"]);
      await this.frame();
      view.close();
      left += view.model.handlerCount;
    }
    window.view = null;
    await this.frame();
    return left;
  },
});
