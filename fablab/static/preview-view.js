// What a path and a model share: a scene with a ground in squares, drawn when something changes and not sixty times a second.
"use strict";

(function view() {
  const { AmbientLight, Color, DirectionalLight, GridHelper, Group, Sphere, Vector3, WebGLPreview } = window.GCodePreview;
  const TURN = Math.PI / 6;
  const STEP = 0.8;
  const FROM = new Vector3(-0.45, 0.55, 1).normalize();
  // Exactly from above there is no up.
  const ABOVE = new Vector3(0, 1, 0.001).normalize();
  const SQUARE_MM = 10;

  const token = (name) => new Color(getComputedStyle(document.documentElement).getPropertyValue(name).trim());

  class View extends WebGLPreview {
    constructor(canvas) {
      super({ canvas });
      this.scene.fog = null;
      // A finger that goes up or down moves the page; one that goes sideways turns the picture.
      canvas.style.touchAction = "pan-y";
      this.things = new Group();
      this.things.rotation.x = -Math.PI / 2;
      this.sun = new DirectionalLight(0xffffff, 2);
      this.scene.add(this.things, this.sun, new AmbientLight(0xffffff, 1.2));
      this.dark = window.matchMedia("(prefers-color-scheme: dark)");
      this.dark.addEventListener("change", () => this.paint());
      new ResizeObserver(() => {
        if (!canvas.offsetWidth) return;
        this.resize();
        this.draw();
      }).observe(canvas);
      canvas.addEventListener("webglcontextrestored", () => this.draw());
    }

    // The library's own would never rest.
    animate() {
      this.controls.addEventListener("change", () => this.draw());
    }

    draw() {
      this.frame ??= requestAnimationFrame(() => {
        this.frame = null;
        this.sun.position.copy(this.camera.position);
        this.renderer.render(this.scene, this.camera);
      });
    }

    // Everything within `box`, whose third axis goes up, is looked at, and stands on a ground in squares.
    show(box) {
      this.box = box;
      this.sphere = box.getBoundingSphere(new Sphere());
      const { x, y, z } = this.sphere.center;
      this.sphere.center.set(x, z, -y);
      this.reset();
      this.paint();
    }

    lookFrom(direction, distance) {
      const { center } = this.sphere;
      this.controls.target.copy(center);
      this.camera.position.copy(center).addScaledVector(direction, distance);
      this.update();
    }

    // How far away the whole is in the picture.
    distance() {
      const height = (this.camera.fov * Math.PI) / 360;
      const width = Math.atan(Math.tan(height) * this.camera.aspect);
      return (1.05 * Math.max(this.sphere.radius, 1)) / Math.sin(Math.min(height, width));
    }

    reset() {
      const far = this.distance();
      this.camera.near = far / 1000;
      this.camera.far = far * 20;
      this.controls.minDistance = far / 50;
      this.controls.maxDistance = far * 5;
      this.camera.updateProjectionMatrix();
      this.lookFrom(FROM, far);
    }

    do(what) {
      const { target } = this.controls;
      const offset = this.camera.position.clone().sub(target);
      if (what === "reset") return this.reset();
      if (what === "above") return this.lookFrom(ABOVE, this.distance());
      if (what === "left" || what === "right") {
        offset.applyAxisAngle(new Vector3(0, 1, 0), what === "left" ? TURN : -TURN);
      } else offset.multiplyScalar(what === "nearer" ? STEP : 1 / STEP);
      this.camera.position.copy(target).add(offset);
      return this.update();
    }

    update() {
      this.controls.update();
      this.draw();
    }

    // In the colours of the page, by day and by night.
    paint() {
      this.backgroundColor = token("--surface");
      this.layGround();
      this.draw();
    }

    layGround() {
      if (!this.box) return;
      const size = this.box.getSize(new Vector3());
      const middle = this.box.getCenter(new Vector3());
      const squares = Math.min(2 * Math.ceil(Math.max(size.x, size.y) / SQUARE_MM / 2 + 1), 200);
      if (this.ground) {
        this.scene.remove(this.ground);
        this.ground.dispose();
      }
      const color = token("--line");
      this.ground = new GridHelper(squares * SQUARE_MM, squares, color, color);
      const whole = (value) => Math.round(value / SQUARE_MM) * SQUARE_MM;
      this.ground.position.set(whole(middle.x), this.box.min.z, -whole(middle.y));
      this.scene.add(this.ground);
    }
  }

  // Buttons that look from elsewhere; the others are for whoever draws.
  const connect = (stage, view, more = {}) => {
    for (const button of stage.querySelectorAll("[data-preview-do]")) {
      const what = button.dataset.previewDo;
      button.addEventListener("click", more[what] || (() => view.do(what)));
    }
    // The wheel moves the page, unless a key says that the picture is meant.
    stage.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) event.stopPropagation();
      },
      { capture: true, passive: true },
    );
  };

  const filled = (words, values) => words.replace(/%\((\w+)\)s/g, (whole, name) => values[name]);
  const number = (value, digits = 2) =>
    new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: digits }).format(value);

  class Told extends Error {
    constructor(words) {
      super(words);
      this.words = words;
    }
  }

  window.fablabView = { Told, View, connect, filled, number, token };
})();
