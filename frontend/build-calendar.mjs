// Bundles the parts of Event Calendar that the timeline page uses, with its style sheet, and tells their sizes.
import { buildSync } from "esbuild";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const vendor = (name) => here(`../fablab/static/vendor/${name}`);
const version = (name) => JSON.parse(readFileSync(here(`node_modules/${name}/package.json`))).version;

const used = "createCalendar, destroyCalendar, Interaction, ResourceTimeline, TimeGrid";
const banner = `/*! Event Calendar v${version("@event-calendar/core")} and Svelte v${version("svelte")} | MIT */`;
const shared = { bundle: true, minify: true, target: "es2022", legalComments: "none", logLevel: "warning" };

mkdirSync(vendor("licenses"), { recursive: true });
buildSync({
  ...shared,
  stdin: { contents: `export { ${used} } from "@event-calendar/core";`, resolveDir: here(".") },
  format: "iife",
  globalName: "EventCalendar",
  banner: { js: banner },
  outfile: vendor("event-calendar.min.js"),
});
buildSync({
  ...shared,
  entryPoints: [here("node_modules/@event-calendar/core/dist/index.css")],
  banner: { css: banner },
  outfile: vendor("event-calendar.min.css"),
});
// Event Calendar's own licence text is in its repository, not in its package: it is kept here by hand.
copyFileSync(here("node_modules/svelte/LICENSE.md"), vendor("licenses/svelte.txt"));
for (const name of ["event-calendar.min.js", "event-calendar.min.css"]) {
  const bytes = readFileSync(vendor(name));
  console.log(`vendor/${name} ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
}
