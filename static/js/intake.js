// The health questions: follow-ups appear as soon as an answer calls for them, and every answer is saved at once.
// Without this script the same page works: Next saves, and the server shows what follows.
const form = document.querySelector("[data-intake]");
const note = document.querySelector("[data-saved]");
const PAUSE = 700;
let waiting = 0;
let leaving = false;

function given(key) {
  return [...form.querySelectorAll(`[name="${CSS.escape(key)}"]`)]
    .filter((field) => !field.disabled && (!["radio", "checkbox"].includes(field.type) || field.checked))
    .map((field) => field.value)
    .filter(Boolean);
}

function holds(condition) {
  return given(condition.key).some((value) => condition.values.includes(value));
}

function follow() {
  for (const block of form.querySelectorAll("[data-when]")) {
    const shown = JSON.parse(block.dataset.when).some((conditions) => conditions.every(holds));
    block.hidden = !shown;
    // What is not asked is not sent; what was typed stays in the field in case the answer comes back.
    for (const field of block.querySelectorAll("input, textarea")) field.disabled = !shown;
  }
}

// "None" and "I do not know" cannot stand beside another answer.
function alone(field) {
  const group = field.closest("fieldset");
  if (!group) return;
  const boxes = [...group.querySelectorAll("input[type=checkbox]")];
  if (field.type === "checkbox" && field.checked) {
    for (const box of boxes) {
      if (box !== field && (field.hasAttribute("data-alone") || box.hasAttribute("data-alone"))) box.checked = false;
    }
  }
  if (field.hasAttribute("data-clears-alone") && field.value.trim()) boxes.forEach((box) => { box.checked = false; });
}

function unknownDate(field) {
  const block = field.closest(".field");
  const date = block?.querySelector("[data-clears-unknown]");
  const box = block?.querySelector('input[value="unknown"]');
  if (!date || !box) return;
  if (field === box && box.checked) date.value = "";
  if (field === date && date.value) box.checked = false;
}

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
    follow();
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
    follow();
  });
  follow();
}
