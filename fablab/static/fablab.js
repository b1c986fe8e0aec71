// Enhancements only: every page works without this file.
"use strict";

// --- news of machines: pages ask again for their live part, and say when no news comes any more -----------------
(function live() {
  if (!document.querySelector("[data-live-machine]") || !window.EventSource) return;
  const lost = document.querySelector("[data-live-lost]");
  let stream = null;
  let isBehind = false;
  let lastHeard = Date.now();
  const refresh = (ids) => {
    for (const part of document.querySelectorAll("[data-live-machine]")) {
      // A question being answered is not taken away from under the finger.
      if (part.contains(document.activeElement) && part.querySelector("details[open]")) continue;
      if (ids === null || ids.includes(Number(part.dataset.liveMachine))) {
        part.dispatchEvent(new CustomEvent("changed", { bubbles: false }));
      }
    }
  };
  const heard = () => {
    lastHeard = Date.now();
    if (lost) lost.hidden = true;
  };
  const miss = () => {
    if (!lost || !lost.hidden) return;
    const words = lost.querySelector("[data-live-since]");
    const time = new Date(lastHeard).toLocaleTimeString("fr-FR", { hour: "2-digit", minute: "2-digit" });
    words.textContent = words.dataset.liveSince.replace("…", time);
    lost.hidden = false;
  };
  const listen = () => {
    stream?.close();
    stream = new EventSource("/live/");
    stream.addEventListener("hello", () => {
      heard();
      // What changed while the line was down was told to nobody here.
      if (isBehind) refresh(null);
      isBehind = false;
    });
    stream.addEventListener("beat", heard);
    stream.addEventListener("changed", (event) => {
      heard();
      refresh(JSON.parse(event.data).machines);
    });
    stream.addEventListener("error", () => {
      isBehind = true;
      miss();
      // A browser that gave up does not try again by itself.
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  };
  listen();
  // A line that is dead without being broken: the server speaks every fifteen seconds.
  let lastTried = Date.now();
  setInterval(() => {
    if (Date.now() - lastHeard <= 40000) return;
    miss();
    if (Date.now() - lastTried <= 40000) return;
    lastTried = Date.now();
    isBehind = true;
    listen();
  }, 1000);
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    isBehind = true;
    listen();
  });
})();

// --- a live part that is swapped keeps the place of the keyboard -------------------------------------------------
(function swaps() {
  let held = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    held = part.contains(document.activeElement) ? document.activeElement : null;
    // A question being answered stays; the next round asks again.
    if (held?.closest("details.confirm[open]")) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!held) return;
    if (document.activeElement === document.body) {
      const same = held.isConnected ? held : document.getElementById(held.id);
      (same || event.detail.elt).focus({ preventScroll: true });
    }
    held = null;
  });
})();

// --- uploads: true progress, and a clear end when the line breaks ----------------------------------------------
(function uploads() {
  const form = document.querySelector("form[data-upload]");
  if (!form) return;
  const bar = form.querySelector("progress");
  const words = form.querySelector("[data-upload-words]");
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", (event) => {
    if (!form.reportValidity()) return;
    event.preventDefault();
    const file = form.querySelector("input[type=file]").files[0];
    if (file && file.size > Number(form.dataset.mostMb) * 1024 * 1024) {
      words.hidden = false;
      words.textContent = words.dataset.tooLarge;
      return;
    }
    const request = new XMLHttpRequest();
    bar.hidden = words.hidden = false;
    button.disabled = true;
    request.upload.addEventListener("progress", (step) => {
      const percent = Math.round((100 * step.loaded) / step.total);
      bar.value = percent;
      words.textContent = percent < 100 ? `${words.dataset.sending}${percent} %` : words.dataset.checking;
    });
    const failed = () => {
      words.textContent = words.dataset.failed;
      button.disabled = false;
    };
    request.addEventListener("load", () => {
      if (request.status === 0 || request.status >= 500) return failed();
      if (request.status < 300 && request.responseURL !== window.location.href) {
        window.location.assign(request.responseURL);
        return undefined;
      }
      const answer = new DOMParser().parseFromString(request.responseText, "text/html");
      const main = answer.querySelector("main");
      if (!main) return failed();
      document.querySelector("main").replaceWith(main);
      uploads();
      const refusal = main.querySelector("[role=alert]");
      refusal?.scrollIntoView();
      refusal?.focus({ preventScroll: true });
      return undefined;
    });
    request.addEventListener("error", failed);
    request.addEventListener("abort", failed);
    request.open("POST", form.action);
    request.send(new FormData(form));
  });
})();

// --- passkeys are offered only where the browser knows them -------------------------------------------------------
(function passkeys() {
  if (window.PublicKeyCredential) return;
  for (const part of document.querySelectorAll("[data-needs-passkeys]")) part.hidden = true;
})();

// --- one tap is one wish: a button that was pressed rests until the page changes ---------------------------------
(function once() {
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented || event.target.method !== "post") return;
    setTimeout(() => {
      button.disabled = true;
    });
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[type=submit]:disabled")) button.disabled = false;
  });
})();

// --- what is to be pasted elsewhere: a button that copies it, where the browser can -------------------------------
(function copies() {
  if (!navigator.clipboard) return;
  for (const part of document.querySelectorAll("[data-copy]")) {
    const field = part.querySelector("input");
    const button = part.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      await navigator.clipboard.writeText(field.value);
      button.querySelector("span").textContent = button.dataset.copied;
    });
  }
})();

// --- what is over within a minute: how many seconds are left -------------------------------------------------------
(function countdown() {
  const part = document.querySelector("[data-counts-down]");
  if (!part) return;
  // Counted from when the page came: the clock of a telephone may be wrong.
  const over = performance.now() + Number(part.dataset.countsDown) * 1000;
  const tick = () => {
    const left = Math.ceil((over - performance.now()) / 1000);
    part.textContent = left > 0 ? `${part.dataset.words} ${left}` : part.dataset.over;
    if (left <= 0) clearInterval(timer);
  };
  const timer = setInterval(tick, 1000);
  part.hidden = false;
  tick();
})();
