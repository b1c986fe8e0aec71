// The wall board: tiles arrive drawn; here they are only put in place. Nobody stands before it to load it anew.
"use strict";

(function board() {
  const main = document.querySelector("[data-board]");
  const updated = document.querySelector("[data-updated]");
  const clock = document.querySelector("[data-clock]");
  const pause = document.querySelector("[data-pause]");
  // Opening hours pass, machines come and go: what no tile tells.
  const ANEW_MS = 180_000;
  const GAP_MS = 10_000;
  // Less than the gap, so that no answer overtakes another.
  const ANSWER_MS = 9_000;
  let isPaused = false;
  // The last tile of each machine that came while paused, and while the page is being asked for.
  let waiting = new Map();
  let newer = new Map();

  const time = (seconds) =>
    new Date().toLocaleTimeString("fr-FR", {
      timeZone: clock.dataset.clock,
      hour: "2-digit",
      minute: "2-digit",
      ...(seconds ? { second: "2-digit" } : {}),
    });

  const show = (tiles) => {
    for (const [id, html] of tiles) {
      const old = document.getElementById(`tile-${id}`);
      const box = document.createElement("template");
      box.innerHTML = html.trim();
      if (old) old.replaceWith(box.content.firstElementChild);
      else askAnew();
    }
    updated.textContent = time(true);
  };

  const sources = (page) =>
    [...page.querySelectorAll("script[src], link[rel=stylesheet]")].map(
      (each) => each.getAttribute("src") || each.getAttribute("href"),
    );
  const put = (page) => {
    if (isPaused || !page.querySelector("[data-board]")) return;
    const known = new Set(sources(document));
    if (sources(page).some((source) => !known.has(source))) {
      // Another release: it has just answered, so there is a page to load.
      window.location.reload();
      return;
    }
    for (const part of main.querySelectorAll("[data-board-part]")) {
      const fresh = page.querySelector(`[data-board-part="${part.dataset.boardPart}"]`);
      if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
    }
    show(newer);
  };
  const askAnew = window.fablabAtMost(GAP_MS, async () => {
    if (isPaused) return;
    newer = new Map();
    try {
      const wish = { cache: "no-store", signal: AbortSignal.timeout?.(ANSWER_MS) };
      // On a screen that many share, a page that asks by itself is nobody.
      const here = new URL(window.location.href);
      here.searchParams.set("again", "1");
      const response = await fetch(here, wish);
      if (response.ok) put(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch {
      // No answer: what hangs here stays, and the line says that it may be old.
    }
  });

  window.fablabNews({
    address: `/live/?tiles=${main.dataset.board}`,
    on: {
      tiles: (tiles) => {
        const news = new Map(tiles.map((tile) => [tile.id, tile.html]));
        for (const [id, html] of news) (isPaused ? waiting : newer).set(id, html);
        if (!isPaused) show(news);
      },
    },
    behind: askAnew,
    always: true,
  });

  setInterval(askAnew, ANEW_MS);
  setInterval(() => {
    clock.textContent = time(false);
  }, 1000);

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    if (isPaused) return;
    show(waiting);
    waiting = new Map();
    askAnew();
  });
})();
