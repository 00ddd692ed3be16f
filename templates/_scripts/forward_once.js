"use strict";
// One attempt to open the app, when the page is first shown: not on a reload, not on the way back.
// The code leaves the address at once; the button keeps it.
(() => {
  const way = document.getElementById("way").href;
  const [entry] = performance.getEntriesByType("navigation");
  history.replaceState(null, "", location.pathname);
  if (entry && entry.type === "navigate") location.assign(way);
})();
