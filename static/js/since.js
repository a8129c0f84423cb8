// Running minutes: <span data-since="2026-03-12T10:33:00Z">9</span> counts on by itself.

function count() {
  for (const element of document.querySelectorAll("[data-since]")) {
    const began = Date.parse(element.dataset.since);
    if (!Number.isNaN(began)) element.textContent = String(Math.max(0, Math.floor((Date.now() - began) / 60000)));
  }
}

setInterval(count, 20000);
