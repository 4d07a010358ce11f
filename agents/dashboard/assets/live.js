// Keeps the page as it is now: the worker sends parts of it, drawn and escaped there, and they take the place of the old.
"use strict";
(() => {
  const live = document.getElementById("live");
  const url = document.body.dataset.stream;
  if (!live || !url || !window.EventSource) return;

  const say = (text, kind) => {
    if (live.textContent !== text) live.textContent = text;
    live.className = kind;
  };

  const replace = (id, html) => {
    const part = document.getElementById(id);
    if (!part || !part.hasAttribute("data-part")) return;
    const within = part.contains(document.activeElement) ? document.activeElement : null;
    const at = within ? [...part.querySelectorAll("a, button, [tabindex]")].indexOf(within) : -1;
    const scrolled = [...part.querySelectorAll(".wide")].map((each) => each.scrollLeft);
    part.innerHTML = html;
    [...part.querySelectorAll(".wide")].forEach((each, index) => (each.scrollLeft = scrolled[index] || 0));
    part.dispatchEvent(new CustomEvent("replaced", { bubbles: true }));
    if (at >= 0) [...part.querySelectorAll("a, button, [tabindex]")][at]?.focus({ preventScroll: true });
  };

  let source;
  let retry;
  const connect = () => {
    source = new EventSource(url);
    source.onopen = () => say("live", "on");
    source.addEventListener("parts", (event) => {
      say("live", "on");
      const sent = JSON.parse(event.data);
      Object.entries(sent.parts).forEach(([id, html]) => replace(id, html));
      document.title = sent.title;
    });
    source.onerror = () => {
      say("not connected, trying again", "off");
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(retry);  // refused (too many open, or a worker that just started): the browser would not try again
      retry = setTimeout(connect, 5000);
    };
  };
  // A page that nobody looks at costs nothing.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(retry);
    source?.close();
    if (!document.hidden) connect();
    else say("paused", "");
  });
  connect();
})();
