// Helpers of forms: stepper buttons, questions that follow an answer, forms that send themselves, one-tap corrections.
import { every, onContent } from "./ready.js";

// --- stepper: real buttons around a number field ---------------------------------------------------------------------
function decimals(text) {
  return (text.split(".")[1] ?? "").length;
}

function stepped(field, direction) {
  const step = field.dataset.stepper;
  field.value = field.value.replace(",", "."); // typed with a comma; a number field never holds one
  const places = Math.max(decimals(step), decimals(field.value));
  const scale = 10 ** places;
  // Whole numbers of the smallest step: 0.1 + 0.2 must show 0.3.
  let next = Math.round(Number(field.value || 0) * scale) + direction * Math.round(Number(step) * scale);
  if (field.min !== "") next = Math.max(next, Math.round(Number(field.min) * scale));
  if (field.max !== "") next = Math.min(next, Math.round(Number(field.max) * scale));
  field.value = (next / scale).toFixed(places);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function addStepper(field) {
  if (field.closest(".stepper")) return;
  const frame = document.createElement("div");
  frame.className = "stepper";
  field.replaceWith(frame);
  const name = field.labels?.[0]?.textContent.trim() ?? field.getAttribute("aria-label") ?? "";
  const button = (sign, direction) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = sign;
    made.setAttribute("aria-label", `${name} ${sign}${field.dataset.stepper}`);
    made.addEventListener("click", () => stepped(field, direction));
    return made;
  };
  const unit = document.createElement("span");
  unit.className = "stepper-unit";
  unit.textContent = field.dataset.unit ?? "";
  frame.append(button("−", -1), field, unit, button("+", 1));
}

// --- a block that follows an answer ------------------------------------------------------------------------------------
function follows(block) {
  const [name, ...values] = block.dataset.followUp.split("=");
  const wanted = values.join("=").split("|");
  const form = block.closest("form");
  const given = [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)]
    .filter((field) => (field.type === "radio" || field.type === "checkbox" ? field.checked : true))
    .map((field) => field.value);
  const shown = given.some((value) => wanted.includes(value));
  block.hidden = !shown;
  // What is not asked is not sent; the typed value stays in the field in case the answer comes back.
  for (const field of block.querySelectorAll("input, select, textarea")) field.disabled = !shown;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form");
  form?.querySelectorAll("[data-follow-up]").forEach(follows);
  if (event.target.closest("[data-autosubmit]")) form?.requestSubmit();
});

// --- "Use 62.0": the correction beside the error --------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const use = event.target.closest("[data-use]");
  const field = use && document.getElementById(use.dataset.for);
  if (!field) return;
  field.value = use.dataset.use;
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
});

onContent((root) => {
  every(root, "input[data-stepper]").forEach(addStepper);
  every(root, "[data-follow-up]").forEach(follows);
});
