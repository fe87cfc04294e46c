// Lays a .gz and a .br beside each file that gets smaller by it, and holds the first load below its limit.
// The same input gives the same bytes: zlib writes no time and no name into what it makes here.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

const ASSETS = path.resolve(import.meta.dirname, '../../crates/willet-server/assets');
const FIRST_LOAD_BYTES = 200_000;
const COMPRESSIBLE = new Set(['.html', '.js', '.css', '.svg', '.json']);

const files = fs
  .readdirSync(ASSETS, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && COMPRESSIBLE.has(path.extname(entry.name)))
  .map((entry) => path.join(entry.parentPath, entry.name))
  .sort();

let gzip = 0;
let brotli = 0;
for (const file of files) {
  const bytes = fs.readFileSync(file);
  const gz = zlib.gzipSync(bytes, { level: 9 });
  // RFC 1952: bytes 4 to 7 are a time, byte 9 the system; zlib fills the latter with its own.
  gz.fill(0, 4, 8);
  gz[9] = 255;
  const br = zlib.brotliCompressSync(bytes, {
    params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  if (gz.length < bytes.length) fs.writeFileSync(`${file}.gz`, gz);
  if (br.length < bytes.length) fs.writeFileSync(`${file}.br`, br);
  if (isFirstLoad(path.relative(ASSETS, file))) {
    gzip += Math.min(gz.length, bytes.length);
    brotli += Math.min(br.length, bytes.length);
  }
}

/** The page itself; the API documentation is another page, opened by few. */
function isFirstLoad(name) {
  return name === 'index.html' || (/^assets\/[^/]+\.(js|css)$/.test(name));
}

console.log(`first load: ${kilobytes(brotli)} with brotli, ${kilobytes(gzip)} with gzip, limit ${kilobytes(FIRST_LOAD_BYTES)}`);
if (gzip > FIRST_LOAD_BYTES) {
  console.error('the first load is too large (look at what was added to the dependencies)');
  process.exit(1);
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
