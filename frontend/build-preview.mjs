// Bundles gcode-preview with what it and the model's picture need of three.js, and tells the size.
import { buildSync } from "esbuild";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const vendor = (name) => here(`../fablab/static/vendor/${name}`);
const version = (name) => JSON.parse(readFileSync(here(`node_modules/${name}/package.json`))).version;

const name = "gcode-preview.min.js";
const banner = `/*! gcode-preview v${version("gcode-preview")} and three.js v${version("three")} | MIT */`;

mkdirSync(vendor("licenses"), { recursive: true });
buildSync({
  entryPoints: [here("preview/bundle.mjs")],
  alias: { "lil-gui": here("preview/no-panel.mjs") },
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
  // Its greeting and its options are of no use to the people who read a page.
  pure: ["console.info", "console.debug"],
  format: "iife",
  globalName: "GCodePreview",
  banner: { js: banner },
  outfile: vendor(name),
});
copyFileSync(here("node_modules/gcode-preview/LICENSE"), vendor("licenses/gcode-preview.txt"));
copyFileSync(here("node_modules/three/LICENSE"), vendor("licenses/three.txt"));
const bytes = readFileSync(vendor(name));
console.log(`vendor/${name} ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
