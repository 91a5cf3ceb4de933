// What makes the page quick. Every link and form works without it; with it, only the part that changes is fetched.
//
// A link or form says with data-part what its address is wanted for: "main" (the answer), "more" (further hits), "panel" (a person), "help", "review".
"use strict";
(() => {
  const root = document.documentElement, $ = (selector, within = document) => within.querySelector(selector);
  root.classList.add("js");
  let asking = null;  // the request under way, of which only the last counts

  const say = (text) => { $("#said").textContent = text; };
  const parse = (html) => new DOMParser().parseFromString(html, "text/html").body;
  const isTyping = (node) => node.matches("input:not([type=checkbox]), textarea, select");

  async function fetched(url, part, options = {}) {
    const response = await fetch(url, { headers: { "Par-Part": part }, ...options });
    if (response.status === 401) {  // ask for the token
      if (options.method === "POST") location.reload(); else location.assign(url);
      return new Promise(() => {});
    }
    return { response, body: parse(await response.text()) };
  }

  // The answer
  async function showMain(url, push = true) {
    asking?.abort();
    const mine = asking = new AbortController();
    $("#main").setAttribute("aria-busy", "true");
    try {
      const { response, body } = await fetched(url, "main", { signal: mine.signal });
      const main = $("#main", body), box = $("#q");
      $("#main").replaceWith(main);
      if (push) history.pushState(null, "", response.redirected ? main.dataset.url : url);
      document.title = main.dataset.title;
      if (box) box.value = main.dataset.q;
      const browses = main.dataset.browses !== undefined;
      for (const [address, isHere] of [["/", !browses], ["/?sort=newest", browses]]) {
        const link = $(`header nav a[href="${address}"]`);
        if (isHere) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
      }
      for (const name of ["where", "absent", "weak"]) keepHidden(name, new URL(main.dataset.url, location.href).searchParams.get(name));
      if (push) { hidePanel(); scrollTo(0, 0); }
      loadCounts(main.dataset.url);
      watchNext();
      say($("#summary, .empty h1, .trouble p")?.textContent.trim() ?? "");
    } catch (error) {
      if (error.name !== "AbortError") location.assign(url);  // the browser says what is wrong
    }
  }

  function keepHidden(name, value) {
    $(`.ask input[name=${name}]`)?.remove();
    if (value) $(".ask")?.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }

  async function picturesFirst() {  // counts come after the pictures in view, which are what was asked for; a second later at most
    const until = performance.now() + 1000, wait = () => new Promise((done) => setTimeout(done, 50));
    do await wait(); while (performance.now() < until && [...document.querySelectorAll("#grid .frame img")].slice(0, 12).some((image) => !image.complete));
  }
  const loadCounts = (url) => picturesFirst().then(() => { if ($("#main").dataset.url === url) { loadFilters(url); loadTimeline(url); } });

  async function loadFilters(url) {
    const filters = $("#filters");
    if (!filters) return;
    filters.dataset.load = url;
    if (!filters.open) return;
    const { response, body } = await fetched(url, "filters");
    if (response.ok && filters.dataset.load === url) { filters.dataset.shown = url; $("#filters-part").replaceChildren(...body.childNodes); }
  }

  async function loadTimeline(url) {
    const place = $("#timeline");
    if (!place) return;
    const { response, body } = await fetched(url, "timeline");
    if (!response.ok || place !== $("#timeline")) return;
    place.replaceChildren(...body.childNodes);
    const scrolled = $(".scrolled", place);
    if (scrolled) scrolled.scrollLeft = scrolled.scrollWidth;
  }

  // Further hits, as soon as the end comes near
  const nearing = new IntersectionObserver((entries) => entries.forEach((entry) => { if (entry.isIntersecting) more(entry.target); }), { rootMargin: "900px" });
  const watchNext = () => { nearing.disconnect(); const link = $("#next a"); if (link) nearing.observe(link); };
  async function more(link) {
    nearing.unobserve(link);
    const main = $("#main"), { response, body } = await fetched(link.href, "more");
    if (!response.ok || main !== $("#main")) return;
    $("#grid").append(...$("ol", body).children);
    $("#next").replaceWith($("#next", body));
    watchNext();
  }

  // One person beside the answer
  async function showPanel(url, push = true) {
    const { response, body } = await fetched(url, "panel"), panel = $("#panel");
    if (!panel) return location.assign(url);
    panel.replaceChildren(...body.childNodes);
    panel.hidden = false;
    panel.scrollTop = 0;
    if (push) history.pushState(null, "", url);
    const id = new URL(url, location.href).pathname.split("/").pop();
    document.querySelectorAll(".card").forEach((card) => card.toggleAttribute("aria-current", card.dataset.person === id));
    current()?.scrollIntoView({ block: "nearest" });
    ($("h2", panel) ?? panel).focus({ preventScroll: true });
    if (response.ok) document.title = `${$("h2", panel).textContent} – PAR`;
  }
  function hidePanel(push = false) {
    const panel = $("#panel");
    if (!panel || panel.hidden) return;
    panel.hidden = true;
    panel.replaceChildren();
    if (push) history.pushState(null, "", $("#main").dataset.url);
    document.title = $("#main").dataset.title;
    current()?.focus();
  }

  async function showHelp(url = "/help") {
    const dialog = $("#help");
    if (!dialog.firstChild) {
      const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close", onclick: () => dialog.close() });
      dialog.replaceChildren(close, ...(await fetched(url, "help")).body.childNodes);
    }
    if (!dialog.open) dialog.showModal();
  }

  const shows = { main: showMain, panel: showPanel, help: showHelp, more: (url) => more($("#next a")) };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a, [data-copy], .theme");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.matches(".theme")) return turnTheme();
    if (link.matches("[data-copy]")) return navigator.clipboard.writeText(location.href).then(() => { link.textContent = "Copied"; say("Link copied"); });
    if (link.matches("[data-close]") && $("#main")) { event.preventDefault(); return hidePanel(true); }
    const part = link.dataset.part;
    if (!shows[part] || (part === "main" && !$(".columns")) || (part === "panel" && !$("#panel"))) return;
    event.preventDefault();
    shows[part](link.getAttribute("href"));
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.part !== "main" || !$(".columns")) return;
    event.preventDefault();
    const given = [...new FormData(form)].filter(([name, value]) => value !== "" || name === "since" || name === "until");
    const query = new URLSearchParams(given).toString();
    if (form.matches(".ask")) { $("#q").blur(); typed += 1; $("#words").hidden = true; }
    showMain(query ? `/?${query}` : "/");
  });

  // Words: how the last one may go on, and which are read as wider ones, before the search
  let typed = 0;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "q") return;
    const mine = ++typed;
    setTimeout(async () => {
      if (mine !== typed) return;
      const q = event.target.value;
      const response = q.trim() ? await fetch(`/api/suggest?${new URLSearchParams({ q })}`).catch(() => null) : null;
      const { completions, notes } = response?.ok ? await response.json() : { completions: [], notes: [] };
      if (mine !== typed) return;
      $("#completions").replaceChildren(...completions.map((text) => {
        const item = document.createElement("li"), link = Object.assign(document.createElement("a"), { href: `/?${new URLSearchParams({ q: text })}`, textContent: text });
        link.addEventListener("click", (click) => { click.preventDefault(); const box = $("#q"); box.value = text; box.focus(); box.dispatchEvent(new Event("input", { bubbles: true })); });
        item.append(link);
        return item;
      }));
      $("#word-notes").textContent = notes.join(". ");
      $("#words").hidden = !completions.length && !notes.length;
    }, 200);
  });

  // Judging: an answer shows at once and the next person is up; answers are sent one after the other
  let sending = Promise.resolve(), unsent = 0;
  function send(form, button) {
    const body = new URLSearchParams(button.name ? { [button.name]: button.value } : {}), card = button.closest(".judged");
    if (card) {
      card.className = `judged ${button.value.split(":")[1]}`;
      standAt(cardsOpen().find((other) => card.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) ?? cardsOpen()[0]);
    }
    unsent += 1;
    sending = sending.then(() => fetched(form.action, "review", { method: "POST", body })).then(({ response, body: got }) => {
      unsent -= 1;
      if (!response.ok) location.reload();
      else if (!unsent) { $("#review").replaceWith($("#review", got)); say($(".facts").textContent.replace(/\s+/g, " ")); }
    }).catch(() => location.reload());
  }
  const cardsOpen = () => [...document.querySelectorAll(".judged.open")];
  function standAt(card) {
    document.querySelectorAll(".judged[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    card?.setAttribute("aria-current", "true");
    card?.scrollIntoView({ block: "nearest" });
  }
  function moveJudged(step) {
    const all = [...document.querySelectorAll(".judged")], at = all.findIndex((card) => card.hasAttribute("aria-current"));
    standAt(all[Math.min(Math.max(at + step, 0), all.length - 1)]);
  }

  document.addEventListener("submit", (event) => {
    if (event.target.dataset.part !== "review") return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
  document.addEventListener("par:main", ({ detail }) => { if ($(".columns")) showMain(detail); else location.assign(detail); });  // picture.js
  document.addEventListener("par:panel", ({ detail }) => showPanel(detail));  // zoom.js
  document.addEventListener("toggle", (event) => {
    if (event.target.id === "filters" && event.target.open && event.target.dataset.shown !== event.target.dataset.load) picturesFirst().then(() => loadFilters(event.target.dataset.load));
  }, true);
  async function lose(image) {  // a picture that is not there says so in its own place
    const lost = Object.assign(document.createElement("span"), { className: "lost" }), whole = image.closest(".photo") && image.src.includes("/api/image/");
    const say = (why) => { lost.textContent = why; lost.setAttribute("aria-label", `${image.alt}: ${why}`); };
    lost.setAttribute("role", "img");
    say("The file is not there any more");
    image.replaceWith(lost);
    const why = whole ? await fetch(image.src).then((response) => response.json()).catch(() => null) : null;  // of a whole photograph the reason: gone, or another one now
    if (why?.error) say(why.error.message[0].toUpperCase() + why.error.message.slice(1));
  }
  document.addEventListener("error", (event) => { if (event.target.matches?.("img")) lose(event.target); }, true);
  for (const image of document.images) { // images that failed before this script ran; a lazy one may not have been requested yet: request it again
    if (image.complete && !image.naturalWidth) { if (image.loading === "lazy") image.src = image.src; else lose(image); }
  }

  // Keys
  const cards = () => [...document.querySelectorAll(".card")];
  const current = () => $(".card[aria-current]") ?? null;
  function beyond(all, at, key) {  // the card of the next row, whose cards stand nearest below or above; days begin rows of their own
    const place = (card) => (card.closest("li") ?? card).getBoundingClientRect();  // of a card that is not drawn, too
    const here = place(all[at]), down = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
    const boxes = all.map((card) => ({ card, box: place(card) })).filter(({ box }) => down * (box.top - here.top) > 4);
    const row = Math.min(...boxes.map(({ box }) => down * box.top));
    return boxes.filter(({ box }) => down * box.top < row + 4).sort((a, b) => Math.abs(a.box.left - here.left) - Math.abs(b.box.left - here.left))[0]?.card;
  }
  function move(key) {
    const all = cards(), at = all.indexOf(document.activeElement.closest(".card") ?? current());
    if (!all.length) return;
    const to = at < 0 ? all[0] : { ArrowLeft: all[at - 1], ArrowRight: all[at + 1] }[key] ?? beyond(all, at, key) ?? all[at];
    to.focus();
    if ($("#panel:not([hidden])")) showPanel(to.getAttribute("href"));
  }
  function likeUrl() {
    const shown = $("#panel:not([hidden]) [data-key=m]"), card = document.activeElement.closest(".card");
    return shown?.getAttribute("href") ?? (card && card.dataset.likeUrl);
  }
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (key === "Escape" && isTyping(target)) { if ($("#words")) $("#words").hidden = true; return target.blur(); }
    if (isTyping(target)) return;
    if (key === "/" && $("#q")) { event.preventDefault(); $("#q").focus(); $("#q").select(); }
    else if (key === "?") showHelp();
    else if (key === "Escape") hidePanel(true);
    else if (key.startsWith("Arrow") && $("#grid")) { event.preventDefault(); move(key); }
    else if ("yns".includes(key) && $(".judged[aria-current]")) $(`.judged[aria-current] [data-key=${key}]`).click();
    else if (key === "u" && $("#review")) $("#review [data-key=u]").click();
    else if (/^Arrow(Left|Right)$/.test(key) && $("#review")) { event.preventDefault(); moveJudged(key === "ArrowLeft" ? -1 : 1); }
    else if (key === "m" && likeUrl()) showMain(likeUrl());
  });

  // Back and forward
  addEventListener("popstate", async () => {
    const here = new URL(location.href.replace(/(\/people\/[^/?]+)\/photo/, "$1")), isPerson = here.pathname.startsWith("/people/"), main = $("#main");
    if (!main?.dataset.url) return location.reload();
    const queryOf = (url) => ["q", "where", "absent", "weak", "sort"].map((name) => new URL(url, location.href).searchParams.get(name) ?? "").join("\n");
    if (queryOf(here) !== queryOf(main.dataset.url)) await showMain(here.pathname + here.search, false);
    if (isPerson) showPanel(here.pathname + here.search, false);
    else hidePanel();
  });

  function turnTheme() {
    const dark = root.dataset.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset.theme === "dark";
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `par_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
  }

  const filters = $("#filters");
  if (filters && matchMedia("(min-width: 900px)").matches) filters.open = true;  // which loads them
  if ($("#main")?.dataset.url) picturesFirst().then(() => loadTimeline($("#main").dataset.url));
  watchNext();
})();
