// Says that the server behind this page has stopped, where the browser would only show that it
// found nobody. Without this script the links work all the same.
(() => {
  const gone = document.getElementById("gone");
  const PATIENCE_MS = 3000; // who is slow may still answer: the browser waits then
  const patience = () => new Promise((go) => setTimeout(go, PATIENCE_MS, true));
  const answers = () => fetch("api", { cache: "no-store" }).then(() => true, () => false);

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href]");
    if (!link) return;
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!elsewhere) event.preventDefault();
    const there = await Promise.race([answers(), patience()]);
    gone.textContent = there ? "" : gone.dataset.said;
    if (there && !elsewhere) location.assign(link.href);
  });
})();
