// Height above the minimum against step, on an axis of decades.

const curve = {
  /** Makes the picture of a terrain. */
  show(terrain) {
    this.ends = [terrain.height(-3), terrain.height(coding.top + 3)];
    const curves = about.optimizers.map((optimizer) => ({
      name: optimizer.label, mode: "lines", hoverinfo: "all",
      line: { width: 2, color: optimizer.colour }, hovertemplate: "step %{x}: %{y:.1e}",
    }));
    const edges = curves.map(({ name, line }) => ({
      name: `${name}, edge`, mode: "lines", visible: edge(line.color) !== null,
      line: { width: 3.6, color: edge(line.color) },
    }));
    make("curve", [
      ...edges,
      ...curves,
      { name: "step", mode: "lines", line: { width: 1, color: colour("quiet") } },
      { name: "heads", mode: "markers",
        marker: { size: 8, line: { width: 1, color: colour("panel") } } },
    ].map((trace) => ({ hoverinfo: "skip", ...trace, x: [], y: [] })), {
      ...layout({ l: 40, b: 22, r: 8, t: 6 }, {
        xaxis: { range: [0, about.steps * 1.01], showgrid: false, nticks: 7 },
        yaxis: { ...decades, range: this.ends.map(Math.log10) },
      }),
      hovermode: "closest",
    }, quiet);
  },

  /** Moves what moves. */
  draw({ paths, step }) {
    const steps = numbers(0, length);
    const curves = paths.map((path) =>
      (path ? { x: steps, y: path.height } : { x: [], y: [] }));
    const { height, color } = heads(paths, step, 0);
    move("curve", [
      ...curves,
      ...curves,
      { x: [step, step], y: this.ends },
      { x: height.map(() => step), y: height, marker: { color } },
    ]);
  },
};
