// While a session of a course is moved, the days of the week and of the small month say how they fit its interval.
// By colour and in words: each day gets a title, and the head of a week's day a line.

const KINDS = ["early", "ideal", "late"];

export function shade(root, window) {
  if (!window) return;
  const [earliest, latest] = window;
  const kindOf = (day) => (day < earliest ? "early" : latest && day > latest ? "late" : "ideal");
  document.querySelectorAll(".month [data-day]").forEach((one) => mark(one, kindOf(one.dataset.day), root));
  const heads = [...root.querySelectorAll(".ec-header .ec-col-head")];
  if (root.dataset.view !== "week") return;
  const bodies = [...root.querySelectorAll(".ec-body .ec-day")];
  const monday = new Date(`${root.dataset.day}T12:00:00Z`);
  heads.forEach((head, index) => {
    const day = new Date(monday.getTime() + index * 86_400_000).toISOString().slice(0, 10);
    const kind = kindOf(day);
    mark(head, kind, root);
    if (bodies[index]) bodies[index].classList.add("fit", `fit-${kind}`);
    const words = document.createElement("span");
    words.className = "fit-words";
    words.textContent = root.dataset[kind];
    head.append(words);
  });
}

function mark(element, kind, root) {
  element.classList.add("fit", `fit-${kind}`);
  element.title = root.dataset[kind];
}

export function unshade() {
  document.querySelectorAll(".fit-words").forEach((one) => one.remove());
  document.querySelectorAll(".fit").forEach((one) => {
    one.classList.remove("fit", ...KINDS.map((kind) => `fit-${kind}`));
    one.removeAttribute("title");
  });
}
