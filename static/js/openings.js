// Free times of the calendar that somebody on the wait list fits: dashed blocks with the number of people. They come from
// an address of their own after the calendar is drawn, so that drawing never waits for them.

let asked = 0;

// Asks for the days shown and adds what comes back, unless the calendar was drawn again meanwhile.
export async function place(root, component) {
  const mine = ++asked;
  if (!root.dataset.openings || root.dataset.by !== "practitioner") return;
  const query = new URLSearchParams({ first: root.dataset.day, last: lastDay(root) });
  const answer = await fetch(`${root.dataset.openings}?${query}`, { headers: { "X-Poll": "1" } }).catch(() => null);
  if (!answer?.ok) return;
  const { openings } = await answer.json();
  if (mine !== asked) return;
  const only = root.dataset.view === "week" ? root.dataset.only : "";
  openings.filter((one) => !only || one.column === only).forEach((one, index) => component.addEvent({
    id: `opening-${index}`, resourceIds: [one.column], start: one.start, end: one.end, title: "",
    classNames: ["opening"], startEditable: false, durationEditable: false,
    extendedProps: { words: one.words, people: one.url },
  }));
}

export function isOpening(event) {
  return Boolean(event.extendedProps.people);
}

// Who fits, in the panel beside the calendar.
export function reveal(event, element) {
  window.htmx.ajax("GET", event.extendedProps.people, { target: "#visit-panel-body", source: element, swap: "innerHTML" });
}

function lastDay(root) {
  const day = new Date(`${root.dataset.day}T12:00:00Z`);
  day.setUTCDate(day.getUTCDate() + (root.dataset.view === "week" ? 6 : 0));
  return day.toISOString().slice(0, 10);
}
