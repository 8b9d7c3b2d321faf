// Keeps a page fresh: asks for it again and replaces the parts marked data-live that
// changed. Filters, focus and selected text stay as they are; a button pauses it.
"use strict";

const SECONDS = 5;
const pause = document.getElementById("pause");
const freshness = document.getElementById("freshness");

const paused = () => pause.getAttribute("aria-pressed") === "true";

function setPaused(value) {
  pause.setAttribute("aria-pressed", String(value));
  sessionStorage.setItem("paused", String(value));
}

function isBeingRead(part) {
  const selection = document.getSelection();
  return !selection.isCollapsed && part.contains(selection.anchorNode);
}

function replaceParts(fresh) {
  const focused = document.activeElement;
  for (const part of document.querySelectorAll("[data-live]")) {
    const newer = fresh.getElementById(part.id);
    if (!newer || part.isEqualNode(newer) || isBeingRead(part)) continue;
    const focusedId = part.contains(focused) && focused.id;
    part.replaceChildren(...newer.childNodes);
    if (focusedId) document.getElementById(focusedId)?.focus({ preventScroll: true });
  }
}

function refresh() {
  setTimeout(refresh, SECONDS * 1000);
  if (paused() || document.hidden) return;
  const request = new XMLHttpRequest(); // parses without running anything, unlike a string
  request.open("GET", location.href);
  request.responseType = "document";
  request.timeout = SECONDS * 2000;
  request.onload = () => {
    const now = request.response?.getElementById("now");
    if (!now) return request.onerror();
    if (paused()) return;
    replaceParts(request.response);
    freshness.replaceChildren("As of ", now, " UTC");
    freshness.classList.remove("stale");
  };
  request.onerror = request.ontimeout = () => {
    const now = document.getElementById("now");
    freshness.replaceChildren("No answer since ", now, " UTC");
    freshness.classList.add("stale");
  };
  request.send();
}

pause.hidden = false;
setPaused(sessionStorage.getItem("paused") === "true");
pause.addEventListener("click", () => setPaused(!paused()));
setTimeout(refresh, SECONDS * 1000);
