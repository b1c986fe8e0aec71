// Draws a path or a model where somebody opens it. The libraries are asked for then and not before.
"use strict";

(function previews() {
  // What draws each kind: preview-path.js and preview-model.js enter themselves here.
  window.fablabPreviews = window.fablabPreviews || {};

  const load = (address) =>
    new Promise((done, failed) => {
      if (document.querySelector(`script[src="${address}"]`)) return done();
      const script = document.createElement("script");
      script.src = address;
      script.addEventListener("load", done);
      script.addEventListener("error", () => {
        // So that another try asks for it again.
        script.remove();
        failed(new Error(`${address} did not come`));
      });
      return document.head.append(script);
    });

  const dress = (address) =>
    new Promise((done) => {
      if (document.querySelector(`link[href="${address}"]`)) return done();
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = address;
      // A page without its style is still to be read.
      link.addEventListener("load", done);
      link.addEventListener("error", done);
      return document.head.append(link);
    });

  const canDraw = () => {
    const canvas = document.createElement("canvas");
    return Boolean(window.WebGLRenderingContext && (canvas.getContext("webgl2") || canvas.getContext("webgl")));
  };

  const partsOf = (root) => ({
    root,
    words: JSON.parse(root.dataset.words),
    said: root.querySelector("[data-preview-said]"),
    stage: root.querySelector("[data-preview-stage]"),
    canvas: root.querySelector("[data-preview-canvas]"),
    progress: root.querySelector("[data-preview-progress]"),
  });

  const draw = async (parts) => {
    const { root, words, said, stage, progress } = parts;
    said.textContent = words.loading;
    said.classList.remove("visually-hidden");
    if (progress) progress.hidden = false;
    try {
      await dress(root.dataset.style);
      // In this order: each uses the one before.
      for (const address of root.dataset.scripts.split(" ")) await load(address);
      await window.fablabPreviews[root.dataset.preview](parts);
      // The picture says it to the eye.
      said.classList.add("visually-hidden");
      said.textContent = words.drawn;
    } catch (error) {
      stage.hidden = true;
      said.textContent = error.words || words.failed;
    }
    if (progress) progress.hidden = true;
    // For whoever waits for it.
    root.dataset.drawn = stage.hidden ? "no" : "yes";
  };

  const follow = (parts) => {
    let isWanted = true;
    const look = async () => {
      if (!parts.root.open || !isWanted) return;
      isWanted = false;
      delete parts.root.dataset.drawn;
      if (canDraw()) await draw(parts);
      else parts.said.textContent = parts.words.unable;
      // Another file was chosen meanwhile.
      look();
    };
    parts.root.addEventListener("toggle", () => {
      // What could not be drawn may be tried again.
      if (parts.root.dataset.drawn === "no") isWanted = true;
      look();
    });
    return () => {
      isWanted = true;
      look();
    };
  };

  const field = (root) => document.getElementById(root.dataset.field);

  for (const root of document.querySelectorAll("details[data-preview]")) {
    const again = follow(partsOf(root));
    if (!root.dataset.field) continue;
    const choose = () => {
      const file = field(root).files[0];
      root.hidden = !file || !/\.(?:stl|obj)$/i.test(file.name);
      if (!root.hidden) again();
    };
    field(root).closest(".card").append(root);
    field(root).addEventListener("change", choose);
    // A browser that goes back keeps what was chosen.
    choose();
  }
})();
