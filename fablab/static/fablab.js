// Enhancements only: every page works without this file.
"use strict";

// --- news of machines: pages ask again for their live part -------------------------------------------------------
(function live() {
  const listener = document.querySelector("[data-live-lost]")?.dataset.listensWith;
  if (!listener || !document.querySelector("[data-live-machine]")) return;
  const refresh = (ids) => {
    for (const part of document.querySelectorAll("[data-live-machine]")) {
      // A question being answered is not taken away from under the finger.
      if (part.contains(document.activeElement) && part.querySelector("details[open]")) continue;
      if (ids === null || ids.includes(Number(part.dataset.liveMachine))) {
        part.dispatchEvent(new CustomEvent("changed", { bubbles: false }));
      }
    }
  };
  const listen = () => {
    window.fablabNews?.({ on: { changed: (news) => refresh(news.machines) }, behind: () => refresh(null) });
  };
  // Only pages that follow a machine carry it.
  document.head.append(Object.assign(document.createElement("script"), { src: listener, onload: listen }));
})();

// --- a live part that is swapped keeps the place of the keyboard -------------------------------------------------
(function swaps() {
  const CONTROLS = "a, button, summary, input, select, textarea";
  const REGIONS = "[role=status], [role=alert], [aria-live]";
  let swapped = "";
  let held = null;
  let place = null;
  let said = new Set();
  // Without what is hidden from the ear, such as seconds that count down.
  const words = (region) => {
    const copy = region.cloneNode(true);
    for (const part of copy.querySelectorAll("[aria-hidden=true]")) part.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const regions = (part) => [part, ...part.querySelectorAll(REGIONS)].filter((each) => each.matches?.(REGIONS));
  const isBeingAnswered = (part) => {
    const questions = [...part.querySelectorAll("details.confirm[open]")];
    const fields = questions.flatMap((question) => [...question.querySelectorAll("textarea, input:not([type=hidden])")]);
    // A click on the words of a question puts the focus on the part around it.
    return fields.some((field) => field.value !== field.defaultValue) || (held === part && questions.length > 0);
  };
  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    swapped = part.id;
    held = part.contains(document.activeElement) ? document.activeElement : null;
    place = held && [...part.querySelectorAll(CONTROLS)].indexOf(held);
    said = new Set(regions(part).map(words));
    // A question being answered stays; the next round asks again.
    if (held?.closest("details.confirm[open]") || isBeingAnswered(part)) event.detail.shouldSwap = false;
  });
  // The control that had the focus, in the part as it is now: by its name, else the like of it at the same place.
  const sameAs = (part) => {
    if (held.isConnected) return held;
    if (held.id) return document.getElementById(held.id);
    const likes = (control) => control?.tagName === held.tagName && words(control) === words(held);
    const controls = [...part.querySelectorAll(CONTROLS)];
    return likes(controls[place]) ? controls[place] : controls.find(likes);
  };
  document.addEventListener("htmx:afterSwap", (event) => {
    const part = event.detail.elt;
    // Words elsewhere on the page that came along.
    if (part.id !== swapped) return;
    // What was said is not said again.
    for (const region of regions(part)) if (said.has(words(region))) region.setAttribute("aria-live", "off");
    if (held && document.activeElement === document.body) {
      const same = sameAs(part) || part;
      if (same === part && !part.hasAttribute("tabindex")) part.tabIndex = -1;
      same.focus({ preventScroll: true });
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
      // Read aloud each time that it changes.
      const tens = Math.floor(percent / 10) * 10;
      const text = percent < 100 ? `${words.dataset.sending}${tens} %` : words.dataset.checking;
      if (words.textContent !== text) words.textContent = text;
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
    const form = event.target;
    if (!button || event.defaultPrevented || form.method !== "post") return;
    // What opens beside this page or is taken away as a file leaves the page as it is.
    if (form.target === "_blank" || "takesAway" in form.dataset) return;
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
