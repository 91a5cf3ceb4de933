// A card gets its pictures as it comes near the view: browsers fetch lazy ones three screens ahead, and each is cut from a photograph. Rows
// below the view follow once a user scrolls. Cards far outside give their pictures up again, so that a grid of many thousands needs no more
// memory than one of some hundreds. Their text stays.
"use strict";
(() => {
  const NEAR_PX = 60, AHEAD_PX = 600, FAR_PX = 3_000;
  const pictures = (item) => item.querySelectorAll("img");
  function load(item) {
    for (const image of pictures(item)) {
      if (image.dataset.far) { image.src = image.dataset.far; delete image.dataset.far; }
      image.loading = "eager";  // a lazy one is not fetched before its card is drawn
    }
  }
  function unload(item) {
    for (const image of pictures(item)) {
      if (image.getAttribute("src")) { image.dataset.far = image.getAttribute("src"); image.removeAttribute("src"); }
    }
  }
  const within = (px) => new IntersectionObserver((entries) => entries.forEach((entry) => { if (entry.isIntersecting) load(entry.target); }), { rootMargin: `${px}px 0px` });
  const near = within(NEAR_PX), ahead = within(AHEAD_PX);
  const far = new IntersectionObserver((entries) => entries.forEach((entry) => { if (!entry.isIntersecting) unload(entry.target); }), { rootMargin: `${FAR_PX}px 0px` });
  let scrolling = false;
  function watch(root) {
    const items = [...(root.matches?.(".grid > li") ? [root] : []), ...(root.querySelectorAll?.(".grid > li") ?? [])];
    const below = items.filter((item) => item.getBoundingClientRect().top > innerHeight + NEAR_PX);
    below.forEach(unload);  // once all are measured: the page is laid out once
    for (const item of items) {
      near.observe(item);
      far.observe(item);
      if (scrolling) ahead.observe(item);
    }
  }
  watch(document);
  addEventListener("scroll", () => {
    if (scrolling) return;
    scrolling = true;
    document.querySelectorAll(".grid > li").forEach((item) => ahead.observe(item));
  }, { passive: true });
  new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach((node) => {
    if (node.id === "main") { scrolling = false; ahead.disconnect(); }  // another answer
    watch(node);
  }))).observe(document.body, { childList: true, subtree: true });
})();
