// Single keys press what carries data-key; `?` lists them. Off while somebody types.
import { isTyping } from "./ready.js";

const keyed = () => [...document.querySelectorAll("[data-key]")].filter((element) => element.offsetParent !== null);

function press(element) {
  if (element.matches("input, select, textarea")) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
}

function list() {
  const help = document.getElementById("key-help");
  const place = help?.querySelector("[data-key-list]");
  if (!place) return;
  place.replaceChildren(
    ...keyed().map((element) => {
      const row = document.createElement("div");
      const name = document.createElement("dt");
      const key = document.createElement("kbd");
      key.textContent = element.dataset.key.toUpperCase();
      name.append(key);
      const meaning = document.createElement("dd");
      meaning.textContent = element.dataset.keyName || element.getAttribute("aria-label") || element.textContent.trim();
      row.append(name, meaning);
      return row;
    }),
  );
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "?") {
    list();
    document.getElementById("key-help")?.showModal();
    event.preventDefault();
    return;
  }
  const found = keyed().find((element) => element.dataset.key.toLowerCase() === event.key.toLowerCase());
  if (found) {
    press(found);
    event.preventDefault();
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-opens=key-help]")) list();
});
