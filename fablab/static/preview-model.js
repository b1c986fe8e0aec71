// The model that was chosen and not yet sent, and its size. It is read in the browser and goes nowhere.
"use strict";

(function model() {
  const { Box3, Group, Mesh, MeshLambertMaterial, OBJLoader, STLLoader, Vector3 } = window.GCodePreview;
  const { Told, View, connect, filled, number, token } = window.fablabView;
  let view = null;

  class Model extends View {
    put(mesh) {
      this.material ??= new MeshLambertMaterial({ flatShading: true, side: 2 });
      for (const old of [...this.things.children]) {
        this.things.remove(old);
        old.traverse((part) => part.geometry?.dispose());
      }
      this.things.add(mesh);
      mesh.traverse((part) => {
        if (part.isMesh) part.material = this.material;
      });
    }

    paint() {
      if (this.material) this.material.color = token("--accent");
      super.paint();
    }
  }

  const parsed = async (file) => {
    if (/\.obj$/i.test(file.name)) return new OBJLoader().parse(await file.text());
    return new Group().add(new Mesh(new STLLoader().parse(await file.arrayBuffer())));
  };

  const trianglesOf = (mesh) => {
    let count = 0;
    mesh.traverse((part) => {
      if (part.isMesh) count += part.geometry.getAttribute("position").count / 3;
    });
    return count;
  };

  window.fablabPreviews.model = async (parts) => {
    const { root, stage, words, canvas } = parts;
    const file = document.getElementById(root.dataset.field).files[0];
    if (file.size > Number(root.dataset.mostBytes)) throw new Told(words.large);
    const mesh = await parsed(file);
    const triangles = trianglesOf(mesh);
    const box = new Box3().setFromObject(mesh);
    const size = box.getSize(new Vector3());
    if (!triangles || ![size.x, size.y, size.z].every(Number.isFinite)) throw new Told(words.failed);
    stage.hidden = false;
    if (!view) {
      view = new Model(canvas);
      connect(stage, view);
    }
    view.put(mesh);
    view.resize();
    view.show(box);
    const [width, depth, height] = [size.x, size.y, size.z].map((value) => number(value, 1));
    const said = filled(words.size, { width, depth, height });
    stage.querySelector("[data-preview-size]").textContent = said;
    stage.querySelector("[data-preview-triangles]").textContent = number(triangles);
    canvas.setAttribute("aria-label", `${filled(words.picture, { name: file.name })} ${said}`);
  };
})();
