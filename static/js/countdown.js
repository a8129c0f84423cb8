// Time to go: <b data-countdown="2026-03-12T10:20:00Z" data-hours="{h} h {m} min" data-minutes="{m} min">3 h 15 min</b> counts
// down by itself. When the moment has come the page is fetched anew, because something else is allowed then. Without
// script the words of the server stay, and a reload tells more.

const HOUR = 60;

function tick() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const left = Math.ceil((Date.parse(element.dataset.countdown) - Date.now()) / 60000);
    if (Number.isNaN(left)) continue;
    if (left <= 0) {
      location.reload();
      return;
    }
    if (left >= 48 * HOUR) continue;
    const words = left >= HOUR ? element.dataset.hours : element.dataset.minutes;
    element.textContent = words.replace("{h}", String(Math.floor(left / HOUR))).replace("{m}", String(left % HOUR));
  }
}

setInterval(tick, 30000);
