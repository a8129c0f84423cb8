// The questions that staff answer with the patient: all on one page, sent together.
import { alone, follow, unknownDate } from "./questions.js";

for (const form of document.querySelectorAll("form[data-asking]")) {
  form.addEventListener("change", (event) => {
    alone(event.target);
    unknownDate(event.target);
    follow(form);
  });
  follow(form);
}
