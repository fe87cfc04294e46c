const of = (id) => document.getElementById(id);
const make = (name, parent, text, className) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  parent.append(element);
  return element;
};
const digits = (n) => (value) => value.toFixed(n);
const short = (value) => {
  const size = Math.abs(value);
  return size >= 1e6 || (size > 0 && size < 1e-3) ? value.toExponential(2) : String(+value.toPrecision(4));
};
const bytes = (value) => value < 10240 ? `${value.toLocaleString('en')} B` : `${Math.floor(value / 1024).toLocaleString('en')} KiB`;

// A row for each one, with its names first. The best of a column stands out (1: most is best, -1: least, 0: none is); null is
// what could not be measured.
function tabulate(table, names, measures, rows) {
  const head = make('tr', make('thead', table));
  [...names, ...measures.map(([title]) => title)].forEach((title) => make('th', head, title));
  const body = make('tbody', table);
  for (const one of rows) {
    const row = make('tr', body);
    for (const name of names) make('td', row, String(one[name] ?? '–'), one.recommended ? 'picked' : '');
    for (const [, name, format, sense] of measures) {
      const value = one[name];
      const all = rows.map((other) => other[name]).filter((other) => other !== null);
      const isBest = sense !== 0 && value !== null && all.length > 1 && value === (sense > 0 ? Math.max(...all) : Math.min(...all));
      make('td', row, value === null ? '–' : format(value), `${isBest ? 'best' : ''} ${one.recommended ? 'picked' : ''}`);
    }
  }
}
