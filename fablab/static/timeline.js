// The timeline, drawn and dragged. The words below it are complete without this file; every rule is the server's.
"use strict";

(function timeline() {
  const root = document.querySelector("[data-timeline]");
  if (!root || !window.EventCalendar) return;
  const facts = JSON.parse(document.getElementById("timeline-facts").textContent);
  const place = root.querySelector(".timeline-place");
  const inWords = document.querySelector(".timeline-words");
  const said = document.querySelector("[data-timeline-said]");
  const refusal = document.querySelector("[data-timeline-refusal]");
  const wide = window.matchMedia("(min-width: 900px)");
  const isColumns = facts.days > 1 && facts.machines.length === 1;
  const names = new Map(facts.machines.map((machine) => [machine.id, machine.title]));
  const MINUTE = 60000;
  const DAY = 1440 * MINUTE;
  // The API answers 120 questions a minute; printers at work tell more than that.
  const GAP_MS = 10_000;
  const ANSWER_MS = 30_000;
  let calendar = null;
  let isDragging = false;
  let isStale = false;
  let draggedAt = 0;
  let asked = 0;
  // The answer that the drawing shows; null once a hand has changed it.
  let drawnFrom = null;

  const { pieces, drawnAt, instantAt, asText, drawnOf } = window.fablabTimelineAxis(facts);
  const { clock, clocks, range, moment, dayOf, isoDay } = window.fablabTimelineWords(facts);
  const filled = (words, values) => words.replace(/%\((\w+)\)s/g, (whole, name) => values[name]);
  const element = (name, text, attributes) => {
    const made = Object.assign(document.createElement(name), attributes);
    made.textContent = text;
    return made;
  };

  const { say, warn, answered } = window.fablabTimelineSaid(said, facts.words);
  const { keepingFocus } = window.fablabTimelineAccess(place);

  // --- the server ----------------------------------------------------------------------------------------------
  const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16)).join("-");
  const ask = async (method, url, body) => {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    Object.assign(headers, { "X-CSRFToken": root.dataset.csrf, "Idempotency-Key": newKey() });
    const wish = { method, headers, body: JSON.stringify(body || {}) };
    // A line that broke may have broken on the way back: the same key asks again without doing it twice.
    return fetch(url, wish).catch(() => fetch(url, wish));
  };
  const times = (start, end) => ({ start: new Date(start).toISOString(), end: new Date(end).toISOString() });
  const own = (reference) => `${facts.urls.reservations}${reference}/`;

  const lookUrl = (wish) => {
    const local = { machine: wish.machine, day: isoDay.format(wish.start), start: clock(wish.start) };
    const instants = times(wish.start, wish.end);
    const query = { ...local, end: clock(wish.end), start_at: instants.start, end_at: instants.end };
    if (wish.reference) query.moving = wish.reference;
    return `${facts.urls.confirm}?${new URLSearchParams(query)}`;
  };

  const showRefusal = (wish, answer) => {
    const lines = answer.denials || [{ message: answer.detail || Object.values(answer).flat().join(" "), next_step: "" }];
    refusal.querySelector("[data-denials]").replaceChildren(
      ...lines.map((denial) => {
        const line = document.createElement("li");
        line.append(element("strong", denial.message), ` ${denial.next_step}`);
        return line;
      }),
    );
    const others = answer.alternatives || [];
    const box = refusal.querySelector("[data-alternatives]");
    box.hidden = others.length === 0;
    box.querySelector("ul").replaceChildren(
      ...others.map((other) => {
        const start = Date.parse(other.start);
        const end = Date.parse(other.end);
        const line = element("li", "", { className: "slot" });
        const words = `${names.get(other.machine) || other.machine}: ${moment(start, end)}`;
        const button = element("button", words, { type: "button", className: "slot-link" });
        button.onclick = () => {
          refusal.close();
          carryOut({ ...wish, machine: other.machine, start, end });
        };
        line.append(button);
        return line;
      }),
    );
    refusal.querySelector("[data-look]").href = lookUrl(wish);
    refusal.showModal();
  };

  // Asks for the wish; without a reference it is a new reservation. `undone` puts the drawing back.
  const carryOut = async (wish, undone) => {
    const sent = times(wish.start, wish.end);
    try {
      const response = wish.reference
        ? await ask("PATCH", own(wish.reference), { ...sent, machine: wish.machine })
        : await ask("POST", facts.urls.reservations, { ...sent, machine: wish.machine });
      if (response.ok) {
        await done(wish, await response.json());
        return;
      }
      undone?.();
      await explain(wish, response);
    } catch {
      undone?.();
      warn(facts.words.no_answer);
    }
  };
  // Why something did not come to pass.
  const explain = async (wish, response) => {
    if (response.status === 401) warn(facts.words.signed_out);
    else if (response.status >= 500) warn(facts.words.no_answer);
    else showRefusal(wish, await response.json());
  };

  const done = async (wish, made) => {
    const values = { machine: names.get(made.machine) || made.machine, moment: moment(wish.start, wish.end) };
    const words = made.status === "pending" ? facts.words.asked : wish.reference ? facts.words.moved : facts.words.reserved;
    const undo = async () => {
      const before = wish.before;
      const response = before
        ? await ask("PATCH", own(made.reference), { ...times(before.start, before.end), machine: before.machine })
        : await ask("POST", `${own(made.reference)}cancel/`);
      if (!response.ok) await explain({ ...(before || wish), reference: made.reference }, response);
      await load();
      return response.ok;
    };
    say(filled(words, values), undo);
    await load();
  };

  // --- what is drawn -------------------------------------------------------------------------------------------
  const isShown = (instant) => Date.parse(facts.start) <= instant && instant < Date.parse(facts.end);
  const shades = () => {
    const now = Date.now();
    const line = { machines: facts.machines.map((machine) => machine.id), kind: "now", start: now, end: now + MINUTE };
    return [...facts.shades, ...(isShown(now) ? [line] : [])].map((shade, n) => ({
      id: `shade-${shade.kind === "now" ? "now" : n}`,
      resourceIds: shade.machines,
      start: asText(drawnAt(shade.start)),
      end: asText(drawnAt(shade.end)),
      display: "background",
      classNames: [`shade-${shade.kind}`],
      extendedProps: { kind: shade.kind, words: shade.words },
    }));
  };

  const taken = (machine, block) => {
    const start = Date.parse(block.start);
    const end = Date.parse(block.end);
    const isMovable = Boolean(block.reference) && !block.title && !block.is_part && ["pending", "confirmed"].includes(block.status);
    const drawn = drawnAt(start);
    return {
      id: `${machine}-${block.reference || start}`,
      resourceIds: [machine],
      start: asText(drawn),
      // The hour that comes twice would else be nothing in a week.
      end: asText(Math.max(drawnAt(end), drawn + facts.snap_min * MINUTE)),
      // `editable` alone is not asked for: the calendar's own default comes before it.
      startEditable: isMovable,
      durationEditable: isMovable || (Boolean(block.reference) && !block.is_part && block.status === "in_use"),
      classNames: [block.is_own ? "is-own" : "is-taken", `is-${block.status || "held"}`],
      extendedProps: { ...block, machine, start, end },
    };
  };

  const load = async () => {
    if (!calendar) return;
    if (isDragging) {
      isStale = true;
      return;
    }
    asked += 1;
    const turn = asked;
    const query = new URLSearchParams({ start: facts.start, end: facts.end });
    try {
      const wish = { headers: { Accept: "application/json" }, signal: AbortSignal.timeout?.(ANSWER_MS) };
      const response = await fetch(`${facts.urls.calendar}?${query}`, wish);
      if (!response.ok) throw new Error(String(response.status));
      const answer = await response.text();
      // One that was overtaken is older than what is drawn; a drag may have begun meanwhile.
      if (turn !== asked || !calendar) return;
      answered();
      if (isDragging) isStale = true;
      else draw(answer);
    } catch {
      if (turn === asked) warn(facts.words.stale, { stays: false });
    }
  };
  const draw = (text) => {
    if (text === drawnFrom) {
      moveNow();
      return;
    }
    const answer = JSON.parse(text);
    const shown = new Set(facts.machines.map((machine) => machine.id));
    for (const row of answer.machines) names.set(row.machine, row.name);
    const rows = answer.machines.filter((row) => shown.has(row.machine));
    const blocks = rows.flatMap((row) => row.blocks.map((block) => taken(row.machine, block)));
    keepingFocus(() => calendar.setOption("events", [...shades(), ...blocks]));
    drawnFrom = text;
    root.dataset.drawn = String(blocks.length);
  };
  // The line of now goes on while nothing changes.
  const moveNow = () => {
    const line = shades().find((shade) => shade.extendedProps.kind === "now");
    if (line) keepingFocus(() => calendar.updateEvent(line));
  };

  const contentOf = ({ event }) => {
    const block = event.extendedProps;
    if (event.display === "background") {
      const words = block.kind === "out" ? facts.words.out : block.words;
      return { domNodes: words ? [element("span", words)] : [] };
    }
    if (!block.machine) return { domNodes: [element("span", range(...drawnRange(event)), { className: "when" })] };
    const whose = block.title || (block.is_own ? facts.words.yours : block.name);
    const who = [whose, block.team].filter(Boolean).join(" · ") || facts.words.taken;
    const line = block.reference
      ? element("a", "", { href: facts.urls.reservation.replace("REFERENCE", block.reference), draggable: false })
      : document.createElement("span");
    line.title = `${range(block.start, block.end)} ${who}`;
    // Drawn narrow, a night has no room for its second day: the axis names it, and so does the title.
    const isNarrow = block.end - block.start < DAY / 2;
    const when = element("span", (isNarrow ? clocks : range)(block.start, block.end), { className: "when" });
    line.append(when, " ", element("span", who, { className: "who" }));
    if (block.status === "pending") line.append(" ", element("span", facts.words.pending, { className: "soft" }));
    return { domNodes: [line] };
  };
  const drawnRange = (event) => [instantAt(drawnOf(event.start), false), instantAt(drawnOf(event.end), true)];

  const labelOf = ({ resource }) => {
    const machine = facts.machines.find((each) => each.id === resource.id);
    const day = isoDay.format(Date.parse(facts.start));
    const reserve = `${facts.urls.reserve}?${new URLSearchParams({ machine: machine.id, day })}`;
    return { domNodes: [element("a", machine.title, { href: machine.url }), element("a", facts.words.reserve, { href: reserve })] };
  };

  // --- dragging ------------------------------------------------------------------------------------------------
  const milliseconds = (delta) => (delta ? delta.days * DAY + delta.seconds * 1000 : 0);
  const onSelect = async (info) => {
    const start = instantAt(Date.parse(`${info.startStr}Z`), false);
    const end = instantAt(Date.parse(`${info.endStr}Z`), true);
    const machine = info.resource ? info.resource.id : facts.machines[0].id;
    await carryOut({ machine, start, end });
    calendar?.unselect();
  };
  const onDrop = (info) => {
    const block = info.oldEvent.extendedProps;
    // A move keeps its true length, also over the night when the clock changes.
    const start = instantAt(drawnAt(block.start) + milliseconds(info.delta), false);
    const machine = info.newResource ? info.newResource.id : block.machine;
    change(info, block, { machine, start, end: start + block.end - block.start });
  };
  const onResize = (info) => {
    const block = info.oldEvent.extendedProps;
    const wish = { machine: block.machine, start: block.start, end: block.end };
    const sooner = milliseconds(info.startDelta);
    const later = milliseconds(info.endDelta);
    if (sooner) wish.start = instantAt(drawnAt(block.start) + sooner, false);
    if (later) wish.end = instantAt(drawnAt(block.end) + later, true);
    change(info, block, wish);
  };
  const change = (info, block, wish) => {
    const before = { machine: block.machine, start: block.start, end: block.end };
    drawnFrom = null;
    carryOut({ ...wish, reference: block.reference, before }, info.revert);
  };
  const onDragStart = () => {
    isDragging = true;
  };
  const onDragStop = () => {
    isDragging = false;
    draggedAt = Date.now();
    if (isStale) {
      isStale = false;
      load();
    }
  };
  // The click that ends a drag is not one on the link.
  place.addEventListener(
    "click",
    (event) => {
      if (Date.now() - draggedAt < 300) event.preventDefault();
    },
    true,
  );

  // --- the drawing itself --------------------------------------------------------------------------------------
  // Columns are labelled with hours of today, whatever day is drawn; a week is drawn by the clock on the wall.
  const wallWords = (date) => [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
  const hourWords = (date) => (facts.days > 1 ? wallWords(date) : clock(instantAt(drawnOf(date), false)));
  const dayWords = (date) => dayOf.format(instantAt(drawnOf(date) + DAY / 2, false));
  const options = () => {
    const [firstHour, lastHour] = facts.hours;
    return {
      view: isColumns ? "timeGridWeek" : facts.days > 1 ? "resourceTimelineWeek" : "resourceTimelineDay",
      date: "2001-01-01",
      firstDay: 1,
      locale: facts.language,
      headerToolbar: { start: "", center: "", end: "" },
      resources: facts.machines,
      resourceLabelContent: labelOf,
      dayHeaderFormat: dayWords,
      dayHeaderAriaLabelFormat: dayWords,
      slotMinTime: `${firstHour}:00:00`,
      slotMaxTime: `${lastHour}:00:00`,
      slotDuration: isColumns ? "00:30:00" : "01:00:00",
      slotLabelInterval: facts.days > 1 && !isColumns ? "02:00:00" : "01:00:00",
      slotWidth: widthOfHours(190),
      slotHeight: isColumns ? 26 : 60,
      slotLabelFormat: hourWords,
      snapDuration: { minutes: facts.snap_min },
      scrollTime: `${firstHour}:00:00`,
      allDaySlot: false,
      highlightedDates: [],
      eventContent: contentOf,
      eventTimeFormat: (start, end) => range(...drawnRange({ start, end: end || start })),
      eventResizableFromStart: true,
      longPressDelay: 500,
      selectable: facts.may_reserve,
      select: onSelect,
      eventDrop: onDrop,
      eventResize: onResize,
      eventDragStart: onDragStart,
      eventDragStop: onDragStop,
      eventResizeStart: onDragStart,
      eventResizeStop: onDragStop,
      events: shades(),
    };
  };

  const widthOfHours = (sidebar_px) => {
    const least = facts.days > 1 ? 24 : 56;
    const hours = (facts.hours[1] - facts.hours[0]) * facts.days;
    return Math.max(least, Math.floor((place.clientWidth - sidebar_px - 4) / hours));
  };

  // A day open round the clock, or a week, is wider than the screen: what comes now is what people look for.
  const showNow = () => {
    const now = Date.now();
    if (isColumns || !isShown(now)) return;
    const [firstHour, lastHour] = facts.hours;
    const since = (drawnAt(now) - pieces[0].drawn) / (60 * MINUTE);
    const day = facts.days > 1 ? Math.floor(since / 24) : 0;
    const hour = Math.min(Math.max(since - day * 24 - firstHour, 0), lastHour - firstHour);
    const main = place.querySelector(".ec-main");
    main.scrollLeft = (day * (lastHour - firstHour) + hour - 2) * calendar.getOption("slotWidth");
  };

  const fit = () => {
    root.hidden = !wide.matches;
    inWords.open = !wide.matches;
    inWords.classList.toggle("is-beside", wide.matches);
    if (wide.matches && !calendar) {
      const { createCalendar, Interaction, ResourceTimeline, TimeGrid } = window.EventCalendar;
      drawnFrom = null;
      calendar = createCalendar(place, [isColumns ? TimeGrid : ResourceTimeline, Interaction], options());
      load();
      setTimeout(() => {
        if (!isColumns) calendar.setOption("slotWidth", widthOfHours(place.querySelector(".ec-row-head").offsetWidth));
        setTimeout(showNow);
      });
    } else if (!wide.matches && calendar) {
      window.EventCalendar.destroyCalendar(calendar);
      calendar = null;
    }
  };
  refusal.querySelector("[data-close]").addEventListener("click", () => refusal.close());
  wide.addEventListener("change", fit);
  // Paper has the words.
  window.addEventListener("beforeprint", () => {
    inWords.open = true;
  });
  fit();

  if ("live" in root.dataset && window.fablabNews) {
    const drawn = new Set(facts.pks);
    // A window that is looked at again asks by itself.
    const loadSoon = window.fablabAtMost(GAP_MS, () => {
      if (!document.hidden) load();
    });
    const tell = ({ machines }) => {
      if (machines === null || machines.some((machine) => drawn.has(machine))) loadSoon();
    };
    window.fablabNews({ on: { changed: tell }, behind: loadSoon });
  }
})();
