// Writes the reference of the HTTP interface, made of openapi.json: `node reference.mjs > ../docs/generated/http.md`.
import { readFile } from 'node:fs/promises';

const document = JSON.parse(await readFile(new URL('openapi.json', import.meta.url), 'utf8'));
const { schemas } = document.components;
const lines = [];
const say = (...text) => lines.push(...text);
const cell = (text = '') => text.replaceAll('\n', ' ').replaceAll('|', '\\|').trim();
const name = (schema) => schema.$ref?.split('/').at(-1);
const anchor = (shape) => `[${shape}](#${shape.toLowerCase().replaceAll('_', '_')})`;

/** A type in a few words. */
function type(schema) {
  if (schema.$ref) return anchor(name(schema));
  if (schema.enum) return schema.enum.map((word) => `\`${word}\``).join(', ');
  const kinds = [schema.type ?? []].flat();
  const inner = kinds.filter((kind) => kind !== 'null').map((kind) => {
    if (kind === 'array') {
      const count = schema.minItems === schema.maxItems && schema.minItems ? `${schema.minItems} ` : '';
      return `array of ${count}${type(schema.items ?? {})}`;
    }
    if (kind === 'object' && schema.additionalProperties) return `object of ${type(schema.additionalProperties)}`;
    return kind;
  });
  const options = (schema.oneOf ?? []).filter((option) => option.type !== 'null').map(type);
  const all = [...inner, ...options, ...(kinds.includes('null') || schema.oneOf?.some((option) => option.type === 'null') ? ['null'] : [])];
  return all.join(' or ') || 'any JSON';
}

function fields(schema) {
  const required = new Set(schema.required);
  say('| field | type | |', '|---|---|---|');
  for (const [field, value] of Object.entries(schema.properties)) {
    say(`| \`${field}\`${required.has(field) ? '' : '?'} | ${cell(type(value))} | ${cell(value.description)} |`);
  }
  say('');
}

say('# Reference of the HTTP interface', '', 'Made of `protocol/openapi.json` (`make gen`). [http.md](../http.md) says how it is used. A field with `?` is left out where it does not apply.', '');
say('## Calls', '', '| call | parameters | answer | |', '|---|---|---|---|');
for (const [path, item] of Object.entries(document.paths)) {
  for (const [method, call] of Object.entries(item)) {
    const parameters = (call.parameters ?? []).filter((parameter) => parameter.in !== 'path').map((parameter) => `\`${parameter.name}\``);
    const answers = Object.entries(call.responses)
      .filter(([status]) => status.startsWith('2'))
      .map(([status, response]) => {
        const shape = Object.values(response.content ?? {})[0]?.schema;
        return shape ? `${status} ${type(shape)}` : status;
      });
    say(`| \`${method.toUpperCase()} ${path}\` | ${parameters.join(', ')} | ${cell(answers.join(', '))} | ${cell([call.summary, call.description].filter(Boolean).join(' '))} |`);
  }
}
say('', '## Error codes', '', '`code` of a [Problem](#problem).', '', '| code | status | `Retry-After` | |', '|---|---|---|---|');
for (const [code, { status, title, retry_after: after }] of Object.entries(schemas.Code['x-codes'])) {
  say(`| \`${code}\` | ${status} | ${after === null ? '' : `${after} s`} | ${title} |`);
}
say('', '## Shapes', '');
for (const [shape, schema] of Object.entries(schemas)) {
  if (shape === 'Code') continue;
  say(`### ${shape}`, '');
  if (schema.description) say(schema.description.replaceAll('\n', ' '), '');
  if (schema.properties) fields(schema);
  else if (schema['x-from-score']) {
    say('| word | from an `anomaly_score` of |', '|---|---|');
    const from = Object.entries(schema['x-from-score']).toSorted(([, a], [, b]) => a - b);
    for (const [word, score] of from) say(`| \`${word}\` | ${score} |`);
    say('');
  } else if (schema.oneOf) {
    for (const option of schema.oneOf) {
      say(`With \`type\` \`${option.properties.type.enum[0]}\`: ${option.description ?? ''}`, '');
      fields(option);
    }
  } else say(`${type(schema)}.`, '');
}
process.stdout.write(`${lines.join('\n').trimEnd()}\n`);
