// Height above the minimum against step, on an axis of decades.

/** Where numbers stand alone, so that no line shows them. */
const lonely = (row) => numbers(0, row.length).filter((i) =>
  row[i] !== null && (row[i - 1] ?? row[i + 1] ?? null) === null);

const curve = {
  /** Makes the picture of a terrain. */
  show(terrain) {
    this.ends = [terrain.height(-3), terrain.height(coding.top + 3)];
    const curves = about.optimizers.map((optimizer) => ({
      name: plain(optimizer.label), mode: "lines", hoverinfo: "all",
      line: { width: 2, color: optimizer.colour }, hovertemplate: "step %{x}: %{y:.1e}",
    }));
    const edges = curves.map(({ name, line }) => ({
      name: `${name}, edge`, mode: "lines", visible: edge(line.color) !== null,
      line: { width: 3.6, color: edge(line.color) },
    }));
    make("curve", [
      ...edges,
      ...curves,
      { name: "points", mode: "markers", marker: { size: 4 } },
      { name: "step", mode: "lines", line: { width: 1, color: colour("quiet") } },
      { name: "heads", mode: "markers",
        marker: { size: 8, line: { width: 1, color: colour("panel") } } },
    ].map((trace) => ({ hoverinfo: "skip", ...trace, x: [], y: [] })), {
      ...layout({ l: 40, b: 22, r: 8, t: 6 }, {
        xaxis: { range: [0, about.steps * 1.01], showgrid: false, nticks: 7,
          dtick: about.steps < 7 ? 1 : null },
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
    const points = paths.flatMap((path, i) => (path ? lonely(path.height) : [])
      .map((at) => [at, path.height[at], about.optimizers[i].colour]));
    const { height, color } = heads(paths, step, 0);
    move("curve", [
      ...curves,
      ...curves,
      { x: column(points, 0), y: column(points, 1),
        marker: { color: column(points, 2) } },
      { x: [step, step], y: this.ends },
      { x: height.map(() => step), y: height, marker: { color } },
    ]);
  },
};
