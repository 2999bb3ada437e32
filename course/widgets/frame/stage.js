// Says the sentence and, under it, shows the picture. Both elements stay in the page while their content
// changes: a screen reader announces only what changes inside a live region it already knows.

function render({ model, el }) {
  el.classList.add("ag-stage");
  const frame = document.createElement("div");
  frame.className = "ag-frame";
  frame.setAttribute("role", "group");
  const sentence = document.createElement("p");
  sentence.className = "ag-sentence";
  sentence.setAttribute("role", "status");
  sentence.setAttribute("aria-live", "polite");
  sentence.setAttribute("aria-atomic", "true");
  // The picture is made smaller until it fits, and by this button as large as it was drawn.
  const zoom = document.createElement("button");
  zoom.className = "ag-zoom";
  zoom.textContent = "Actual size";
  zoom.setAttribute("aria-pressed", "false");
  zoom.hidden = true;
  zoom.addEventListener("click", () => {
    const large = zoom.getAttribute("aria-pressed") === "true";
    zoom.setAttribute("aria-pressed", String(!large));
    fit();
    showActive();
  });
  // Once the kernel has gone, no control can do anything any more.
  const gone = document.createElement("p");
  gone.className = "ag-gone";
  gone.setAttribute("role", "alert");
  function sayGone() {
    gone.textContent =
      "The kernel behind this picture has stopped. Run this cell again to step through it.";
  }
  el.append(zoom, sentence, gone, frame);

  // As wide and as high as there is room for. Where its text would be too small, a picture with
  // columns is broken into lines. Sideways only what would be a mere line scrolls, for a part says
  // little without the whole; the button shows it large. On a phone the whole could not be read.
  const [NARROWEST, LOWEST, LEGIBLE] = [0.2, 0.75, 0.75];
  const PHONE = 700;
  const WORTH_ENLARGING = 0.9;
  function fit() {
    const svg = frame.querySelector("svg");
    if (!svg || !frame.clientWidth) return;
    const whole = [0, 0, Number(svg.dataset.width), Number(svg.dataset.height)];
    const large = zoom.getAttribute("aria-pressed") === "true";
    const small = frame.clientWidth < whole[2] * LEGIBLE && !large;
    const lines = (small && linesOf(svg, whole, frame.clientWidth / LEGIBLE)) || [whole];
    const widest = Math.max(...lines.map((line) => line[2]));
    const height = lines.reduce((sum, line) => sum + line[3], 0);
    const high = parseFloat(getComputedStyle(frame).maxHeight) / height;
    const least = window.innerWidth < PHONE ? LEGIBLE : NARROWEST;
    const wide = Math.max(least, frame.clientWidth / widest);
    const scale = Math.min(1, wide, Math.max(LOWEST, high || 1));
    zoom.hidden = !large && lines.length === 1 && scale >= WORTH_ENLARGING;
    showLines(svg, lines, large ? 1 : scale);
    allowScrolling();
  }

  // As few lines as there is width for, each from one gap between columns to another; all about as
  // long. A line is left, top, width and height of what it shows. Nothing for a picture without
  // columns, or one of very many.
  const MOST_LINES = 12;
  const [MARK, STROKE] = [9, 2]; // what a box beyond the gap's ends would show of its frame
  function linesOf(svg, [, , width], room) {
    const bands = (svg.dataset.bands ?? "").split(";").map((band) => band.split(" ").map(Number));
    if (bands.length < 3) return null;
    bands[0][0] = 0;
    bands[bands.length - 1][1] = width;
    let lines = broken(bands, room);
    if (lines.length > MOST_LINES) return null;
    for (let share = 0.95; share > 0.5; share -= 0.05) {
      const shorter = broken(bands, room * share);
      if (shorter.length > lines.length) break;
      lines = shorter;
    }
    return lines;
  }

  function broken(bands, room) {
    const lines = [];
    for (let first = 0; first < bands.length; ) {
      const from = Math.max(0, first - 1); // the gap before it
      let last = first;
      const end = (column) => Math.min(column + 1, bands.length - 1); // with the gap behind it
      while (last + 2 < bands.length && bands[end(last + 2)][1] - bands[from][0] <= room) last += 2;
      const shown = bands.slice(from, end(last) + 1);
      const left = shown[0][0] + (first ? MARK : 0);
      const right = shown[shown.length - 1][1] - (last + 2 < bands.length ? STROKE : 0);
      const top = Math.min(...shown.map((band) => band[2]));
      lines.push([left, top, right - left, Math.max(...shown.map((band) => band[3])) - top]);
      first = last + 2;
    }
    return lines;
  }

  // The picture itself shows the first line, copies of it the others.
  function showLines(svg, lines, scale) {
    frame.querySelectorAll("svg[aria-hidden]").forEach((copy) => copy.remove());
    lines.forEach((line, number) => {
      const drawn = number ? svg.cloneNode(true) : svg;
      if (number) {
        drawn.setAttribute("aria-hidden", "true");
        drawn.removeAttribute("role");
        frame.append(drawn);
      }
      drawn.setAttribute("viewBox", line.join(" "));
      for (const mark of drawn.querySelectorAll("rect.halo, rect.halo-forward")) {
        const middle = mark.x.baseVal.value + mark.width.baseVal.value / 2;
        const here = line[0] < middle && middle < line[0] + line[2];
        mark.style.display = here ? "" : "none"; // else its edge would show where the line ends
      }
      drawn.setAttribute("width", Math.floor(line[2] * scale));
      drawn.setAttribute("height", Math.floor(line[3] * scale));
    });
  }

  // A picture wider than the page scrolls; then, and only then, the keyboard can reach it.
  function allowScrolling() {
    const overflows =
      frame.scrollWidth > frame.clientWidth + 1 || frame.scrollHeight > frame.clientHeight + 1;
    if (overflows) {
      frame.tabIndex = 0;
      frame.setAttribute("aria-label", "The picture; scroll with the arrow keys");
    } else {
      frame.removeAttribute("tabindex");
      frame.removeAttribute("aria-label");
    }
  }

  // Scrolls as little as needed: to what the step touches, then, where both cannot be seen, to
  // the box whose turn it is.
  function showActive() {
    for (const mark of ["[data-touched]", "[data-active]"]) {
      for (const part of frame.querySelectorAll(mark)) {
        const [box, line] = [part, part.ownerSVGElement].map((one) => one.getBoundingClientRect());
        if (box.right > line.left && box.left < line.right) bringIntoView(box);
      }
    }
  }

  function bringIntoView(box) {
    const view = frame.getBoundingClientRect();
    const room = 14;
    if (box.left < view.left + room) frame.scrollLeft -= view.left + room - box.left;
    else if (box.right > view.right - room) frame.scrollLeft += box.right - view.right + room;
    if (box.top < view.top + room) frame.scrollTop -= view.top + room - box.top;
    else if (box.bottom > view.bottom - room) frame.scrollTop += box.bottom - view.bottom + room;
  }

  frame.addEventListener("click", (event) => {
    const box = event.target.closest("[data-open]");
    if (!box) return;
    try {
      model.send({ open: box.dataset.open });
    } catch {
      sayGone(); // a kernel that was shut down takes nothing any more
    }
  });

  function draw() {
    const { scrollLeft, scrollTop } = frame;
    frame.innerHTML = model.get("svg");
    const svg = frame.querySelector("svg");
    if (svg) [svg.dataset.width, svg.dataset.height] = [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height];
    fit();
    frame.scrollLeft = scrollLeft;
    frame.scrollTop = scrollTop;
    showActive();
  }

  // ipywidgets leaves its slider handle and its play button without a name.
  function completeControls() {
    const player = el.closest(".ag-player");
    if (!player) return;
    player.querySelector(".noUi-handle")?.setAttribute("aria-label", "step");
    const [play] = player.querySelectorAll(".widget-play button");
    play?.setAttribute("aria-label", "Play or pause");
    const names = ["One step back", "One step on"];
    player.querySelectorAll(".ag-one").forEach((button, index) => {
      button.setAttribute("aria-label", names[index]);
    });
  }

  // These keys belong to the control in focus; JupyterLab would move to another cell. All others,
  // such as Ctrl+S, stay JupyterLab's.
  const ownKeys = new Set(
    "ArrowLeft ArrowRight ArrowUp ArrowDown Home End PageUp PageDown Enter".split(" ").concat(" ")
  );
  function keepKeys(event) {
    if (!el.closest(".ag-player")?.contains(event.target)) return;
    const own = ownKeys.has(event.key) && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    event.target.toggleAttribute("data-lm-suppress-shortcuts", own);
  }

  // The sentence keeps the room that its longest step took, so that the picture stays in place.
  let room = 0;
  function say() {
    sentence.textContent = model.get("sentence");
    room = Math.max(room, sentence.offsetHeight);
    sentence.style.minHeight = `${room}px`;
  }

  let lastWidth = 0;
  function resized() {
    if (Math.abs(frame.clientWidth - lastWidth) > 24) {
      lastWidth = frame.clientWidth;
      room = 0;
      sentence.style.minHeight = "";
      say();
      fit();
      showActive();
    } else {
      fit();
    }
  }

  // A kernel that answers makes this picture live; then the still picture beside it can go.
  function hear(message) {
    if (message.alive) {
      el.closest(".ag-player")?.classList.add("ag-alive");
      document.getElementById(model.get("still"))?.remove();
      draw();
    }
  }

  draw();
  say();
  model.on("msg:custom", hear);
  model.on("comm_live_update", sayGone);
  model.on("change:svg", draw);
  model.on("change:sentence", say);
  const watcher = new ResizeObserver(resized);
  watcher.observe(frame);
  window.addEventListener("keydown", keepKeys, true); // before JupyterLab, which listens below
  const drawnAnew = new MutationObserver(completeControls);
  // By the next frame the page has put this element among its siblings.
  requestAnimationFrame(() => {
    completeControls();
    const player = el.closest(".ag-player");
    if (player) drawnAnew.observe(player.firstElementChild, { childList: true, subtree: true });
    model.send({ ask: "alive" });
  });
  return () => {
    watcher.disconnect();
    drawnAnew.disconnect();
    window.removeEventListener("keydown", keepKeys, true);
    model.off("msg:custom", hear);
    model.off("comm_live_update", sayGone);
    model.off("change:svg", draw);
    model.off("change:sentence", say);
  };
}

export default { render };
