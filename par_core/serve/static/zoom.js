// The whole photograph of a person, with the outlines of everybody in it: zoomed and moved by mouse, keys and fingers.
// Links with data-zoom open it over the page; its address opens it as a page of its own.
"use strict";
(() => {
  const dialog = document.getElementById("zoom"), MOST = 16;

  function setUp(part) {
    const view = part.querySelector(".zoom-view"), stage = part.querySelector(".zoom-stage"), image = part.querySelector("img");
    const size = part.querySelector("svg").viewBox.baseVal, pointers = new Map();
    let zoom = 1, moved = false, apart = 0;
    const fit = () => Math.min(view.clientWidth / size.width, view.clientHeight / size.height);
    function lay() {
      const scale = fit() * zoom;
      stage.style.width = `${size.width * scale}px`;
      stage.style.height = `${size.height * scale}px`;
      view.classList.toggle("zoomed", zoom > 1);
      stage.dataset.zoom = zoom.toFixed(2);
      if (image?.dataset.large && size.width * scale * devicePixelRatio > image.naturalWidth * 1.05 && image.naturalWidth && image.naturalWidth < size.width) {
        const large = new Image();  // shown once it is here
        large.onload = () => { image.src = large.src; };
        large.src = image.dataset.large;
        delete image.dataset.large;
      }
    }
    function zoomBy(factor, x, y) {  // the place under (x, y) of the window stays there
      const before = stage.getBoundingClientRect(), to = Math.min(Math.max(zoom * factor, 1), MOST);
      const [across, down] = [(x - before.left) / before.width, (y - before.top) / before.height];
      zoom = factor ? to : 1;
      lay();
      const after = stage.getBoundingClientRect();
      view.scrollLeft += after.left + across * after.width - x;
      view.scrollTop += after.top + down * after.height - y;
    }
    function middle() {  // of the person where it is in view, else of the view
      const all = view.getBoundingClientRect(), box = part.querySelector("svg > polygon, svg > rect").getBoundingClientRect();
      const centre = ({ left, top, width, height }) => [left + width / 2, top + height / 2], [x, y] = centre(box);
      return x > all.left && x < all.right && y > all.top && y < all.bottom ? [x, y] : centre(all);
    }
    view.addEventListener("wheel", (event) => { event.preventDefault(); zoomBy(Math.exp(-event.deltaY / 400), event.clientX, event.clientY); }, { passive: false });
    view.addEventListener("dblclick", (event) => { if (!event.target.closest("a")) zoomBy(2, event.clientX, event.clientY); });
    view.addEventListener("pointerdown", (event) => { if (event.button === 0) { pointers.set(event.pointerId, event); moved = moved && pointers.size > 1; apart = 0; } });
    view.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      if (pointers.size === 2) {
        pointers.set(event.pointerId, event);
        const [one, other] = [...pointers.values()], now = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
        if (apart) zoomBy(now / apart, (one.clientX + other.clientX) / 2, (one.clientY + other.clientY) / 2);
        apart = now;
        moved = true;
        return;
      }
      const [x, y] = [event.clientX - before.clientX, event.clientY - before.clientY];
      if (!moved && Math.hypot(x, y) < 5) return;
      if (!moved) view.setPointerCapture(event.pointerId);
      moved = true;
      pointers.set(event.pointerId, event);
      view.scrollLeft -= x;
      view.scrollTop -= y;
    });
    for (const name of ["pointerup", "pointercancel"]) view.addEventListener(name, (event) => { pointers.delete(event.pointerId); apart = 0; if (!pointers.size) setTimeout(() => { moved = false; }); });
    view.addEventListener("click", (event) => { if (moved) { event.preventDefault(); event.stopPropagation(); } }, true);
    view.addEventListener("dragstart", (event) => event.preventDefault());
    view.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const steps = { ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] }[event.key];
      const factor = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, "0": 0 }[event.key];
      if (!steps && factor === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      if (steps) { view.scrollLeft += steps[0]; view.scrollTop += steps[1]; } else zoomBy(factor, ...middle());
    });
    part.querySelector(".zoom-tools").addEventListener("click", (event) => {
      const button = event.target.closest("[data-by]");
      if (button) zoomBy(Number(button.dataset.by), ...middle());
    });
    image?.addEventListener("load", lay);  // none where the photograph is gone, which page.js says in its place
    new ResizeObserver(lay).observe(view);
    lay();
  }

  let turn = 0;  // the last opening or closing counts
  async function open(url, push = true) {
    const mine = ++turn, response = await fetch(url, { headers: { "Par-Part": "photo" } });
    const part = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(".zoom");
    if (mine !== turn) return;
    if (!part) return location.assign(url);  // the page says what is wrong
    dialog.replaceChildren(part);
    if (!dialog.open) dialog.showModal();
    if (push) history.pushState(null, "", url);
    document.title = part.dataset.title;
    setUp(part);
    part.querySelector(".zoom-view").focus();
  }
  function close(push = true) {
    turn += 1;
    const back = dialog.querySelector(".zoom")?.dataset.back;
    if (dialog.open) dialog.close();
    dialog.replaceChildren();
    if (push && back) document.dispatchEvent(new CustomEvent("par:panel", { detail: back }));
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-zoom], [data-unzoom]");
    if (!link?.href || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (!document.getElementById("panel")) return;  // a page of its own: links lead on as links do
    event.preventDefault();
    if (link.matches("[data-unzoom]")) close(); else open(link.getAttribute("href") ?? link.href.baseVal);
  });
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  addEventListener("popstate", () => { if (location.pathname.endsWith("/photo") && document.getElementById("panel")) open(location.href, false); else close(false); });
  const alone = document.querySelector("main .zoom");
  if (alone) setUp(alone);
})();
