// How far a run is, kept up to date while the page is looked at.
"use strict";
(() => {
  const EVERY_MS = 3_000, SELDOM_MS = 15_000;
  async function look() {
    const whole = document.getElementById("progress"), line = document.getElementById("progress-line");
    let wait = SELDOM_MS;
    if ((whole || line) && !document.hidden) {
      const response = await fetch("/status", { headers: { "Par-Part": "progress" } }).catch(() => null);
      const part = response?.ok ? new DOMParser().parseFromString(await response.text(), "text/html").getElementById("progress") : null;
      if (part) {
        const running = part.dataset.running === "true", ended = whole?.dataset.running === "true" && !running;
        if (whole) whole.replaceWith(part);
        if (line) line.textContent = running ? part.textContent.trim().replace(/\s+/g, " ").replace(/^An index run is under way|^An index run, or another command that writes, is under way/, "").replace(/\.$/, "") : ", but has ended meanwhile";
        if (ended) return location.reload();  // the counts below are of before
        if (running) wait = EVERY_MS;
      }
    }
    setTimeout(look, wait);
  }
  const running = document.querySelector("#progress[data-running=true], #progress-line");
  setTimeout(look, running ? 300 : SELDOM_MS);
})();
