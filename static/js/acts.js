// Small acts: print, copy, remove, focus what has to be mended.
import { every, onContent } from "./ready.js";

document.addEventListener("click", (event) => {
  const act = event.target.closest("[data-print], [data-copy], [data-removes]");
  if (!act) return;
  if (act.matches("[data-print]")) window.print();
  if (act.dataset.removes) act.closest(act.dataset.removes)?.remove();
  if (act.dataset.copy) {
    navigator.clipboard?.writeText(act.dataset.copy).then(() => {
      if (act.dataset.copied) act.querySelector("span").textContent = act.dataset.copied;
    });
  }
});

onContent((root) => every(root, "[data-focus]").slice(0, 1).forEach((element) => element.focus()));
