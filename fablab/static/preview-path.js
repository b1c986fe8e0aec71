// The path of the nozzle, layer by layer. gcode-preview reads the commands and bends the arcs; the lines are kept here,
// in one piece, so that going through the layers draws nothing anew.
"use strict";

(function path() {
  const { Box3, BufferAttribute, BufferGeometry, Color, LineBasicMaterial, LineSegments, Vector3 } = window.GCodePreview;
  const { Told, View, connect, filled, number, token } = window.fablabView;
  const AXES = ["x", "y", "z"];
  const MOVES = new Set(["g0", "g00", "g1", "g01", "g2", "g02", "g3", "g03"]);
  // PrusaSlicer, SuperSlicer and OrcaSlicer; Bambu Studio; Cura and ideaMaker; Simplify3D.
  const MARK = /^;\s*(?:LAYER_CHANGE|CHANGE_LAYER|LAYER:-?\d+|layer \d+,)/i;
  const MARK_LETTERS = new Set([..." LlCc"]);
  const INCH_MM = 25.4;
  const PAUSE_MS = 40;

  // Numbers in one piece, which grows.
  class Row {
    constructor() {
      this.values = new Float32Array(1 << 16);
      this.count = 0;
    }

    add(more) {
      if (this.count + more.length > this.values.length) {
        const larger = new Float32Array(Math.max(this.values.length * 2, this.count + more.length));
        larger.set(this.values);
        this.values = larger;
      }
      this.values.set(more, this.count);
      this.count += more.length;
    }
  }

  class Path extends View {
    constructor(canvas) {
      super(canvas);
      this.points = new Row();
      // Where each begins, in points, and how high it lies.
      this.starts = [];
      this.commands = [];
      this.at = { x: 0, y: 0, z: 0, e: 0 };
      this.scale = 1;
      this.isRelative = this.isRelativeE = this.hasMarks = this.isMarked = false;
    }

    // What the library reads of: the commands that have come since the last time.
    get layers() {
      return [{ commands: this.commands || [], height: 0 }];
    }

    doRenderExtrusion(layer) {
      this.points.add(layer.extrusion.splice(0));
    }

    flush() {
      if (this.commands.length) this.renderLayer(0);
      this.commands = [];
    }

    read(line) {
      if (line[0] === ";") {
        if (MARK_LETTERS.has(line[1]) && MARK.test(line)) this.mark();
        return;
      }
      const command = this.parser.parseCommand(line, false);
      if (MOVES.has(command.gcode)) this.move(command);
      else this.set(command);
    }

    // The slicer's own count; what is printed before its first layer, such as a line to clean the nozzle, is part of it.
    mark() {
      if (!this.hasMarks) this.starts = [];
      this.hasMarks = this.isMarked = true;
    }

    set({ gcode, params }) {
      if (gcode === "g20") this.scale = INCH_MM;
      else if (gcode === "g21") this.scale = 1;
      else if (gcode === "g90") this.isRelative = false;
      else if (gcode === "g91") this.isRelative = true;
      else if (gcode === "m82") this.isRelativeE = false;
      else if (gcode === "m83") this.isRelativeE = true;
      else if (gcode === "g92" && params.e !== undefined) this.at.e = params.e * this.scale;
    }

    // Everything in millimetres from the corner, and in `e` whether something comes out: the library knows only this.
    move(command) {
      const { params } = command;
      for (const name of AXES) {
        if (params[name] === undefined) continue;
        this.at[name] = params[name] * this.scale + (this.isRelative ? this.at[name] : 0);
        params[name] = this.at[name];
      }
      for (const name of ["i", "j", "r"]) if (params[name] !== undefined) params[name] *= this.scale;
      params.e = this.pushed(params.e) && this.isAcross(params) ? 1 : 0;
      if (params.e) this.enter();
      this.commands.push(command);
    }

    // A move in the plane, or an arc that comes back to where it began.
    isAcross({ x, y, i, j }) {
      return [x, y, i, j].some((value) => value !== undefined);
    }

    pushed(e) {
      if (e === undefined) return false;
      const before = this.at.e;
      this.at.e = e * this.scale + (this.isRelative || this.isRelativeE ? before : 0);
      return this.at.e > before;
    }

    // A layer begins where the slicer says so; in a file without its marks, where it is printed at another height.
    enter() {
      const last = this.starts.at(-1);
      const isNew = this.hasMarks ? this.isMarked : Math.abs(this.at.z - last?.z) > this.minLayerThreshold;
      if (last && !isNew) return;
      this.flush();
      this.isMarked = false;
      this.starts.push({ at: last ? this.points.count / 3 : 0, z: this.at.z });
    }

    finish() {
      this.flush();
      this.positions = new BufferAttribute(this.points.values.subarray(0, this.points.count), 3);
      this.colors = new BufferAttribute(new Uint8Array(this.points.count), 3, true);
      this.below = this.lines(new LineBasicMaterial({ vertexColors: true }));
      this.top = this.lines(new LineBasicMaterial());
      this.show(new Box3().setFromBufferAttribute(this.positions));
    }

    lines(material) {
      const geometry = new BufferGeometry();
      geometry.setAttribute("position", this.positions);
      if (material.vertexColors) geometry.setAttribute("color", this.colors);
      const lines = new LineSegments(geometry, material);
      // Hidden parts count for where it lies, too.
      lines.frustumCulled = false;
      this.things.add(lines);
      return lines;
    }

    showLayer(number) {
      const start = this.starts[number - 1].at;
      const end = number < this.starts.length ? this.starts[number].at : this.points.count / 3;
      this.below.geometry.setDrawRange(0, start);
      this.top.geometry.setDrawRange(start, end - start);
      this.draw();
    }

    paint() {
      if (this.top) {
        this.top.material.color = token("--accent");
        this.shade(token("--surface").lerp(token("--ink-soft"), 0.25), token("--ink-soft"));
      }
      super.paint();
    }

    // Stronger with the height and where a line goes sideways, as if light fell on the walls.
    shade(lowest, highest) {
      const { array: points } = this.positions;
      const { array: colors } = this.colors;
      const low = this.box ? this.box.min.z : 0;
      const span = this.box ? Math.max(this.box.max.z - low, 0.001) : 1;
      const color = new Color();
      for (let n = 0; n < points.length; n += 6) {
        const across = Math.abs(points[n + 3] - points[n]);
        const along = Math.abs(points[n + 4] - points[n + 1]);
        const light = 0.45 * ((points[n + 2] - low) / span) + 0.55 * (across / (across + along || 1));
        color.lerpColors(lowest, highest, light);
        for (let k = 0; k < 2; k += 1) {
          colors[n + 3 * k] = 255 * color.r;
          colors[n + 3 * k + 1] = 255 * color.g;
          colors[n + 3 * k + 2] = 255 * color.b;
        }
      }
      this.colors.needsUpdate = true;
    }
  }

  const fetched = async (source, words) => {
    const answer = await fetch(source, { headers: { Accept: "application/octet-stream" } });
    if (answer.ok) return answer;
    // A refusal of ours is a sentence; anything else is a page.
    const isSentence = (answer.headers.get("Content-Type") || "").startsWith("text/plain");
    throw new Told(isSentence ? await answer.text() : words.failed);
  };

  // Line by line as it comes; now and then the page gets its turn.
  const readAll = async (answer, path, progress) => {
    const size = Number(answer.headers.get("Content-Length")) || 1;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let read = 0;
    let until = performance.now() + PAUSE_MS;
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + (value || "")).split("\n");
      rest = done ? "" : lines.pop();
      for (const line of lines) path.read(line);
      path.flush();
      if (done) return;
      read += value.length;
      if (performance.now() < until) continue;
      progress.value = read / size;
      await new Promise((turn) => {
        setTimeout(turn);
      });
      until = performance.now() + PAUSE_MS;
    }
  };

  const follow = (parts, path) => {
    const { stage, words, canvas } = parts;
    const slider = stage.querySelector("[data-preview-slider]");
    const said = stage.querySelector("[data-preview-layer]");
    const layers = path.starts.length;
    const look = () => {
      const layer = Number(slider.value);
      path.showLayer(layer);
      const height = number(path.starts[layer - 1].z);
      said.textContent = filled(words.layer, { layer: number(layer), layers: number(layers), height });
      slider.setAttribute("aria-valuetext", said.textContent);
      canvas.setAttribute("aria-label", `${words.picture} ${said.textContent}`);
    };
    const step = (by) => () => {
      slider.value = String(Number(slider.value) + by);
      look();
    };
    slider.max = String(layers);
    slider.value = slider.max;
    slider.disabled = layers < 2;
    slider.addEventListener("input", look);
    connect(stage, path, { lower: step(-1), higher: step(1) });
    look();
  };

  window.fablabPreviews.path = async (parts) => {
    const { root, stage, words, canvas, progress } = parts;
    const answer = await fetched(root.dataset.source, words);
    // It measures its canvas.
    stage.hidden = false;
    const path = new Path(canvas);
    await readAll(answer, path, progress);
    if (!path.points.count) throw new Told(words.empty);
    path.finish();
    follow(parts, path);
  };
})();
