// The box in which a patient signs: what the pen did and the finished drawing go into two hidden fields of the form.
// Whoever cannot draw ticks that the typed name is the signature; then the box goes away. Works without this script too.
import SignaturePad from "../vendor/signature_pad.min.js";

const box = document.querySelector("[data-signature]");
const form = box?.closest("form");

if (box && form) {
  const canvas = box.querySelector("canvas");
  const strokes = form.elements.strokes;
  const picture = form.elements.picture;
  const typed = form.elements.typed_only;
  const pad = new SignaturePad(canvas, { backgroundColor: "#ffffff", penColor: "#16232a", minWidth: 0.8, maxWidth: 2.4 });

  // Each point is [x, y, milliseconds since the first one], in CSS pixels of the box.
  const lines = () => {
    const groups = pad.toData();
    const start = groups[0]?.points[0]?.time ?? 0;
    return groups.map((group) =>
      group.points.map((point) => [Math.round(point.x * 10) / 10, Math.round(point.y * 10) / 10, point.time - start]),
    );
  };

  const keep = () => {
    strokes.value = pad.isEmpty() ? "" : JSON.stringify(lines());
    picture.value = pad.isEmpty() ? "" : pad.toDataURL("image/png");
    box.classList.toggle("is-empty", pad.isEmpty());
  };

  const draw = (groups) => {
    const ratio = Math.max(window.devicePixelRatio || 1, 1);
    canvas.width = canvas.offsetWidth * ratio;
    canvas.height = canvas.offsetHeight * ratio;
    canvas.getContext("2d").scale(ratio, ratio);
    pad.clear();
    if (groups.length) pad.fromData(groups);
    keep();
  };

  // What was signed before a page came back with a complaint is drawn again.
  const drawn = () => {
    try {
      return JSON.parse(strokes.value || "[]").map((line) => ({
        penColor: "#16232a", minWidth: 0.8, maxWidth: 2.4, dotSize: 0, velocityFilterWeight: 0.7,
        compositeOperation: "source-over",
        points: line.map(([x, y, time]) => ({ x, y, time, pressure: 0.5 })),
      }));
    } catch {
      return [];
    }
  };

  let width = 0;
  new ResizeObserver(() => {
    // Turning the phone changes the width; a scroll bar that comes and goes does not clear a signature.
    if (canvas.offsetWidth && canvas.offsetWidth !== width) {
      const before = width ? pad.toData() : drawn();
      width = canvas.offsetWidth;
      draw(before);
    }
  }).observe(canvas);

  pad.addEventListener("endStroke", keep);
  box.querySelector("[data-clear]").addEventListener("click", () => {
    pad.clear();
    keep();
  });

  const choose = () => {
    box.hidden = typed.checked;
  };
  typed.addEventListener("change", choose);
  choose();
}
