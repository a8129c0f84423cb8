// Slide-overs and dialogs: data-opens and data-closes name them by id. Focus goes in and comes back.

let openedFrom = null;
let openedVisit = ""; // the calendar draws its blocks anew: then the same appointment is looked for again

function show(panel, from) {
  openedFrom = from;
  openedVisit = from?.dataset?.visit ?? from?.querySelector?.("[data-visit]")?.dataset.visit ?? "";
  if (panel instanceof HTMLDialogElement) {
    panel.showModal();
    return;
  }
  panel.hidden = false;
  panel.focus();
}

function hide(panel) {
  if (panel instanceof HTMLDialogElement) panel.close();
  else panel.hidden = true;
  back()?.focus();
  openedFrom = null;
}

function back() {
  if (openedFrom?.isConnected || !openedVisit) return openedFrom;
  const again = document.querySelector(`[data-visit="${CSS.escape(openedVisit)}"]`);
  return again?.closest("[tabindex]") ?? again;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const panel = document.getElementById(opener.dataset.opens);
    if (panel) show(panel, opener);
  }
  const closer = event.target.closest("[data-closes]");
  if (closer) hide(document.getElementById(closer.dataset.closes));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  const panel = document.querySelector("[data-slide-over]:not([hidden])");
  if (panel && !document.querySelector("dialog[open]")) hide(panel);
});

// What htmx puts into a panel opens it.
document.addEventListener("htmx:afterSwap", (event) => {
  const panel = event.target.closest?.("[data-slide-over]");
  if (panel && panel.hidden) show(panel, event.detail.requestConfig?.elt ?? null);
  else if (panel && document.activeElement === document.body) panel.focus(); // what was pressed in it is gone with the swap
});
