// What preview-view.js and its neighbours use.
export { WebGLPreview } from "gcode-preview";
export {
  AmbientLight,
  Box3,
  BufferAttribute,
  BufferGeometry,
  Color,
  DirectionalLight,
  GridHelper,
  Group,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshLambertMaterial,
  Sphere,
  Vector3,
} from "three";
export { OBJLoader } from "three/examples/jsm/loaders/OBJLoader.js";
export { STLLoader } from "three/examples/jsm/loaders/STLLoader.js";
