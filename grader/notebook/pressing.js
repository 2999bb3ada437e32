// Buttons below a verdict. A press asks the kernel; what it says is displayed below them.

const [SOON, LATER] = [1000, 5000];
const WAITING = "Waiting for the kernel: it answers once the cell that it runs has ended.";
const LATE =
  "No answer yet: the kernel is busy with another cell, or it has ended. If it has, restart it in " +
  "the menu Kernel and run the notebook's cells again.";
const GONE = "The kernel behind these buttons has ended. Run this cell again to use them.";

function render({ model, el }) {
  const waiting = document.createElement("p");
  waiting.setAttribute("role", "status");
  let asked = []; // what is told meanwhile, while an answer is awaited
  const tell = (text) => {
    asked.forEach(clearTimeout);
    asked = [];
    waiting.textContent = text;
  };
  const tellIn = (delay, text) => setTimeout(() => (waiting.textContent = text), delay);
  // Whoever presses again because nothing happens asks once: two hints would come at a time, and
  // a second press of Solution would show it unread.
  const press = (kind) => {
    if (asked.length) return void (waiting.textContent ||= WAITING);
    try {
      model.send({ press: kind }); // a kernel that was shut down takes nothing any more
    } catch {
      return tell(GONE);
    }
    waiting.textContent = "";
    asked = [tellIn(SOON, WAITING), tellIn(LATER, LATE)];
  };
  // On a button Enter, Space and letters are none of JupyterLab's; Ctrl+S and Shift+Enter are.
  const keepKeys = (event) => {
    if (!event.target.matches?.("button") || !el.contains(event.target)) return;
    const modified = event.ctrlKey || event.metaKey || event.shiftKey;
    event.target.toggleAttribute("data-lm-suppress-shortcuts", !modified);
  };
  for (const [kind, label] of Object.entries(model.get("labels"))) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "jupyter-button widget-button";
    button.textContent = label;
    button.addEventListener("click", () => press(kind));
    el.append(button);
  }
  el.append(waiting);
  window.addEventListener("keydown", keepKeys, true); // before JupyterLab, which listens below
  const answered = () => tell("");
  const gone = () => asked.length && tell(GONE); // the kernel was started anew
  model.on("change:answers", answered);
  model.on("comm_live_update", gone);
  return () => {
    asked.forEach(clearTimeout);
    window.removeEventListener("keydown", keepKeys, true);
    model.off("change:answers", answered);
    model.off("comm_live_update", gone);
  };
}

export default { render };
