// What the timeline says of itself: what was done, with the way back, and apart from it what went wrong.
"use strict";

window.fablabTimelineSaid = function timelineSaid(box, words) {
  // As long as a sentence about what somebody did stays, however soon the server answers again.
  const READ_MS = 10_000;
  const done = box.querySelector("[data-timeline-words]");
  const trouble = box.querySelector("[data-timeline-trouble]");
  const button = box.querySelector("button");
  let undoing = null;
  let staysUntil = 0;

  const show = (part, text) => {
    part.textContent = text;
    part.hidden = !text;
    box.hidden = done.hidden && trouble.hidden;
  };
  const say = (text, undo = null) => {
    show(trouble, "");
    show(done, text);
    undoing = undo;
    button.hidden = !undo;
    button.disabled = false;
  };
  // Beside what was done before it: that can still be undone.
  const warn = (text, { stays } = { stays: true }) => {
    staysUntil = stays ? Date.now() + READ_MS : 0;
    show(trouble, text);
  };
  // The server has answered: what was said of its silence is over.
  const answered = () => {
    if (Date.now() >= staysUntil) show(trouble, "");
  };

  button.onclick = async () => {
    const undo = undoing;
    button.disabled = true;
    let isUndone = false;
    try {
      isUndone = await undo();
    } catch {
      warn(words.no_answer);
    }
    // Something else was done meanwhile, with a way back of its own.
    if (undo !== undoing) return;
    if (isUndone) {
      say(words.undone);
      return;
    }
    button.disabled = false;
    if (document.activeElement === document.body) button.focus();
  };

  return { say, warn, answered };
};
