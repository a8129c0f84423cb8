// Health questions on a page: a follow-up is asked only while an answer calls for it. Shared by the patient's form and the staff's.
function given(form, key) {
  return [...form.querySelectorAll(`[name="${CSS.escape(key)}"]`)]
    .filter((field) => !field.disabled && (!["radio", "checkbox"].includes(field.type) || field.checked))
    .map((field) => field.value)
    .filter(Boolean);
}

function holds(form, condition) {
  return given(form, condition.key).some((value) => condition.values.includes(value));
}

export function follow(form) {
  for (const block of form.querySelectorAll("[data-when]")) {
    const shown = JSON.parse(block.dataset.when).some((conditions) => conditions.every((condition) => holds(form, condition)));
    block.hidden = !shown;
    // What is not asked is not sent; what was typed stays in the field in case the answer comes back.
    for (const field of block.querySelectorAll("input, textarea")) field.disabled = !shown;
  }
}

// "None" and "I do not know" cannot stand beside another answer.
export function alone(field) {
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

export function unknownDate(field) {
  const block = field.closest(".field");
  const date = block?.querySelector("[data-clears-unknown]");
  const box = block?.querySelector('input[value="unknown"]');
  if (!date || !box) return;
  if (field === box && box.checked) date.value = "";
  if (field === date && date.value) box.checked = false;
}
