// What the drawing of the timeline owes to a keyboard and to ears.
"use strict";

window.fablabTimelineAccess = function timelineAccess(place) {
  // It says that it is a table, and is none: rows without heads, heads without rows. The links in it are enough, and
  // the words below are in order.
  const ROLES = ["table", "rowgroup", "row", "rowheader", "columnheader", "cell"];
  const untable = () => {
    for (const part of place.querySelectorAll(ROLES.map((role) => `[role=${role}]`).join())) {
      for (const name of ["role", "aria-colindex", "aria-colspan"]) part.removeAttribute(name);
    }
  };
  new MutationObserver(untable).observe(place, { childList: true, subtree: true });

  // What is drawn anew is a new link: the keyboard goes on from the like of the one it was on.
  const keepingFocus = (redraw) => {
    const held = place.contains(document.activeElement) && document.activeElement.getAttribute("href");
    redraw();
    if (!held) return;
    setTimeout(() => {
      if (document.activeElement !== document.body) return;
      const links = [...place.querySelectorAll("a[href]")];
      links.find((link) => link.getAttribute("href") === held)?.focus({ preventScroll: true });
    });
  };

  return { keepingFocus };
};
