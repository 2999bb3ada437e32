// Buttons below a verdict. A press asks the kernel; what it says is displayed below them.

const LATE =
  "No answer yet: the kernel is busy with another cell, or it has ended. If it has, restart it in " +
  "the menu Kernel and run the notebook's cells again.";
const GONE = "The kernel behind these buttons has ended. Run this cell again to use them.";

function render({ model, el }) {
  const kernel = asking(model, { late: LATE, gone: GONE });
  // Whoever presses again because nothing happens asks once: two hints would come at a time, and
  // a second press of Solution would show it unread.
  const press = (kind) => {
    if (kernel.awaits()) return void (kernel.line.textContent ||= WAITING);
    kernel.tell("");
    kernel.send({ press: kind });
  };
  for (const [kind, label] of Object.entries(model.get("labels"))) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "jupyter-button widget-button";
    button.textContent = label;
    button.addEventListener("click", () => press(kind));
    el.append(button);
  }
  el.append(kernel.line);
  const release = buttonKeys(el);
  const answered = () => kernel.tell("");
  model.on("change:answers", answered);
  return () => {
    kernel.release();
    release();
    model.off("change:answers", answered);
  };
}

export default { render };
