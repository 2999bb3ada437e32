// A question's live form. What is sent is what the learner sees at that moment, whole, in one
// message: state that travels piece by piece arrives late where the kernel is busy.

const LATE =
  "No answer yet: the kernel is busy with another cell, or it has ended. If it has, restart it in " +
  "the menu Kernel and run this cell again.";
const GONE = "The kernel behind this question has ended. Run this cell again to answer.";

function render({ model, el }) {
  const made = { text, lines, options }[model.get("kind")];
  el.innerHTML = model.get("asked");
  const answer = document.createElement("div");
  const kernel = asking(model, { late: LATE, gone: GONE });

  const settle = () => {
    kernel.tell("");
    answer.innerHTML = model.get("reply");
    form.settled(model.get("committed"));
  };
  const form = made({
    model,
    el,
    tell: kernel.tell,
    forget: () => (answer.innerHTML = ""),
    send: (value) => kernel.send({ event: "commit", value }),
  });
  el.append(answer, kernel.line);
  document.getElementById(model.get("still"))?.setAttribute("hidden", "");
  model.on("change:number", settle);
  const release = keys(el, form.commit);
  if (model.get("number")) settle();
  return () => {
    kernel.release();
    release();
    model.off("change:number", settle);
  };
}

// A prediction in one line of text.
function text({ model, el, tell, forget, send }) {
  const entry = element("input", { type: "text", placeholder: "your prediction", autocomplete: "off" });
  entry.setAttribute("aria-label", "Your prediction");
  entry.spellcheck = false;
  const button = pressed("Commit and run", () => (state === "settled" ? again() : commit()));
  let state = "open";

  function commit() {
    if (state !== "open") return;
    if (!entry.value.trim()) return tell("Write a prediction first.");
    tell("");
    if (!send(entry.value)) return;
    state = "waiting";
    entry.readOnly = true; // not disabled: that would drop the keyboard's focus
  }
  function again() {
    state = "open";
    entry.readOnly = false;
    entry.value = "";
    button.textContent = "Commit and run";
    forget();
    entry.focus();
  }
  entry.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || modified(event)) return;
    event.preventDefault();
    commit();
  });
  el.append(bar(entry, button));
  return {
    commit: () => entry.value.trim() && commit(),
    settled: (committed) => {
      state = "settled";
      entry.readOnly = true;
      entry.value = committed;
      button.textContent = "Try again";
    },
  };
}

// Lines to be pressed one by one, in the order in which they should run.
function lines({ model, el, tell, forget, send }) {
  const texts = model.get("lines");
  let placed = [];
  let state = "open";
  const buttons = texts.map((_, at) =>
    pressed("", () => {
      if (state === "waiting") return;
      if (state === "settled") reopen();
      placed = placed.includes(at) ? placed.filter((one) => one !== at) : [...placed, at];
      forget();
      tell("");
      draw();
    }),
  );
  const check = pressed("Check the order", () => (state === "settled" ? again() : commit()));
  const list = element("div", { className: "cq-lines" });
  list.append(...buttons);
  el.append(list, bar(check));

  function draw() {
    texts.forEach((line, at) => {
      const place = placed.includes(at) ? `${placed.indexOf(at) + 1}.` : "–";
      buttons[at].textContent = `${place}  ${line}`;
      buttons[at].setAttribute("aria-pressed", placed.includes(at));
    });
  }
  function commit() {
    if (state !== "open") return;
    const left = texts.length - placed.length;
    if (left) return tell(`Place every line first: ${left} left.`);
    if (send(placed)) state = "waiting";
  }
  function reopen() {
    state = "open";
    check.textContent = "Check the order";
  }
  function again() {
    reopen();
    placed = [];
    forget();
    draw();
  }
  draw();
  return {
    commit: () => {},
    settled: (committed) => {
      state = "settled";
      placed = committed;
      check.textContent = "Try again";
      draw();
    },
  };
}

// Options that explain themselves when they are opened; the first one opened is the answer.
function options({ model, el, send }) {
  const folds = [...el.querySelectorAll("details")];
  let answered = model.get("number") > 0;
  folds.forEach((fold, at) =>
    fold.addEventListener("toggle", () => {
      if (answered || !fold.open) return;
      answered = send(at);
    }),
  );
  return { commit: () => {}, settled: () => {} };
}

// Keys that leave the form, as they leave a cell: Escape and Control+Enter stay at the cell,
// Shift+Enter goes on to the next one. A click beside the form leaves it, too.
function keys(el, commit) {
  const leave = (event) => {
    const [escape, enter] = [event.key === "Escape", event.key === "Enter" && modified(event)];
    if (event.isComposing || !(escape || enter)) return;
    event.preventDefault();
    event.stopPropagation();
    if (enter && event.target.matches("input")) commit();
    event.target.blur();
    const cell = el.closest(".jp-Cell");
    cell?.focus();
    if (event.shiftKey && enter) cell?.dispatchEvent(arrowDown());
  };
  const outside = (event) => {
    if (!el.contains(event.target) && el.contains(document.activeElement)) document.activeElement.blur();
  };
  const releaseButtons = buttonKeys(el);
  el.addEventListener("keydown", leave);
  document.addEventListener("pointerdown", outside, true);
  return () => {
    releaseButtons();
    document.removeEventListener("pointerdown", outside, true);
  };
}

const arrowDown = () =>
  new KeyboardEvent("keydown", { key: "ArrowDown", code: "ArrowDown", keyCode: 40, bubbles: true });

const element = (tag, fields) => Object.assign(document.createElement(tag), fields);

function pressed(label, action) {
  const button = element("button", { type: "button", textContent: label });
  button.addEventListener("click", action);
  return button;
}

function bar(...parts) {
  const made = element("div", { className: "cq-bar" });
  made.append(...parts);
  return made;
}

export default { render };
