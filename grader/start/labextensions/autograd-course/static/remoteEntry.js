// Two things that JupyterLab does not do by itself: open a notebook at the cell that its address
// names, and lead back to the start page.
(window._JUPYTERLAB ??= {})["autograd-course"] = {
  init() {},
  get: () => Promise.resolve(() => ({ __esModule: true, default: plugins })),
};

const plugins = [
  { id: "autograd-course:land", autoStart: true, activate: land },
  { id: "autograd-course:back", autoStart: true, activate: (app) => void app.restored.then(back) },
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
    await panel.context.ready;
    const index = panel.content.widgets.findIndex((one) => one.model.id === wanted[1]);
    if (index < 0) return;
    panel.content.activeCellIndex = index; // so that Shift+Enter goes on from here
    panel.setFragment(`#cell-id=${cell}`);
  };
  app.shell.currentChanged?.connect(go);
  app.restored.then(go);
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
