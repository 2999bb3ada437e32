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

  // As wide and as high as there is room for. Sideways only what would be a mere line scrolls, for
  // a part says little without the whole; the button shows it large.
  const [NARROWEST, LOWEST] = [0.2, 0.75];
  const WORTH_ENLARGING = 0.9;
  function fit() {
    const svg = frame.querySelector("svg");
    const { width, height } = svg?.viewBox.baseVal ?? {};
    if (!width || !frame.clientWidth) return;
    const high = parseFloat(getComputedStyle(frame).maxHeight) / height;
    const wide = Math.max(NARROWEST, frame.clientWidth / width);
    const scale = Math.min(1, wide, Math.max(LOWEST, high || 1));
    const small = scale < WORTH_ENLARGING;
    zoom.hidden = !small;
    const shown = small && zoom.getAttribute("aria-pressed") === "true" ? 1 : scale;
    svg.setAttribute("width", Math.floor(width * shown));
    svg.setAttribute("height", Math.floor(height * shown));
    allowScrolling();
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
      for (const part of frame.querySelectorAll(mark)) bringIntoView(part.getBoundingClientRect());
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
    if (box) model.send({ open: box.dataset.open });
  });

  function draw() {
    const { scrollLeft, scrollTop } = frame;
    frame.innerHTML = model.get("svg");
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
