// Calls `prepare` with the document now and with every part that htmx swaps in afterwards.
export function onContent(prepare) {
  prepare(document);
  document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
}

// All elements that match inside `root`, and `root` itself.
export function every(root, selector) {
  const found = [...root.querySelectorAll(selector)];
  return root instanceof Element && root.matches(selector) ? [root, ...found] : found;
}

// True while somebody types: single-letter keys belong to the field then.
export function isTyping(event) {
  const target = event.target;
  return target instanceof Element && target.matches("input:not([type=checkbox],[type=radio]), textarea, select, [contenteditable]");
}
