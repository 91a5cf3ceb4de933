// A picture of one's own as a question: chosen, dropped or pasted; of several people in it one is chosen, or a box is drawn.
// The picture stays in this page; the server keeps no more than the embeddings of its people.
"use strict";
(() => {
  const dialog = document.getElementById("picture"), form = document.querySelector(".upload");
  if (!dialog || !form) return;
  const most = Number(form.dataset.most), input = form.querySelector("input[type=file]");
  let file = null, sending = null;  // the picture that is shown; the request under way

  const line = (role, text) => Object.assign(document.createElement("p"), { className: role === "alert" ? "note warning" : "", role, textContent: text });
  const closing = () => Object.assign(document.createElement("button"), { type: "button", textContent: "Close", onclick: () => dialog.close() });
  function show(...nodes) {
    dialog.replaceChildren(closing(), ...nodes);
    if (!dialog.open) dialog.showModal();
  }
  const trouble = (text) => { file = null; document.documentElement.classList.remove("has-picture"); show(line("alert", text)); };

  function goTo(url) {
    dialog.close();
    document.dispatchEvent(new CustomEvent("par:main", { detail: url }));
  }

  async function send(picture, box) {
    if (picture.size > most) return trouble(`The picture is larger than ${+(most / 2 ** 20).toPrecision(3)} MB, which is all that is taken; make it smaller.`);
    sending?.abort();
    const mine = sending = new AbortController(), body = new FormData();
    body.append("picture", picture, "picture");
    if (box) body.append("box", box.map((side) => side.toFixed(1)).join(","));
    const wait = line("status", box ? "Looking into the box…" : "Looking for people in the picture…");
    if (box) { dialog.querySelector(".waiting")?.remove(); wait.className = "waiting"; dialog.firstChild.after(wait); } else show(wait);
    try {
      const response = await fetch("/picture", { method: "POST", body, headers: { "Par-Part": "picture" }, signal: mine.signal });
      if (response.status === 401) return location.reload();
      const got = new DOMParser().parseFromString(await response.text(), "text/html").body, part = got.querySelector(".choosing");
      if (!part) {
        const said = got.querySelector(".trouble p")?.textContent ?? "The server did not answer.";
        if (!box) return trouble(said);
        Object.assign(wait, { textContent: said, className: "waiting note warning" }).setAttribute("role", "alert");
        return;
      }
      if (box) { wait.remove(); return goTo(part.dataset.only); }
      file = picture;
      document.documentElement.classList.add("has-picture");
      show(part);
      if (part.dataset.only) goTo(part.dataset.only);
      else (part.querySelector(".whom a") ?? part.querySelector("summary"))?.focus();
    } catch (error) {
      if (error.name !== "AbortError") trouble("The picture could not be sent: no answer from the server.");
    }
  }
  dialog.addEventListener("close", () => sending?.abort());

  // Choosing a file, dropping, pasting
  input.addEventListener("change", () => { if (input.files[0]) send(input.files[0]); input.value = ""; });
  const holdsFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let within = 0;  // elements that a dragged file is over
  const mark = () => document.documentElement.classList.toggle("dropping", within > 0);
  document.addEventListener("dragenter", (event) => { if (holdsFile(event)) { within += 1; mark(); } });
  document.addEventListener("dragleave", (event) => { if (holdsFile(event)) { within -= 1; mark(); } });
  document.addEventListener("dragover", (event) => { if (holdsFile(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    within = 0;
    mark();
    if (event.dataTransfer.files[0]) send(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!pasted) return;
    event.preventDefault();
    send(pasted);
  });

  // Choosing among the people
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-choose]") && file) dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-number]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    if (!drawn) goTo(link.getAttribute("href"));
  });
  const light = (event, on) => {
    const link = event.target.closest?.(".whom a[data-number]");
    if (link) dialog.querySelector(`svg a[data-number="${link.dataset.number}"]`)?.classList.toggle("lit", on);
  };
  for (const [name, on] of [["focusin", true], ["mouseover", true], ["focusout", false], ["mouseout", false]]) dialog.addEventListener(name, (event) => light(event, on));

  // Drawing a box
  let start = null, drawn = false;
  const placed = (event, svg) => {  // the place of an event in pixels of the picture
    const { left, top, width, height } = svg.getBoundingClientRect(), size = svg.viewBox.baseVal;
    const limit = (value, end) => Math.min(Math.max(value, 0), end);
    return [limit((event.clientX - left) / width * size.width, size.width), limit((event.clientY - top) / height * size.height, size.height)];
  };
  const boxTo = ([x, y]) => [Math.min(start.x, x), Math.min(start.y, y), Math.max(start.x, x), Math.max(start.y, y)];
  dialog.addEventListener("pointerdown", (event) => {
    const svg = event.target.closest(".drawn-on")?.querySelector("svg");
    if (!svg || event.button) return;
    const [x, y] = placed(event, svg);
    start = { x, y, svg, clientX: event.clientX, clientY: event.clientY };
    drawn = false;
  });
  dialog.addEventListener("pointermove", (event) => {
    if (!start) return;
    if (!drawn && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < 6) return;
    drawn = true;
    start.svg.parentNode.setPointerCapture?.(event.pointerId);
    const [x1, y1, x2, y2] = boxTo(placed(event, start.svg)), rect = start.svg.querySelector(".drawn");
    for (const [name, value] of Object.entries({ x: x1, y: y1, width: x2 - x1, height: y2 - y1 })) rect.setAttribute(name, value);
  });
  dialog.addEventListener("pointerup", (event) => {
    if (start && drawn && file) send(file, boxTo(placed(event, start.svg)));
    start = null;
    setTimeout(() => { drawn = false; });  // after the click that ends a drag
  });
  dialog.addEventListener("pointercancel", () => { start = null; drawn = false; });
  dialog.addEventListener("dragstart", (event) => event.preventDefault());
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = event.target.querySelector("#box"), sides = field.value.split(/[,;\s]+/).filter(Boolean).map(Number);
    field.setCustomValidity(sides.length === 4 && sides.every((side) => side >= 0) ? "" : "Four numbers: left, top, right, bottom");
    if (field.reportValidity() && file) send(file, sides);
  });
  dialog.addEventListener("input", (event) => event.target.setCustomValidity?.(""));
})();
