// Hooks the calendar component up to our feed: draws day and week, mends its roles and names for screen readers after
// each render, opens the panel, turns a click on free time into a booking form, and a drop into a question that is
// answered before anything moves. Times are wall times of the site.
import { isOpening, place, reveal } from "./openings.js";
import { shade, unshade } from "./shading.js";

const root = document.getElementById("calendar");
const poll = document.getElementById("calendar-poll");
const trouble = document.getElementById("calendar-trouble");
let revision = "";
let component = null;
let held = null; // a feed that came while somebody drags or decides
let isBusy = false;

if (root && poll) {
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target === poll && revision) event.detail.parameters.seen = revision;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== poll) return;
    const { xhr } = event.detail;
    if (xhr.status === 200) arrived(JSON.parse(xhr.responseText));
    else if (xhr.status === 204) mend();
    else if (xhr.status === 422) tell(JSON.parse(xhr.responseText).error);
    else if (!component) tell(trouble.dataset.away);
  });
}

function tell(sentence) {
  trouble.textContent = sentence;
  trouble.hidden = !sentence;
}

// While a block is in somebody's hand or a question is open, the calendar keeps still; what came meanwhile is drawn after.
function arrived(feed) {
  revision = feed.revision;
  if (isBusy) held = feed;
  else draw(feed);
}

// Put down where it was taken up, nothing is asked; a real drop follows at once and asks.
function letGo() {
  isBusy = false;
  setTimeout(() => {
    if (isBusy) return;
    unshade();
    release();
  }, 0);
}

function release() {
  isBusy = false;
  if (held) draw(held);
  held = null;
}

// --- from the feed to the component ---------------------------------------------------------------------------------
function draw(feed) {
  tell("");
  const shown = {
    resources: feed.columns.map((column) => ({ id: column.id, title: column.title, extendedProps: column })),
    slotMinTime: feed.opens,
    slotMaxTime: feed.closes,
    events: [...feed.stretches.map(stretch), ...feed.blocks.flatMap(strips), ...feed.blocks.map(block)],
  };
  if (component) Object.entries(shown).forEach(([name, value]) => component.setOption(name, value));
  else start(shown);
  place(root, component);
}

function stretch(one, index) {
  return {
    id: `stretch-${index}`, resourceIds: [one.column], start: one.start, end: one.end, display: "background",
    title: one.words, classNames: ["stretch", `stretch-${one.kind}`], extendedProps: { words: one.words },
  };
}

function strips(one) {
  return one.strips.map(([start, end], index) => ({
    id: `strip-${one.id}-${index}`, resourceIds: [one.column], start, end, display: "background", title: "",
    classNames: ["strip-hatched", end === one.start ? "strip-before" : "strip-after"], extendedProps: { words: "" },
  }));
}

function block(one) {
  const size = one.minutes < 25 ? "block-tiny" : one.minutes < 45 ? "block-short" : "";
  return {
    id: one.id, resourceIds: [one.column], start: one.start, end: one.end, title: "",
    classNames: ["block", `block-${one.status}`, `block-${one.category || "plain"}`, size].filter(Boolean),
    extendedProps: { html: one.html, version: one.version, window: one.window },
    startEditable: one.movable && "drag" in root.dataset, durationEditable: one.movable && "drag" in root.dataset,
  };
}

function start(shown) {
  const isWeek = root.dataset.view === "week";
  component = window.EventCalendar.create(root, {
    ...shown,
    view: isWeek ? "timeGridWeek" : "resourceTimeGridDay",
    date: root.dataset.day,
    firstDay: 1,
    locale: document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang,
    timeZone: root.dataset.offset,
    headerToolbar: { start: "", center: "", end: "" },
    allDaySlot: false,
    height: "100%",
    slotDuration: "00:15",
    slotHeight: 23,
    slotLabelInterval: "01:00",
    slotLabelFormat: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
    columnWidth: isWeek ? "minmax(7.5rem, 1fr)" : "minmax(10.75rem, 1fr)",
    slotEventOverlap: false,
    nowIndicator: true,
    editable: false,
    eventStartEditable: undefined,
    eventDurationEditable: undefined,
    longPressDelay: 600,
    eventDragStart: ({ event }) => { isBusy = true; shade(root, event.extendedProps.window); },
    eventResizeStart: () => { isBusy = true; },
    eventDragStop: letGo,
    eventResizeStop: letGo,
    eventDrop: (info) => ask(info, info.newResource?.id),
    eventResize: (info) => ask(info, undefined, wall(info.event.end)),
    pointer: Boolean(root.dataset.new),
    selectable: Boolean(root.dataset.new),
    resourceLabelContent: ({ resource }) => ({ domNodes: head(resource.extendedProps) }),
    eventContent: ({ event }) => content(event),
    eventClick: ({ event, el }) => (isOpening(event) ? reveal(event, el) : event.display === "auto" && open(event.id, el)),
    dateClick: ({ dateStr, resource }) => book(dateStr, "", resource),
    select: ({ startStr, endStr, resource }) => { book(startStr, endStr, resource); component.unselect(); },
    eventAllUpdated: mend,
  });
  new MutationObserver(mend).observe(root, { childList: true, subtree: true, attributeFilter: ["role"] });
  mend();
  if (root.dataset.open) open(root.dataset.open, null);
}

function head(column) {
  const words = document.createElement("span");
  words.className = "column-words";
  const name = document.createElement("b");
  name.textContent = column.title;
  const note = document.createElement("span");
  note.textContent = column.note;
  words.append(name, note);
  if (!column.initials) return [words];
  const face = document.createElement("span");
  face.className = "avatar";
  face.setAttribute("aria-hidden", "true");
  face.textContent = column.initials;
  return [face, words];
}

function content(event) {
  if (event.extendedProps.html) return { html: event.extendedProps.html };
  return event.extendedProps.words ?? "";
}

// --- what a click does ----------------------------------------------------------------------------------------------
function open(id, from) {
  root.querySelectorAll(".block-chosen").forEach((one) => one.classList.remove("block-chosen"));
  from?.classList.add("block-chosen");
  window.htmx.ajax("GET", `${root.dataset.panel}${encodeURIComponent(id)}/panel/`, {
    target: "#visit-panel-body", source: from ?? root, swap: "innerHTML",
  }).then(() => from?.scrollIntoView({ block: "nearest", inline: "nearest" })); // the panel takes its width from the grid
}

// --- what a drop does -----------------------------------------------------------------------------------------------
// The server says what the move would mean; only its form, once confirmed, moves anything. Else the block goes back.
function ask(info, column, end) {
  isBusy = true;
  const dialog = document.getElementById("drop-dialog");
  const query = new URLSearchParams({ start: wall(info.event.start), seen: info.event.extendedProps.version });
  if (end) query.set("end", end);
  if (column) {
    query.set("by", root.dataset.by);
    query.set("column", column);
  }
  dialog.addEventListener("close", () => {
    if (!dialog.dataset.moved) info.revert();
    delete dialog.dataset.moved;
    unshade();
    release();
  }, { once: true });
  document.getElementById("drop-dialog-body").replaceChildren(); // an answer that never comes must not show the last one
  const from = blockOf(info.event.id) ?? root;
  window.htmx.ajax("GET", `${root.dataset.panel}${encodeURIComponent(info.event.id)}/drop/?${query}`, {
    target: "#drop-dialog-body", source: from, swap: "innerHTML",
  }).catch(() => {}).then(() => {
    if (dialog.querySelector(".drop")) dialog.showModal();
    else dialog.dispatchEvent(new Event("close"));
  });
}

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Retarget") !== "#calendar-done") return;
  const dialog = document.getElementById("drop-dialog");
  if (dialog?.open) {
    dialog.dataset.moved = "1";
    dialog.close();
  }
  const slot = document.getElementById("slot-panel");
  if (slot) slot.hidden = true;
});

function blockOf(id) {
  return root.querySelector(`[data-visit="${CSS.escape(id)}"]`)?.closest(".ec-event");
}

// The component's dates carry the wall time in their local fields.
function wall(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

// Free time asks for a patient in the slide-over; time, length and column come with it.
function book(start, end, resource) {
  if (!root.dataset.new) return;
  const [day, time] = start.split("T");
  const query = new URLSearchParams({ day, time: time.slice(0, 5) });
  if (end) query.set("minutes", String(Math.round((new Date(end) - new Date(start)) / 60_000)));
  const column = resource?.id ?? (root.dataset.view === "week" ? root.dataset.only : "");
  if (column) {
    query.set("by", root.dataset.by);
    query.set("column", column);
  }
  const visit = document.getElementById("visit-panel");
  if (visit) visit.hidden = true;
  window.htmx.ajax("GET", `${root.dataset.new}?${query}`, { target: "#slot-panel-body", source: root, swap: "innerHTML" })
    .then(() => document.querySelector("#slot-panel [data-focus]")?.focus());
}

// --- roles and names ------------------------------------------------------------------------------------------------
// As delivered the grid says "table" around buttons that are in no cell. Here it is a named group of columns, each a
// group with the name of its head; the appointments inside are buttons and keep that role.
function mend() {
  const main = root.querySelector(".ec-main");
  if (!main) return;
  root.querySelectorAll("[role=table], [role=row], [role=rowgroup], [role=cell], [role=columnheader], [role=rowheader]").forEach((one) => one.removeAttribute("role"));
  root.querySelectorAll("[aria-colspan], [aria-colindex], [aria-rowindex]").forEach((one) => ["aria-colspan", "aria-colindex", "aria-rowindex"].forEach((name) => one.removeAttribute(name)));
  root.querySelectorAll(".ec-col-head[aria-label], .ec-col-head [aria-label]").forEach((one) => one.removeAttribute("aria-label"));
  set(main, { role: "group", "aria-label": root.dataset.name, tabindex: "0" });
  const names = [...root.querySelectorAll(".ec-header .ec-col-head")].map((one) => one.innerText.replace(/\s+/g, " ").trim());
  root.querySelectorAll(".ec-body .ec-events").forEach((column, index) => set(column, { role: "group", "aria-label": names[index] || root.dataset.name }));
  root.querySelectorAll(".ec-now-indicator").forEach((line, index) => set(line, { class: index ? "ec-now-indicator" : "ec-now-indicator now-first", "data-time": siteTime(), "aria-hidden": "true" }));
  root.querySelectorAll(".ec-bg-event").forEach((one) => ["role", "tabindex"].forEach((name) => one.removeAttribute(name)));
}

// The wall clock of the site, whatever the reader's own says.
function siteTime() {
  const [hours, minutes] = root.dataset.offset.split(":").map(Number);
  const shift = (hours * 60 + (root.dataset.offset.startsWith("-") ? -minutes : minutes)) * 60_000;
  return new Date(Date.now() + shift).toISOString().slice(11, 16);
}

// Writes only what differs, or the observer would see its own work for ever.
function set(element, attributes) {
  Object.entries(attributes).forEach(([name, value]) => {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  });
}
