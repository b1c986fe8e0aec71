// The wall board: tiles arrive drawn; here they are only put in place.
"use strict";

(function board() {
  const main = document.querySelector("[data-board]");
  const lost = document.getElementById("board-lost");
  const updated = document.querySelector("[data-updated]");
  const clock = document.querySelector("[data-clock]");
  const pause = document.querySelector("[data-pause]");
  let isPaused = false;
  let lastBeat = Date.now();
  let waiting = [];

  const time = (seconds) =>
    new Date().toLocaleTimeString("fr-FR", {
      timeZone: clock.dataset.clock,
      hour: "2-digit",
      minute: "2-digit",
      ...(seconds ? { second: "2-digit" } : {}),
    });

  const show = (tiles) => {
    for (const tile of tiles) {
      const old = document.getElementById(`tile-${tile.id}`);
      const box = document.createElement("template");
      box.innerHTML = tile.html.trim();
      if (old) old.replaceWith(box.content.firstElementChild);
    }
    updated.textContent = time(true);
  };

  const heard = () => {
    lastBeat = Date.now();
    lost.hidden = true;
  };

  const stream = new EventSource(`/live/?tiles=${main.dataset.board}`);
  for (const name of ["hello", "beat"]) stream.addEventListener(name, heard);
  stream.addEventListener("tiles", (event) => {
    heard();
    const tiles = JSON.parse(event.data);
    if (isPaused) waiting = waiting.concat(tiles);
    else show(tiles);
  });
  stream.addEventListener("error", () => {
    lost.hidden = false;
    // A server that comes back answers this board again; a browser that gave up is told to start over.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => window.location.reload(), 5000);
  });

  setInterval(() => {
    clock.textContent = time(false);
    if (Date.now() - lastBeat > 40000) lost.hidden = false;
  }, 1000);

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    if (!isPaused) {
      show(waiting);
      waiting = [];
    }
  });
  window.addEventListener("pagehide", () => stream.close());
})();
