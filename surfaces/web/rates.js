// The final height by learning rate and optimizer: still cells, and over them a plot of
// the rates of now.

const rates = {
  /** Makes the picture of a terrain. */
  show(terrain) {
    const margin = { l: 118, b: 22, r: 62, t: 4 };
    const [first, last] = [about.rates[0], about.rates.at(-1)].map(Math.log10);
    const half = (last - first) / Math.max(about.rates.length - 1, 1) / 2 || 0.5;
    const xaxis = {
      ...decades, range: [first - half, last + half], showgrid: false,
      dtick: element("rates").clientWidth < 420 ? 2 : 1,
    };
    const yaxis = {
      type: "category", autorange: "reversed", showgrid: false, nticks: 0,
    };
    const [zmin, zmax] = [0, coding.top].map((level) =>
      Math.log10(terrain.height(level)));
    const blank = [[0, colour("blank")], [1, colour("blank")]];
    const cells = { type: "heatmap", x: about.rates, y: [], z: [], ygap: 3 };
    make("cells", [
      { ...cells, name: "blank", colorscale: blank, showscale: false,
        hoverinfo: "skip" },
      { ...cells, name: "heights", colorscale: fade, zmin, zmax,
        hovertemplate: "%{y}, rate %{x:.2g}: %{customdata}<extra></extra>",
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
      const labels = walking.map((i) => about.optimizers[i].label);
      const finals = walking.map((i) =>
        about.rates.map((_, rate) => terrain.final(i, start, rate)));
      const cells = (of) => finals.map((row) => row.map(of));
      Plotly.restyle("cells", {
        y: [labels, labels],
        z: [cells(() => 0), cells((height) => height && Math.log10(height))],
        customdata: [null, cells((height) => (height ? short(height) : "none"))],
      });
      Plotly.relayout("now", { "yaxis.range": [walking.length - 0.5, -0.5] });
    }
    move("now", [
      { x: walking.map((i) => about.rates[rateOf(i)]), y: numbers(0, walking.length) },
    ]);
  },

  /** The number of the rate under a pointer. */
  rateAt(pointer) {
    const [low, high] = element("cells").layout.xaxis.range;
    const at = low + (high - low) * shares("cells", pointer).right;
    const gaps = about.rates.map((rate) => Math.abs(Math.log10(rate) - at));
    return gaps.indexOf(Math.min(...gaps));
  },
};
