// The final height by learning rate and optimizer: still cells, and over them a plot of
// the rates of now.

const decadesOfRates = about.rates.map(Math.log10);

/** The edges of cells around middles: midway between two, and half a unit from one. */
function edges(middles) {
  const inner = middles.slice(1).map((at, i) => (at + middles[i]) / 2);
  const [first, last] = [middles[0], middles.at(-1)];
  const [next, previous] = [inner[0] ?? first + 0.5, inner.at(-1) ?? last - 0.5];
  return [2 * first - next, ...inner, 2 * last - previous];
}

const rates = {
  /** Makes the picture of a terrain. */
  show(terrain) {
    const labels = Math.max(...about.optimizers.map(({ label }) => widthOf(label)));
    const room = 0.4 * element("rates").clientWidth;
    const margin = { l: Math.min(labels + 10, room), b: 22, r: 62, t: 4 };
    const sides = edges(decadesOfRates);
    const range = [sides[0], sides.at(-1)];
    const decade = (element("rates").clientWidth - margin.l - margin.r)
      / (range[1] - range[0]);
    const xaxis = { ...decades, range, showgrid: false, dtick: decade < 36 ? 2 : 1 };
    const yaxis = {
      type: "category", autorange: "reversed", showgrid: false,
      tickmode: "linear", dtick: 1,
    };
    const [zmin, zmax] = [0, coding.top].map((level) =>
      Math.log10(terrain.height(level)));
    const blank = [[0, colour("blank")], [1, colour("blank")]];
    const cells = {
      type: "heatmap", x: sides.map((at) => 10 ** at), y: [], z: [], ygap: 3,
    };
    make("cells", [
      { ...cells, name: "blank", colorscale: blank, showscale: false,
        hoverinfo: "skip" },
      { ...cells, name: "heights", colorscale: fade, zmin, zmax,
        hovertemplate: "%{y}, rate %{customdata}<extra></extra>",
        colorbar: { thickness: 9, outlinewidth: 0, xpad: 6, ypad: 0, len: 1, dtick: 1,
          tickprefix: "10<sup>", ticksuffix: "</sup>", tickfont: { size: 10.5 } } },
    ], { ...layout(margin, { xaxis, yaxis }), hovermode: "closest" }, quiet);
    const rows = { range: [count - 0.5, -0.5], visible: false };
    make("now", [
      { name: "now", mode: "markers", x: [], y: [],
        marker: { ...white, symbol: "diamond", size: 8 } },
    ], layout(margin, { xaxis: { ...xaxis, visible: false }, yaxis: rows }), still);
    this.shown = null;
  },

  /** Moves the marks; colours the cells anew only where these have changed. */
  draw({ terrain, on, start, rateOf }) {
    const walking = numbers(0, count).filter((i) => on[i]);
    const shown = [start, ...walking].join();
    if (shown !== this.shown) {
      this.shown = shown;
      const labels = walking.map((i) => plain(about.optimizers[i].label));
      const finals = walking.map((i) =>
        about.rates.map((_, rate) => terrain.final(i, start, rate)));
      const cells = (of) => finals.map((row) => row.map(of));
      const said = (height) => (height === null ? "none" : short(height));
      Plotly.restyle("cells", {
        y: [labels, labels],
        z: [cells(() => 0), cells((height) => height && Math.log10(height))],
        customdata: [null, cells((height, rate) =>
          `${short(about.rates[rate])}: ${said(height)}`)],
      });
      Plotly.relayout("now", { "yaxis.range": [walking.length - 0.5, -0.5] });
    }
    move("now", [
      { x: walking.map((i) => about.rates[rateOf(i)]), y: numbers(0, walking.length) },
    ]);
  },

  /** The number of the rate under a pointer, null beside the cells. */
  rateAt(pointer) {
    const place = shares("cells", pointer);
    if (place === null) return null;
    const [low, high] = element("cells").layout.xaxis.range;
    return nearest(decadesOfRates, low + (high - low) * place.right);
  },
};
