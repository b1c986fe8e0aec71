// Copies fonts, scripts and licence texts from the pinned npm packages into fablab/static.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const npm = (path) => here(`node_modules/${path}`);
const statics = (path) => here(`../fablab/static/${path}`);
const version = (name) => JSON.parse(readFileSync(npm(`${name}/package.json`))).version;

const font = "@fontsource-variable/atkinson-hyperlegible-next";
const subset = (name) => `${font}/files/atkinson-hyperlegible-next-${name}-wght-normal.woff2`;
const copies = [
  [subset("latin"), "fonts/atkinson-next-latin.woff2"],
  [subset("latin-ext"), "fonts/atkinson-next-latin-ext.woff2"],
  [`${font}/LICENSE`, "fonts/OFL.txt"],
  ["uplot/dist/uPlot.iife.min.js", "vendor/uPlot.iife.min.js"],
  ["uplot/LICENSE", "vendor/licenses/uplot.txt"],
  ["bootstrap/LICENSE", "vendor/licenses/bootstrap.txt"],
  ["bootstrap-icons/LICENSE", "vendor/licenses/bootstrap-icons.txt"],
  ["htmx.org/LICENSE", "vendor/licenses/htmx.txt"],
];

// These files name neither their version nor their licence; a vendored file should.
const stamped = [
  ["htmx.org/dist/htmx.min.js", "vendor/htmx.min.js", `htmx v${version("htmx.org")} | 0BSD`],
  ["uplot/dist/uPlot.min.css", "vendor/uPlot.min.css", `uPlot v${version("uplot")} | MIT`],
];

mkdirSync(statics("fonts"), { recursive: true });
mkdirSync(statics("vendor/licenses"), { recursive: true });
for (const [from, to] of copies) copyFileSync(npm(from), statics(to));
for (const [from, to, banner] of stamped) {
  writeFileSync(statics(to), `/*! ${banner} */\n${readFileSync(npm(from), "utf8")}`);
}
for (const to of [...copies, ...stamped].map((row) => row[1])) {
  const bytes = readFileSync(statics(to));
  console.log(`${to} ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
}
