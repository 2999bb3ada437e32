// Buttons below a verdict. A press asks the kernel; what it says is displayed below them.

const PATIENCE = 5000;
const LATE =
  "No answer yet: the kernel is busy with another cell, or it has ended. If it has, restart it in " +
  "the menu Kernel and run the notebook's cells again.";
const GONE = "The kernel behind these buttons has ended. Run this cell again to use them.";

function render({ model, el }) {
  const waiting = document.createElement("p");
  waiting.setAttribute("role", "status");
  let late = null;
  const tell = (text) => {
    clearTimeout(late);
    waiting.textContent = text;
  };
  const press = (kind) => {
    tell("");
    try {
      model.send({ press: kind }); // a kernel that was shut down takes nothing any more
    } catch {
      return tell(GONE);
    }
    late = setTimeout(() => tell(LATE), PATIENCE);
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
  model.on("change:answers", answered);
  return () => {
    clearTimeout(late);
    window.removeEventListener("keydown", keepKeys, true);
    model.off("change:answers", answered);
  };
}

export default { render };
