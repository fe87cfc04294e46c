// Writes the page's types, made of openapi.json: `node wire.mjs > ../dashboard/src/wire.ts`.
import { readFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

const document = JSON.parse(await readFile(new URL('openapi.json', import.meta.url), 'utf8'));
const { schemas } = document.components;
const types = await openapiTS(
  // The page calls by path; only the shapes are of use to it.
  { ...document, paths: {} },
  { rootTypes: true, rootTypesNoSchemaPrefix: true, arrayLength: true, defaultNonNullable: false },
);
const from = Object.entries(schemas.Severity['x-from-score']).toSorted(([, a], [, b]) => a - b);
process.stdout.write(`// Made of protocol/openapi.json by protocol/wire.mjs (make gen): not to be edited.

${astToString(types)}
/** In rising order, with the \`anomaly_score\` from which on an anomaly is called so. */
export const SEVERITY_FROM: Readonly<Record<Severity, number>> = ${JSON.stringify(Object.fromEntries(from))};
export const SEVERITIES: readonly Severity[] = ${JSON.stringify(from.map(([word]) => word))};
`);
