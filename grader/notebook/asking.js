// What buttons and questions share that ask a kernel: what is told until it answers, and their keys.
// It stands in front of the script that uses it.

const [SOON, LATER] = [1000, 5000];
const WAITING = "Waiting for the kernel: it answers once the cell that it runs has ended.";

// A line below the buttons. `late` is told when nothing came for long, `gone` where no kernel hears.
function asking(model, { late, gone }) {
  const line = document.createElement("p");
  line.setAttribute("role", "status");
  let timers = []; // what is told meanwhile, while an answer is awaited
  const tell = (text) => {
    timers.forEach(clearTimeout);
    timers = [];
    line.textContent = text;
  };
  const tellIn = (delay, text) => setTimeout(() => (line.textContent = text), delay);
  // Whether it went out: a kernel that was shut down takes nothing any more.
  const send = (content) => {
    try {
      model.send(content);
    } catch {
      tell(gone);
      return false;
    }
    timers = [tellIn(SOON, WAITING), tellIn(LATER, late)];
    return true;
  };
  const restarted = () => timers.length && tell(gone); // the kernel was started anew
  model.on("comm_live_update", restarted);
  const release = () => {
    timers.forEach(clearTimeout);
    model.off("comm_live_update", restarted);
  };
  return { line, tell, send, awaits: () => timers.length > 0, release };
}

const modified = (event) => event.shiftKey || event.ctrlKey || event.metaKey;

// On a button Enter, Space and letters are none of JupyterLab's; Ctrl+S and Shift+Enter are.
function buttonKeys(el) {
  const keep = (event) => {
    if (!event.target.matches?.("button") || !el.contains(event.target)) return;
    event.target.toggleAttribute("data-lm-suppress-shortcuts", !modified(event));
  };
  window.addEventListener("keydown", keep, true); // before JupyterLab, which listens below
  return () => window.removeEventListener("keydown", keep, true);
}
