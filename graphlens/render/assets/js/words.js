// Figures in few letters, as in view/words.py.

const COUNTS = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
const BYTES = [[1e12, " TB"], [1e9, " GB"], [1e6, " MB"], [1e3, " kB"]];

/** Three digits that matter. */
function three(value) {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : String(Number(value.toPrecision(3)));
}

function scaled(number, units, plain) {
  const found = units.find(([unit]) => number >= 0.9995 * unit);
  return found ? `${three(number / found[0])}${found[1]}` : `${Math.round(number)}${plain}`;
}

/** ``25.6M``. */
export const count = (number) => scaled(number, COUNTS, "");

/** ``12.8 MB``, by powers of ten as everywhere in graphlens. */
export const bytes = (number) => scaled(number, BYTES, " B");

/** ``1.25 ms``. */
export function seconds(number) {
  const [unit, word] = number >= 1 ? [1, "s"] : number >= 1e-3 ? [1e3, "ms"] : [1e6, "µs"];
  return `${Number((number * unit).toPrecision(3))} ${word}`;
}

/** ``0.125``, ``-1e-7``. */
export const figure = (number) => String(Number(number.toPrecision(4)));
