// Selecting people: by box, range, key and touch. The selection outlasts further hits, another question and a reload of this tab.
//
// Without scripts the boxes and the bar are one form; with them nobody is lost who is not in sight, and tags change in place.
"use strict";
(() => {
  const KEY = "par-selected";
  const $ = (selector, within = document) => within.querySelector(selector);
  const bar = $("#selection"), MOST = Number(bar?.dataset.most ?? 0), say = (text) => { $("#said").textContent = text; };
  const boxes = () => [...document.querySelectorAll(".pick input[name=person]")];
  const chosen = new Set(), groups = new Map();  // of a camera or a day whose box was used: its people
  let last = null;  // where a range begins

  function keep() { try { sessionStorage.setItem(KEY, [...chosen].join(" ")); } catch { /* it lasts until the page is left */ } }
  try { (sessionStorage.getItem(KEY) ?? "").split(" ").filter((id) => /^[0-9a-f]{1,64}$/.test(id)).forEach((id) => chosen.add(id)); } catch { /* no storage, no memory */ }

  function draw(announce = false) {
    if (!bar) return;
    const shown = boxes();
    for (const box of shown) box.checked = chosen.has(box.value);
    for (const box of document.querySelectorAll("[data-people]")) box.checked = groups.get(box.dataset.people)?.every((id) => chosen.has(id)) ?? false;
    const ids = new Set([...shown.map((box) => box.value), ...[...groups.values()].flat()]), away = [...chosen].filter((id) => !ids.has(id)).length;
    const text = `${chosen.size} selected` + (away ? `, ${away} not in this list` : "");
    $("#selected").textContent = text;
    if (chosen.size) bar.dataset.count = chosen.size; else delete bar.dataset.count;
    $("[data-compare]", bar).disabled = chosen.size !== 2;
    $("[data-compare]", bar).title = chosen.size === 2 ? "" : "Select exactly two people";
    for (const back of bar.querySelectorAll("[name=back]")) back.value = $("#main").dataset.url ?? location.pathname + location.search;
    $("#selected-most").hidden = chosen.size < MOST;
    if (announce) say(text);
  }

  function choose(ids, wanted) {
    for (const id of ids) {
      if (!wanted) chosen.delete(id);
      else if (chosen.size < MOST) chosen.add(id);
    }
    keep();
    draw(true);
    if (wanted && chosen.size >= MOST) say(`${$("#selected").textContent}. ${$("#selected-most").textContent}`);
  }

  async function peopleOf(url) {  // at most as many as can be selected, the newest first
    const ids = [];
    let after = null;
    do {
      const response = await fetch(after ? `${url}&${new URLSearchParams({ after, offset: ids.length })}` : url), got = response.ok ? await response.json() : null;
      if (!got) return null;
      ids.push(...got.results.map((hit) => hit.person_id));
      after = got.next_after;
    } while (after && ids.length < MOST);
    return ids.slice(0, MOST);
  }

  async function toggleGroup(box) {
    const url = box.dataset.people, wanted = !groups.get(url)?.every((id) => chosen.has(id));
    if (!groups.has(url)) {
      const ids = await peopleOf(url);
      if (!ids) { draw(); return say("The people of this group could not be read"); }
      groups.set(url, ids);
    }
    choose(groups.get(url), wanted);
  }

  function toggle(box, range) {
    if (box.dataset.people) return toggleGroup(box);
    const all = boxes(), wanted = !chosen.has(box.value), from = all.findIndex((other) => other.value === last), to = all.indexOf(box);
    if (range && from >= 0) choose(all.slice(Math.min(from, to), Math.max(from, to) + 1).map((other) => other.value), true);
    else choose([box.value], wanted);
    last = box.value;
  }

  const boxOf = (node) => $(".pick input", node.closest("li") ?? document.createElement("li"));

  document.addEventListener("click", (event) => {
    if (event.target.matches(".pick input")) {
      const box = event.target;  // its state has changed already, and is drawn again
      return toggle(box, event.shiftKey);
    }
    const card = event.target.closest("a.card");
    if (card && event.shiftKey && chosen.size && boxOf(card)) { event.preventDefault(); return toggle(boxOf(card), true); }
    if (event.target.closest("[data-clear]")) {
      chosen.clear(); last = null; keep(); draw(true);
      ($(".card[aria-current]") ?? $(".card") ?? $("#main"))?.focus();
    }
  });
  document.addEventListener("mousedown", (event) => { if (event.shiftKey && event.target.closest(".grid > li")) event.preventDefault(); });  // marks no text

  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (target.matches("input:not([type=checkbox]), textarea, select")) return;
    const box = boxOf(target.closest(".grid > li") ?? $(".card[aria-current]") ?? target);
    if (box) { event.preventDefault(); toggle(box, event.shiftKey); }
  });

  // Tags as they are drawn on a card; all texts are set as texts
  function drawTags(source) {
    const names = [...source.querySelectorAll("[data-tag]")].map((tag) => tag.dataset.tag);
    for (const line of document.querySelectorAll(`[data-tags-of="${CSS.escape(source.dataset.person)}"]`)) {
      line.replaceChildren(...names.map((name) => Object.assign(document.createElement("span"), { className: "tag", textContent: name })));
      if ("note" in source.dataset) line.append(Object.assign(document.createElement("span"), { className: "tag noted", textContent: "note", title: "There is a note" }));
    }
    return names;
  }

  async function post(form, submitter, part) {
    const body = new URLSearchParams(new FormData(form, submitter));
    const response = await fetch(form.action, { method: "POST", body, headers: { "Par-Part": part } });
    if (response.status === 401) { location.reload(); return null; }
    const got = new DOMParser().parseFromString(await response.text(), "text/html").body;
    if (response.ok) return got;
    say($(".trouble p, p", got)?.textContent.trim() ?? "That did not work");
    const trouble = $("p", got), place = $("[data-trouble]", form) ?? form.appendChild(Object.assign(document.createElement("p"), { className: "note warning" }));
    place.dataset.trouble = "";
    place.textContent = trouble?.textContent.trim() ?? "That did not work";
    return null;
  }

  async function tagPerson(form, submitter) {
    const field = form.classList.contains("note-form") ? "#note-person" : "#tag-person";
    const got = await post(form, submitter, "tags");
    const section = got && $("#tagging", got);
    if (!section || !$("#tagging") || $("#tagging").dataset.person !== section.dataset.person) return;
    $("#tagging").replaceWith(section);
    const names = drawTags(section);
    say(field === "#note-person" ? "The note is saved" : names.length ? `Tags: ${names.join(", ")}` : "No tags");
    $(field)?.focus();
  }

  bar?.addEventListener("formdata", ({ formData }) => {  // those who are not in sight are sent too, all in one field: a form has 1,000 at most
    formData.delete("person");
    formData.set("people", [...chosen].join(" "));
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.part === "tags") { event.preventDefault(); return tagPerson(form, event.submitter); }
    if (form.getAttribute("action") === "/forget") { chosen.clear(); keep(); return; }
    if (form !== bar) return;
    $("[data-trouble]", bar)?.remove();
    const button = event.submitter ?? $("[name=how]", bar);
    if (button?.hasAttribute("data-compare")) {
      event.preventDefault();
      location.assign(`/compare?${new URLSearchParams([...chosen].map((id) => ["person", id]))}`);
    } else if (button?.name === "how" || !button) {
      event.preventDefault();
      const box = $("#tag-selected"), name = box?.value.trim();
      if (!name) { box?.focus(); return; }
      const got = await post(bar, button, "tagged");
      if (!got) return;
      const people = [...got.querySelectorAll("[data-person]")];
      people.forEach(drawTags);
      box.value = "";
      say(`${button.value === "remove" ? "Removed from" : "Added to"} ${people.length} people: ${name}`);
    }
  });

  const columns = $(".columns") ?? $("#grid");
  if (columns) new MutationObserver((changes) => { if (changes.some((change) => [...change.addedNodes].some((node) => node.nodeType === 1 && (node.matches("#main, .grid > li") || $(".pick", node))))) draw(); }).observe(columns, { childList: true, subtree: true });
  addEventListener("pageshow", () => draw());
  draw();
})();
