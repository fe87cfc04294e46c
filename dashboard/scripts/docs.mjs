// Puts Swagger UI beside the page: only its bundle, its style sheet and its licence, so that the API is documented without a network.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const from = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const to = path.resolve(import.meta.dirname, '../../crates/willet-server/assets/assets/docs');

fs.mkdirSync(to, { recursive: true });
for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) {
  // The map is not shipped, and a browser would ask for it.
  const text = fs.readFileSync(path.join(from, name), 'utf8').replace(/\n?\/[/*]# sourceMappingURL=[^\n]*\n?$/, '\n');
  fs.writeFileSync(path.join(to, name), text);
}
for (const name of ['LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt']) fs.copyFileSync(path.join(from, name), path.join(to, name));
