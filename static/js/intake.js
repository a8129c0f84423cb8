// The health questions: follow-ups appear as soon as an answer calls for them, and every answer is saved at once.
// Without this script the same page works: Next saves, and the server shows what follows.
import { alone, follow, unknownDate } from "./questions.js";

const form = document.querySelector("[data-intake]");
const note = document.querySelector("[data-saved]");
const PAUSE = 700;
let waiting = 0;
let leaving = false;

async function save() {
  if (leaving) return;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { "X-Autosave": "1" },
      redirect: "manual",
    });
    if (leaving) return;
    if (answer.ok) note.textContent = `${note.dataset.savedWord} ${(await answer.json()).saved}`;
    else note.textContent = note.dataset.lateWord;
  } catch {
    note.textContent = note.dataset.waitWord;
  }
}

function saveSoon(pause) {
  clearTimeout(waiting);
  waiting = setTimeout(save, pause);
}

if (form) {
  form.addEventListener("change", (event) => {
    alone(event.target);
    unknownDate(event.target);
    follow(form);
    saveSoon(0);
  });
  form.addEventListener("input", (event) => {
    if (!["radio", "checkbox"].includes(event.target.type)) {
      alone(event.target);
      saveSoon(PAUSE);
    }
  });
  form.addEventListener("submit", () => {
    leaving = true;
    clearTimeout(waiting);
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
    follow(form);
  });
  follow(form);
}
