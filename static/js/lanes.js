// Under 992 px the lanes of a board become tabs with their counts. Which one was chosen survives a refresh of the board.
import { every, onContent } from "./ready.js";

let chosen = 0;

function choose(board, index) {
  const lanes = [...board.querySelectorAll(":scope > .lane")];
  chosen = Math.min(index, lanes.length - 1);
  lanes.forEach((lane, at) => lane.classList.toggle("lane-chosen", at === chosen));
  board.querySelectorAll(".lane-tabs > button").forEach((tab, at) => tab.setAttribute("aria-pressed", String(at === chosen)));
}

function tab(board, lane, index) {
  const made = document.createElement("button");
  made.type = "button";
  made.append(lane.querySelector("h2").textContent);
  const count = lane.querySelector(".lane-head .count");
  if (count) made.append(" ", count.cloneNode(true));
  made.addEventListener("click", () => choose(board, index));
  return made;
}

function prepare(board) {
  const lanes = [...board.querySelectorAll(":scope > .lane")];
  if (lanes.length < 2 || board.querySelector(":scope > .lane-tabs")) return;
  const tabs = document.createElement("div");
  tabs.className = "lane-tabs segments";
  tabs.append(...lanes.map((lane, index) => tab(board, lane, index)));
  board.prepend(tabs);
  board.classList.add("board-tabs");
  choose(board, chosen);
}

onContent((root) => every(root, ".board").forEach(prepare));
