// Five things that JupyterLab does not do by itself: open a notebook at the cell that its address
// names, make the cell that a link names the one to go on from, say where a link leads nowhere, lead
// back to the start page, and leave a narrow window to the notebook.
(window._JUPYTERLAB ??= {})["autograd-course"] = {
  init() {},
  get: () => Promise.resolve(() => ({ __esModule: true, default: plugins })),
};

const plugins = [
  { id: "autograd-course:land", autoStart: true, activate: land },
  { id: "autograd-course:follow", autoStart: true, activate: follow },
  { id: "autograd-course:back", autoStart: true, activate: (app) => void app.restored.then(back) },
  { id: "autograd-course:room", autoStart: true, activate: room },
];

// JupyterLab announces the fragment of /lab/tree/a.ipynb#cell-id=b before the notebook is there.
function land(app) {
  const cell = /^#cell-id=(.+)$/.exec(location.hash)?.[1];
  const path = /\/tree\/(.+)$/.exec(location.pathname)?.[1];
  if (!cell || !path) return;
  const wanted = [decodeURIComponent(path), decodeURIComponent(cell)];
  const go = async () => {
    const panel = app.shell.currentWidget;
    if (panel?.context?.path !== wanted[0]) return;
    app.shell.currentChanged?.disconnect(go);
    if (await take(panel, wanted[1])) panel.setFragment(`#cell-id=${cell}`);
  };
  app.shell.currentChanged?.connect(go);
  app.restored.then(go);
}

// A link in a notebook shows its cell, and JupyterLab leaves another one active. Where there is no
// such notebook it says nothing.
function follow(app) {
  app.commands.commandExecuted.connect(async (_, { id, args, result }) => {
    if (id !== "rendermime:handle-local-link") return;
    const missing = await result.then(() => false, (error) => error?.response?.status === 404);
    if (missing) return tellMissing(app, args.path);
    const cell = /^#cell-id=(.+)$/.exec(args?.id ?? "")?.[1];
    if (!cell) return;
    const named = (panel) => panel.context?.path === args.path;
    const panel = [...app.shell.widgets("main")].find(named);
    if (panel) await take(panel, decodeURIComponent(cell));
  });
}

function tellMissing(app, path) {
  const list = "nbgrader:open-assignment-list";
  const inClass = app.commands.hasCommand(list);
  const cure = inClass
    ? "In a class you fetch an assignment first."
    : "Starting the course again (make course, autograd-course open) lays it there.";
  app.commands.execute("apputils:notify", {
    message: `${path.split("/").pop()} is not in your folder. ${cure}`, // 140 letters are shown
    type: "warning",
    options: { autoClose: 20000, actions: inClass ? [{ label: "Assignment List", commandId: list }] : [] },
  });
}

// Makes a cell the active one, so that Shift+Enter goes on from there.
async function take(panel, cell) {
  await panel.context.ready;
  const index = panel.content.widgets.findIndex((one) => one.model.id === cell);
  if (index < 0) return false;
  panel.content.deselectAll();
  panel.content.activeCellIndex = index;
  return true;
}

// JupyterLab's sign in the corner, which does nothing, is the way back.
function back() {
  const sign = document.getElementById("jp-MainLogo");
  const settings = document.getElementById("jupyter-config-data");
  if (!sign || !settings) return;
  const go = () => location.assign(`${JSON.parse(settings.textContent).baseUrl}start.html`);
  const named = { role: "link", tabindex: "0", title: "Start page", "aria-label": "Start page" };
  for (const [name, value] of Object.entries(named)) sign.setAttribute(name, value);
  sign.style.cursor = "pointer";
  sign.addEventListener("click", go);
  sign.addEventListener("keydown", (event) => event.key === "Enter" && go());
}

// In a window so narrow the list of files takes half of the notebook's room. Ctrl+B opens it.
function room(app) {
  const NARROW = 1000;
  app.restored.then(() => innerWidth < NARROW && app.shell.collapseLeft?.());
}
