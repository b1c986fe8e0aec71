// News from the server over one line (fablab/live.py), for the wall board, the timeline and every page that follows a
// machine. It tries again by itself, and the page says when no news comes any more.
"use strict";

(function stream() {
  if (!window.EventSource) return;
  // The server speaks every fifteen seconds: a line this quiet is dead without being broken.
  const SILENCE_MS = 40_000;
  const AGAIN_MS = 5_000;
  const AGAIN_MOST_MS = 30_000;

  // `on`: for each name of an event, what to do with its data. `behind`: asks anew for what is shown, since news may
  // have been missed. `always`: also while nobody looks at the window, as a wall has nobody before it.
  window.fablabNews = ({ address = "/live/", on, behind, always = false }) => {
    const lost = document.querySelector("[data-live-lost]");
    let line = null;
    let trying = null;
    let pause = AGAIN_MS;
    let isBehind = false;
    let lastHeard = Date.now();
    let lastTried = lastHeard;
    let lookedAtSince = lastHeard;
    const isLookedAt = () => always || !document.hidden;

    const heard = () => {
      lastHeard = Date.now();
      if (lost) lost.hidden = true;
    };
    const miss = () => {
      isBehind = true;
      if (!lost?.hidden) return;
      const words = lost.querySelector("[data-live-since]");
      if (words) {
        // A page of several places has no clock of its own: then it is the reader's.
        const form = { timeZone: lost.dataset.zone || undefined, hour: "2-digit", minute: "2-digit" };
        words.textContent = words.dataset.liveSince.replace("…", new Date(lastHeard).toLocaleTimeString("fr-FR", form));
      }
      lost.hidden = false;
    };

    const hangUp = () => {
      clearTimeout(trying);
      line?.close();
      line = trying = null;
    };
    const listen = () => {
      hangUp();
      lastTried = Date.now();
      const opened = new EventSource(address);
      line = opened;
      opened.addEventListener("hello", () => {
        heard();
        pause = AGAIN_MS;
        // What changed while the line was down was told to nobody here.
        if (isBehind) behind();
        isBehind = false;
      });
      opened.addEventListener("beat", heard);
      for (const [name, tell] of Object.entries(on)) {
        opened.addEventListener(name, (event) => {
          heard();
          tell(JSON.parse(event.data));
        });
      }
      opened.addEventListener("error", () => {
        miss();
        // A browser that was refused does not try again by itself; a server with too many lines is not pressed.
        if (opened.readyState !== EventSource.CLOSED) return;
        clearTimeout(trying);
        trying = setTimeout(listen, pause);
        pause = Math.min(2 * pause, AGAIN_MOST_MS);
      });
    };
    const resume = () => {
      if (line || !isLookedAt()) return;
      isBehind = true;
      lookedAtSince = Date.now();
      listen();
    };

    if (isLookedAt()) listen();
    setInterval(() => {
      const now = Date.now();
      if (!isLookedAt() || now - Math.max(lastHeard, lookedAtSince) <= SILENCE_MS) return;
      miss();
      if (now - lastTried > SILENCE_MS) listen();
    }, 1000);
    // A browser has six connections to one server: windows that nobody looks at would hold them all.
    document.addEventListener("visibilitychange", () => {
      if (isLookedAt()) resume();
      else hangUp();
    });
    window.addEventListener("pagehide", hangUp);
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) resume();
    });
  };

  // `work` at once, and then at most one time in so many milliseconds; whatever is asked meanwhile is one more time.
  window.fablabAtMost = (gap_ms, work) => {
    let last = -gap_ms;
    let waiting = null;
    return () => {
      waiting ??= setTimeout(
        () => {
          waiting = null;
          last = performance.now();
          work();
        },
        Math.max(0, last + gap_ms - performance.now()),
      );
    };
  };
})();
