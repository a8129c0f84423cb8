// "Hide names": a cookie, so that the server draws the next page hidden from its first line on.

document.addEventListener("click", (event) => {
  const control = event.target.closest("[data-hide-names]");
  if (!control) return;
  const hidden = document.documentElement.classList.toggle("hide-names");
  control.setAttribute("aria-checked", String(hidden));
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `hide_names=${hidden ? 1 : 0}; Path=/; Max-Age=${60 * 60 * 24 * 365}; SameSite=Lax${secure}`;
});
