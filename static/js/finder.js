// The search box of the top bar: arrows walk through what was found, Esc closes, leaving it hides the list.

const form = document.querySelector("[data-finder]");

if (form) {
  const field = form.querySelector("input[type=search]");
  const results = form.querySelector(".finder-results");
  const links = () => [...results.querySelectorAll("a")];

  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      results.hidden = true;
      field.focus();
      event.preventDefault();
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const all = [field, ...links()];
      const step = event.key === "ArrowDown" ? 1 : -1;
      const at = all.indexOf(document.activeElement);
      all[(at + step + all.length) % all.length]?.focus();
      event.preventDefault();
    }
  });

  field.addEventListener("input", () => {
    if (!field.value.trim()) results.replaceChildren();
  });
  results.addEventListener("htmx:afterSwap", () => {
    results.hidden = false;
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) results.hidden = true;
  });
  field.addEventListener("focus", () => {
    results.hidden = false;
  });
}
