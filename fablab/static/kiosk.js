// Screens that many share: warns a minute before the end, and tells the server while somebody is here.
// The server ends a sign-in by itself; without this file, pages ask by a refresh (see kiosk/_watch_head.html).
"use strict";

(function kiosk() {
  const bar = document.querySelector("[data-kiosk]");
  const dialog = document.getElementById("kiosk-warning");
  if (!bar) return;
  // A screen has no address bar: it leaves its page only for one that is there.
  const onceReachable = async (leave) => {
    // As nobody: to ask is no sign of life, nor the moment at which the server ends somebody's time.
    const answer = await fetch("/healthz", { cache: "no-store", credentials: "omit" }).catch(() => null);
    if (answer?.ok) leave();
    else setTimeout(() => onceReachable(leave), 5000);
  };
  const reset = () => window.location.assign("/kiosk/?ended=reset");
  // Nobody is signed in there and nothing is lost: the next person finds it fresh, in the lab's language.
  if (!dialog) {
    setTimeout(() => onceReachable(reset), Number(bar.dataset.idleS) * 1000);
    return;
  }
  // Seldom enough not to matter, often enough for the server's clock and this one to agree.
  const TELL_EVERY_S = 20;
  const idleS = Number(bar.dataset.idleS);
  const WARNING_S = Math.min(60, idleS / 2);
  const seatEndsAt = bar.dataset.seatS === "" ? Infinity : Date.now() + Number(bar.dataset.seatS) * 1000;
  const yes = dialog.querySelector("[data-kiosk-yes]");
  const leave = bar.querySelector("[data-kiosk-leave]");
  const shownLeft = dialog.querySelector("[data-kiosk-left]");
  let toldAt = Date.now();
  let hasSeenSeatWarning = false;

  const tell = async () => {
    toldAt = Date.now();
    const body = new FormData(yes);
    body.delete("next");
    const answer = await fetch(yes.action, { method: "POST", body }).catch(() => null);
    // The line may be broken or the server begin anew; a redirect or a refusal means that the server has ended it.
    if (!answer || answer.status >= 500) return;
    if (answer.redirected || !answer.ok) window.location.assign(answer.redirected ? answer.url : "/kiosk/");
  };

  const here = () => {
    if (!dialog.open && Date.now() - toldAt > TELL_EVERY_S * 1000) tell();
  };
  for (const name of ["pointerdown", "keydown", "scroll", "wheel"]) {
    document.addEventListener(name, here, { passive: true, capture: true });
  }

  const warn = (why) => {
    for (const part of dialog.querySelectorAll("[data-kiosk-for]")) part.hidden = part.dataset.kioskFor !== why;
    if (!dialog.open) dialog.showModal();
  };

  const goOn = () => {
    if (Date.now() + WARNING_S * 1000 >= seatEndsAt) hasSeenSeatWarning = true;
    tell();
  };
  // At once, and not by the dialog's close event, which comes a task later: the clock may tick in between.
  yes.addEventListener("submit", (event) => {
    event.preventDefault();
    goOn();
    dialog.close();
  });
  // Escape is a yes too: somebody pressed it.
  dialog.addEventListener("cancel", goOn);

  const end = (why) => {
    clearInterval(clock);
    // Whose page it was, nobody reads while the server cannot be told.
    document.body.hidden = true;
    onceReachable(() => {
      if (!leave) return reset();
      leave.elements.why.value = why;
      return leave.submit();
    });
  };

  const clock = setInterval(() => {
    const idleLeftS = Math.ceil((toldAt - Date.now()) / 1000) + idleS;
    const seatLeftS = Math.ceil((seatEndsAt - Date.now()) / 1000);
    const leftS = Math.min(idleLeftS, seatLeftS);
    const why = seatLeftS <= idleLeftS ? "seat" : "idle";
    shownLeft.textContent = String(Math.max(leftS, 0));
    if (leftS <= 0) end(why);
    else if (leftS <= WARNING_S && !(why === "seat" && hasSeenSeatWarning)) warn(why);
  }, 1000);
})();
