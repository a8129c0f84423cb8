// Menus are <details data-menu>: they open without a script; here they close, and the arrow keys walk through them.

const open = () => document.querySelectorAll("details[data-menu][open]");

function items(menu) {
  return [...menu.querySelectorAll(".menu-item:not(:disabled)")];
}

document.addEventListener("click", (event) => {
  for (const menu of open()) {
    if (!menu.contains(event.target) || event.target.closest(".menu-item")) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details[data-menu][open]");
  if (!menu) return;
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const all = items(menu);
    const at = all.indexOf(document.activeElement);
    const next = event.key === "ArrowDown" ? at + 1 : at - 1;
    all[(next + all.length) % all.length]?.focus();
    event.preventDefault();
  }
});

document.addEventListener("focusin", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
