// A form with data-once is sent once: its buttons lock while the answer is on its way and say what happens.
// This only spares the second click; that a second sending has no effect is kept by the form's token on the server.

function lock(form, pressed) {
  for (const button of form.querySelectorAll("button[type=submit]:not(:disabled)")) {
    button.dataset.locked = "";
    button.disabled = true;
  }
  if (!pressed) return;
  pressed.style.setProperty("min-inline-size", `${pressed.offsetWidth}px`);
  pressed.classList.add("is-busy");
  const words = pressed.querySelector("span");
  if (words && pressed.dataset.busy) {
    pressed.dataset.words = words.textContent;
    words.textContent = pressed.dataset.busy;
  }
}

function unlock(form) {
  for (const button of form.querySelectorAll("[data-locked]")) {
    button.disabled = false;
    delete button.dataset.locked;
    button.classList.remove("is-busy");
    if (button.dataset.words) button.querySelector("span").textContent = button.dataset.words;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]") || form.target === "_blank" || event.submitter?.formTarget) return; // another page stays this one
  // After this turn of events: a disabled button would not send its own name and value.
  setTimeout(() => lock(form, event.submitter), 0);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-once]");
  if (form) unlock(form);
});

// Back button: the page returns as it was left, with its buttons locked.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form[data-once]").forEach(unlock);
});
