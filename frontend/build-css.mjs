// Compiles scss/bootstrap.scss into fablab/static/vendor/bootstrap.css and tells its size.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as sass from "sass";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { css } = sass.compile(here("scss/bootstrap.scss"), {
  style: "compressed",
  charset: false,
  loadPaths: [here("node_modules")],
  quietDeps: true,
  // Bootstrap 5.3 is written for @import and global functions; both go away with Bootstrap 6.
  silenceDeprecations: ["import", "global-builtin", "if-function", "color-functions"],
});

writeFileSync(here("../fablab/static/vendor/bootstrap.css"), `${css}\n`);
console.log(`bootstrap.css ${css.length} bytes, ${gzipSync(css, { level: 9 }).length} gzipped`);
