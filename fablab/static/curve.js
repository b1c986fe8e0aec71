// The power of a device as a curve to look into. The picture, the links and the table are complete without this file.
"use strict";

(function curve() {
  const root = document.querySelector("[data-curve]");
  if (!root || !window.uPlot) return;
  const place = root.querySelector("[data-curve-place]");
  const tools = root.querySelector("[data-curve-tools]");
  const said = root.querySelector("[data-curve-said]");
  const shown = root.querySelector("[data-curve-shown]");
  const cursor = root.querySelector("[data-curve-cursor]");
  const address = root.querySelector("nav a[aria-current]").href.split("#")[0];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const MINUTE = 60;
  const SHORTEST_S = MINUTE;
  const HEIGHT = 220;
  let facts = null;
  let plot = null;
  let box = null;
  // Seconds since 1970 of the moment that is told in words; null follows the newest value.
  let moment = null;
  // What is shown when it is not the whole; null otherwise.
  let view = null;
  let wasTold = false;
  let isOver = false;

  // --- words -----------------------------------------------------------------------------------------------------
  const filled = (words, values) => words.replace(/%\((\w+)\)s/g, (whole, name) => values[name]);
  const inZone = (options) => {
    // The lab's English is that of this side of the ocean: the day before the month.
    const language = facts.language === "en" ? "en-GB" : facts.language;
    const format = new Intl.DateTimeFormat(language, { timeZone: facts.zone, hourCycle: "h23", ...options });
    return (seconds) => format.format(seconds * 1000);
  };
  const number = (value) => new Intl.NumberFormat(facts.language, { maximumFractionDigits: 1 }).format(value);
  // Beyond an hour, a time of the clock without its day may be yesterday's.
  const isLong = () => facts.until - facts.since > 120 * MINUTE;
  const clock = (seconds) => {
    const time = { hour: "2-digit", minute: "2-digit" };
    if (facts.part_s === null) return inZone({ ...time, second: "2-digit" })(seconds);
    const from = seconds - facts.part_s / 2;
    const hours = `${inZone(time)(from)} – ${inZone(time)(from + facts.part_s)}`;
    return isLong() ? `${inZone({ weekday: "short", day: "numeric", month: "short" })(from)}, ${hours}` : hours;
  };
  const edge = (seconds) => {
    const day = isLong() ? { weekday: "short", day: "numeric", month: "short" } : {};
    return inZone({ ...day, hour: "2-digit", minute: "2-digit" })(seconds);
  };

  const wordsAt = (index) => {
    const [times, power, least, most] = facts.values;
    const time = clock(times[index]);
    if (power[index] === null) return filled(facts.words.nothing, { time });
    const values = { time, power: number(power[index]) };
    if (least) {
      return filled(facts.words.average, { ...values, least: number(least[index]), most: number(most[index]) });
    }
    const name = power[index] >= facts.busy_w ? "in_use" : power[index] < facts.idle_w ? "idle" : "between";
    return filled(facts.words[name], values);
  };

  const nearest = (seconds) => {
    const times = facts.values[0];
    let best = 0;
    for (let n = 1; n < times.length; n += 1) {
      if (Math.abs(times[n] - seconds) < Math.abs(times[best] - seconds)) best = n;
    }
    return best;
  };

  // Which values lie within what is shown: the slider goes through these and no others.
  const within = () => {
    const [from, until] = view || [facts.since, facts.until];
    const times = facts.values[0];
    const first = times.findIndex((at) => at >= from);
    const last = times.findLastIndex((at) => at <= until);
    return first === -1 || last < first ? null : [first, last];
  };

  const tell = (index) => {
    const words = wordsAt(index);
    said.textContent = words;
    cursor.value = String(index);
    cursor.setAttribute("aria-valuetext", words);
  };

  const tellCursor = () => {
    const range = within();
    cursor.disabled = range === null;
    if (range === null) {
      said.textContent = "–";
      return;
    }
    cursor.min = String(range[0]);
    cursor.max = String(range[1]);
    const index = moment === null ? range[1] : nearest(moment);
    tell(Math.min(Math.max(index, range[0]), range[1]));
  };

  const tellView = () => {
    const [since, until] = (view || [facts.since, facts.until]).map(edge);
    const words = filled(facts.words.shown, { since, until });
    // Said aloud when somebody changed it, not whenever time goes on.
    const isTold = view !== null || wasTold;
    if (shown.textContent !== (isTold ? words : "")) shown.textContent = isTold ? words : "";
    wasTold = view !== null;
  };

  // --- the picture -----------------------------------------------------------------------------------------------
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const line = (u, power_w, color, dash, words) => {
    const y = Math.round(u.valToPos(power_w, "y", true));
    if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) return;
    const ratio = window.devicePixelRatio;
    u.ctx.save();
    u.ctx.strokeStyle = u.ctx.fillStyle = token(color);
    u.ctx.lineWidth = 1.5 * ratio;
    u.ctx.setLineDash(dash.map((part) => part * ratio));
    u.ctx.beginPath();
    u.ctx.moveTo(u.bbox.left, y);
    u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
    u.ctx.stroke();
    u.ctx.font = `${12 * ratio}px ${getComputedStyle(root).fontFamily}`;
    u.ctx.textAlign = "right";
    u.ctx.textBaseline = "bottom";
    const right = u.bbox.left + u.bbox.width - 4 * ratio;
    const { width } = u.ctx.measureText(words);
    u.ctx.globalAlpha = 0.85;
    if (words) {
      u.ctx.fillStyle = token("--surface");
      u.ctx.fillRect(right - width - 2 * ratio, y - 17 * ratio, width + 4 * ratio, 15 * ratio);
    }
    u.ctx.globalAlpha = 1;
    u.ctx.fillStyle = token(color);
    u.ctx.fillText(words, right, y - 2 * ratio);
    u.ctx.restore();
  };
  const drawLines = (u) => {
    for (const power_w of facts.proposed || []) line(u, power_w, "--accent", [2, 5], "");
    line(u, facts.busy_w, "--care", [5, 4], facts.words.busy_line);
    line(u, facts.idle_w, "--care", [5, 4], facts.words.idle_line);
  };

  const axis = (more) => ({
    stroke: () => token("--ink-soft"),
    grid: { stroke: () => token("--line"), width: 1 },
    ticks: { stroke: () => token("--line"), width: 1 },
    font: `13px ${getComputedStyle(root).fontFamily}`,
    ...more,
  });
  const atTicks = (u, ticks) => {
    // Ticks a day apart are days, and any others are hours.
    const isDays = ticks.length > 1 && ticks[1] - ticks[0] >= 23 * 60 * MINUTE;
    return ticks.map(inZone(isDays ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" }));
  };
  const heights = (u, least, most) => {
    const top = Math.max(most ?? 0, facts.busy_w, ...(facts.proposed || [])) * 1.1;
    return [Math.min(0, least ?? 0), top || 1];
  };

  const options = () => {
    const average = { stroke: () => token("--in-use"), width: 2 };
    const extreme = { stroke: () => token("--in-use"), width: 0.5, points: { show: false } };
    return {
      width: Math.max(box.clientWidth, 200),
      height: HEIGHT,
      legend: { show: false },
      tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), facts.zone),
      scales: { x: { time: true, range: () => view || [facts.since, facts.until] }, y: { range: heights } },
      axes: [axis({ values: atTicks, space: 70 }), axis({ size: 56, space: 40, values: (u, ticks) => ticks.map((w) => `${number(w)} W`) })],
      series: facts.part_s === null ? [{}, average] : [{}, average, extreme, extreme],
      bands: facts.part_s === null ? [] : [{ series: [3, 2], fill: () => token("--in-use-soft") }],
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => look(null) } },
      hooks: { draw: [drawLines], setCursor: [onCursor], setSelect: [onSelect] },
    };
  };

  const onCursor = (u) => {
    // It is told of the slider's moves too, and of a mouse that lies still while new values come.
    if (!isOver || !Number.isInteger(u.cursor.idx)) return;
    moment = facts.values[0][u.cursor.idx];
    tellCursor();
  };
  const onSelect = (u) => {
    if (u.select.width < 8) return;
    look([u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  };

  // Shows this stretch of time, no shorter than a minute and within what is known; null is the whole.
  const look = (wanted) => {
    const whole = facts.until - facts.since;
    const length = wanted && Math.max(wanted[1] - wanted[0], SHORTEST_S, 4 * (facts.part_s || 0));
    if (!wanted || length >= whole) view = null;
    else {
      const middle = (wanted[0] + wanted[1]) / 2;
      const from = Math.min(Math.max(middle - length / 2, facts.since), facts.until - length);
      view = [from, from + length];
    }
    wasTold = true;
    redraw();
  };
  const redraw = () => {
    plot.setData(facts.values, true);
    const [from, until] = view || [facts.since, facts.until];
    root.dataset.shown = `${Math.round(from)} ${Math.round(until)}`;
    root.dataset.values = String(facts.values[0].length);
    tellCursor();
    tellView();
  };

  const draw = () => {
    for (const drawn of place.children) drawn.toggleAttribute("hidden", true);
    box = document.createElement("div");
    box.className = "curve-drawn";
    box.setAttribute("role", "img");
    box.setAttribute("aria-labelledby", "power-title");
    place.append(box);
    tools.hidden = false;
    plot = new window.uPlot(options(), facts.values, box);
    new ResizeObserver(() => {
      const width = Math.max(box.clientWidth, 200);
      if (width !== plot.width) plot.setSize({ width, height: HEIGHT });
    }).observe(box);
    redraw();
  };

  // --- hands -----------------------------------------------------------------------------------------------------
  const moves = {
    earlier: (from, until) => [from - (until - from) / 2, until - (until - from) / 2],
    later: (from, until) => [from + (until - from) / 2, until + (until - from) / 2],
    nearer: (from, until) => {
      const around = moment === null ? until : Math.min(Math.max(moment, from), until);
      return [around - (until - from) / 4, around + (until - from) / 4];
    },
    wider: (from, until) => [from - (until - from) / 2, until + (until - from) / 2],
    whole: () => null,
  };
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("[data-curve-do]");
    if (button && facts) look(moves[button.dataset.curveDo](...(view || [facts.since, facts.until])));
  });
  cursor.addEventListener("input", () => {
    const index = Number(cursor.value);
    moment = index === within()?.[1] && view === null ? null : facts.values[0][index];
    tell(index);
    plot.setCursor({ left: plot.valToPos(facts.values[0][index], "x"), top: HEIGHT / 2 }, false);
  });
  place.addEventListener("mouseenter", () => {
    isOver = true;
  });
  place.addEventListener("mouseleave", () => {
    isOver = false;
    moment = null;
    if (facts) tellCursor();
  });

  // --- what comes meanwhile --------------------------------------------------------------------------------------
  const read = (page) => {
    const text = page.querySelector("#curve-facts")?.textContent;
    return text ? JSON.parse(text) : null;
  };
  const take = (news) => {
    // The words and the numbers beside it, but not under somebody's finger.
    for (const part of ["[data-curve-words]", "[data-curve-table] tbody"]) {
      const [old, fresh] = [root.querySelector(part), news.querySelector(part)];
      if (old && fresh && !old.contains(document.activeElement)) old.replaceChildren(...fresh.childNodes);
    }
    if (!root.querySelector("#power-table") && news.querySelector("#power-table")) {
      root.append(news.querySelector("#power-table"));
    }
    const fresh = read(news);
    if (!fresh) return;
    const isOld = view !== null && view[0] < fresh.since;
    facts = fresh;
    if (!plot) draw();
    else if (isOld) look([fresh.since, fresh.since + view[1] - view[0]]);
    else redraw();
  };

  let askedAt = 0;
  const ask = async () => {
    if (document.hidden || Date.now() - askedAt < 5000) return;
    askedAt = Date.now();
    try {
      const headers = { "HX-Request": "true", "HX-Target": "power" };
      const response = await fetch(address, { headers, cache: "no-store", redirect: "error" });
      if (!response.ok) throw new Error(String(response.status));
      const page = document.createElement("template");
      page.innerHTML = await response.text();
      take(page.content);
    } catch {
      if (facts) shown.textContent = facts.words.stale;
    }
  };
  facts = read(document);
  if (facts) draw();
  setInterval(ask, facts && facts.part_s !== null ? 60000 : 15000);
  // News of the machine, which fablab.js tells the live part of the page: see there.
  document.addEventListener("changed", ask, true);
  document.addEventListener("visibilitychange", ask);
  dark.addEventListener("change", () => plot?.redraw());
})();
