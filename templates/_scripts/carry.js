"use strict";
// A login too long for a page with every way: the one link of this page has it, and the page that
// comes next finds it in the fragment. A language that somebody chose goes along.
(() => {
  const [, raw] = /\?([^#]*)/.exec(document.querySelector("a[data-way]").getAttribute("href"));
  const chosen = (/[?&](lang=[\w-]{2,20})(?:&|$)/.exec(location.search) || [])[1];
  location.replace(location.pathname + "?" + (chosen || "") + "#" + raw);
})();
