// The timeline's axis, which says where an instant is drawn, and the words for instants. It only adds.
"use strict";

// See fablab/timeline_axis.py.
window.fablabTimelineAxis = function timelineAxis(facts) {
  const pieces = facts.pieces.map((piece) => ({ ...piece, drawn: Date.parse(piece.drawn) }));
  const firstPiece = pieces[0];
  const lastPiece = pieces[pieces.length - 1];
  const drawnAt = (instant) => {
    const piece = pieces.findLast((each) => each.at <= instant) || firstPiece;
    return piece.drawn + instant - piece.at;
  };
  const instantAt = (drawn, isEnd) => {
    const holding = pieces.filter((each) => {
      const until = each.drawn + each.lasts;
      return isEnd ? each.drawn < drawn && drawn <= until : each.drawn <= drawn && drawn < until;
    });
    // An hour that comes twice: its first for a start, its last for an end.
    const piece = isEnd ? holding[holding.length - 1] : holding[0];
    if (piece) return piece.at + drawn - piece.drawn;
    // An hour that the clock leaps over is the instant of the leap.
    const next = pieces.find((each) => each.drawn > drawn);
    if (next && next !== firstPiece) return next.at;
    const edge = next || lastPiece;
    return edge.at + drawn - edge.drawn;
  };
  const asText = (drawn) => new Date(drawn).toISOString().slice(0, 19);
  // The drawing hands out dates of the browser's zone that show what is drawn.
  const drawnOf = (date) =>
    Date.UTC(date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes());
  return { pieces, drawnAt, instantAt, asText, drawnOf };
};

window.fablabTimelineWords = function timelineWords(facts) {
  // The lab's English is that of this side of the ocean: the day before the month.
  const language = facts.language === "en" ? "en-GB" : facts.language;
  const inZone = (options) => new Intl.DateTimeFormat(language, { timeZone: facts.zone, ...options });
  const clockOf = inZone({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const dayOf = inZone({ weekday: "short", day: "numeric", month: "short" });
  const isoDay = new Intl.DateTimeFormat("en-CA", { timeZone: facts.zone });
  const clock = (instant) => clockOf.format(instant);
  // As fablab says it everywhere: midnight ends a day, and an end on another day names it.
  const ending = (end) => (clock(end) === "00:00" ? "24:00" : clock(end));
  const clocks = (start, end) => `${clock(start)} – ${ending(end)}`;
  const range = (start, end) => {
    const last = clock(end) === "00:00" ? end - 1 : end;
    if (isoDay.format(start) === isoDay.format(last)) return clocks(start, end);
    return `${clocks(start, end)} (${dayOf.format(last)})`;
  };
  const moment = (start, end) => `${dayOf.format(start)}, ${range(start, end)}`;
  return { clock, clocks, range, moment, dayOf, isoDay };
};
