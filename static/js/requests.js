// htmx requests that fail say so in the message region; a poll tells the server that it is one.

// The sentences are the page's own (data-refused, data-away), in its language.
function tell(which) {
  const region = document.getElementById("messages");
  if (!region) return;
  const message = document.createElement("div");
  message.className = "message";
  message.textContent = region.dataset[which];
  region.replaceChildren(message);
}

document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.matches?.("[hx-trigger*='every']")) event.detail.headers["X-Poll"] = "1";
});
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status !== 401) tell("refused");
});
document.addEventListener("htmx:sendError", () => tell("away"));
