// What the pictures share: looks, and the marks of paths at a step.

const element = (id) => document.getElementById(id);
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();

const count = about.optimizers.length;
const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const nearest = (all, at) => {
  const gaps = all.map((one) => Math.abs(one - at));
  return gaps.indexOf(Math.min(...gaps));
};
const clamped = (at, low, high) => Math.min(Math.max(at, low), high);
const column = (rows, i) => rows.map((row) => row && row[i]);

const quiet = { displayModeBar: false, scrollZoom: false };
const still = { ...quiet, staticPlot: true };
const fade = about.heights.map((tone, i) => [i / (about.heights.length - 1), tone]);
const white = { color: "#ffffff", line: { color: "#1f2730", width: 1.5 } };
const decades = {
  type: "log", dtick: 1, exponentformat: "power", tickangle: 0, tickfont: { size: 10 },
};

/** A label as Plotly shows it, which would read tags in it. */
const plain = (label) => label
  .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

const font = { family: "system-ui, sans-serif", size: 11.5 };
const pen = document.createElement("canvas").getContext("2d");

/** The width of a label in that font, in pixels. */
function widthOf(label) {
  pen.font = `${font.size}px ${font.family}`;
  return pen.measureText(label).width;
}

/** A number in two digits. */
function short(value) {
  const plain = value === 0 || (Math.abs(value) >= 0.01 && Math.abs(value) < 100);
  const text = plain ? value.toPrecision(2) : value.toExponential(1);
  return text.replace(/-/g, "\u2212");
}

/** A layout without title, legend or frame, with axes of one look. */
function layout(margin, axes) {
  const look = {
    color: colour("quiet"), gridcolor: colour("line"), zeroline: false,
    fixedrange: true, ticks: "", nticks: 5,
  };
  const looked = Object.entries(axes).map(([name, own]) => [name, { ...look, ...own }]);
  return {
    margin: { l: 0, r: 0, t: 0, b: 0, ...margin },
    font: { ...font, color: colour("quiet") },
    paper_bgcolor: "transparent", plot_bgcolor: "transparent",
    hoverlabel: {
      bgcolor: colour("panel"), font: { color: colour("ink") }, namelength: -1,
    },
    showlegend: false, hovermode: false, dragmode: false,
    ...Object.fromEntries(looked),
  };
}

/** What a line needs around it where the panel would swallow it, or null. */
function edge(hex) {
  const luminance = (tone) => {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(tone.slice(i, i + 2), 16) / 255);
    return 0.2126 * r ** 2.2 + 0.7152 * g ** 2.2 + 0.0722 * b ** 2.2 + 0.05;
  };
  const [line, panel] = [luminance(hex), luminance(colour("panel"))];
  return Math.max(line / panel, panel / line) < 1.8 ? colour("quiet") : null;
}

/** Logarithms of the ground's heights, and the range that most colours go to. */
function tones(terrain, every) {
  const z = terrain.heights(every, Math.log10);
  const sorted = Float64Array.from(z.flat().filter((tone) => tone !== null)).sort();
  return { z, low: sorted[Math.floor(sorted.length / 200)], high: sorted.at(-1) };
}

/** A path up to a step as a list of places, with null where it is broken off. */
function trail(path, step, place) {
  const places = [];
  for (let i = 0; path && i <= step; i++) {
    if (i > 0 && path.inside[i] && !path.inside[i - 1]) places.push(null);
    if (path.inside[i] || path.inside[i - 1]) places.push(place(path, i));
  }
  return places;
}

/** The heads of paths at a step. One that later ones would hide is a ring around. */
function heads(all, step, reach) {
  const shown = all.map((path, i) => ({ path, ...about.optimizers[i] }))
    .filter(({ path }) => path);
  const x = shown.map(({ path }) => path.x[step]);
  const y = shown.map(({ path }) => path.y[step]);
  const near = (i, k) => k > i && Math.hypot(x[i] - x[k], y[i] - y[k]) < reach;
  return {
    x,
    y,
    z: shown.map(({ path }) => path.z[step]),
    height: shown.map(({ path }) => path.height[step]),
    color: shown.map((optimizer) => optimizer.colour),
    size: shown.map((_, i) => 9 + 4 * shown.filter((_, k) => near(i, k)).length),
    symbol: shown.map(({ path }) => {
      if (path.lost[step]) return "x";
      return path.inside[step] ? "circle" : "circle-open";
    }),
  };
}

/** Where a pointer is in a plot, in shares of its axes; null beside these. */
function shares(id, { clientX, clientY }) {
  const box = element(id).getBoundingClientRect();
  const { l, t, w, h } = element(id)._fullLayout._size;
  const [right, down] = [(clientX - box.left - l) / w, (clientY - box.top - t) / h];
  const within = right >= 0 && right <= 1 && down >= 0 && down <= 1;
  return within ? { right, down } : null;
}

/** Keeps plots as large as their places. */
const fitting = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const { width, height } = target._fullLayout;
    const off = Math.hypot(width - target.clientWidth, height - target.clientHeight);
    if (off >= 1) Plotly.Plots.resize(target);
  }
});

/** Makes a plot, or makes it anew. */
function make(id, data, looks, config) {
  delete element(id).dataset.empty;
  Plotly.react(id, data, looks, config);
  fitting.observe(element(id));
}

/** Gives all traces of a plot new data; draws all anew only where one comes or goes. */
function move(id, data) {
  const plot = element(id);
  const empty = data.map(({ x }) => x.length === 0).join();
  const redraw = empty !== plot.dataset.empty;
  plot.dataset.empty = empty;
  return Plotly.animate(id, { data, traces: numbers(0, data.length) }, {
    mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw },
  }).catch(() => {}); // overtaken by a newer one
}
