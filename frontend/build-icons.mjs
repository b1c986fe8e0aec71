// Builds the sprite fablab/static/icons.svg from icons.json (bootstrap-icons) and icons/ (our own).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const fromPackage = (name) => here(`node_modules/bootstrap-icons/icons/${name}.svg`);

/** One <symbol> from one 16 × 16 file: what stands inside its <svg>, in the current colour. */
function symbol(id, file) {
  const source = readFileSync(file, "utf8");
  if (!source.includes('viewBox="0 0 16 16"')) throw new Error(`${file} is not drawn on 16 × 16`);
  const inside = source.replace(/^[^]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").replace(/\n\s*/g, "");
  return `<symbol id="i-${id}" viewBox="0 0 16 16" fill="currentColor">${inside}</symbol>`;
}

const { states, icons } = JSON.parse(readFileSync(here("icons.json"), "utf8"));
const own = readdirSync(here("icons")).map((file) => [file.replace(".svg", ""), here(`icons/${file}`)]);
const rows = [
  ...Object.entries(states).map(([state, name]) => [state, fromPackage(name)]),
  ...icons.map((name) => [name, fromPackage(name)]),
  ...own,
];
const ids = rows.map(([id]) => id);
const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
if (twice.length > 0) throw new Error(`named twice: ${twice.join(", ")}`);

const sprite = [
  '<svg xmlns="http://www.w3.org/2000/svg">',
  "<!-- Bootstrap Icons v1.13.2, MIT, Copyright 2019-2024 The Bootstrap Authors; and our own drawings. -->",
  ...rows.sort(([a], [b]) => a.localeCompare(b)).map(([id, file]) => symbol(id, file)),
  "</svg>\n",
].join("\n");

writeFileSync(here("../fablab/static/icons.svg"), sprite);
const gzipped = gzipSync(sprite, { level: 9 }).length;
console.log(`icons.svg ${rows.length} symbols, ${sprite.length} bytes, ${gzipped} gzipped`);
