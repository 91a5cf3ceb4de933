// A card gets its pictures as it comes near the view: browsers fetch lazy ones three screens ahead, and each is cut from a photograph. Cards
// far outside give them up again, so that a grid of many thousands needs no more memory than one of some hundreds. Their text stays.
"use strict";
(() => {
  const NEAR_PX = 400, FAR_PX = 3_000;
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
  const near = new IntersectionObserver((entries) => entries.forEach((entry) => { if (entry.isIntersecting) load(entry.target); }), { rootMargin: `${NEAR_PX}px 0px` });
  const far = new IntersectionObserver((entries) => entries.forEach((entry) => { if (!entry.isIntersecting) unload(entry.target); }), { rootMargin: `${FAR_PX}px 0px` });
  function watch(item) {
    if (!item.matches?.(".grid > li")) return;
    if (item.getBoundingClientRect().top > innerHeight + NEAR_PX) unload(item);
    near.observe(item);
    far.observe(item);
  }
  document.querySelectorAll(".grid > li").forEach(watch);
  new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach((node) => {
    watch(node);
    node.querySelectorAll?.(".grid > li").forEach(watch);
  }))).observe(document.body, { childList: true, subtree: true });
})();
