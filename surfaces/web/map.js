// The window from above: a still ground, and over it a plot of what moves.

const map = {
  /** Makes the picture of a terrain. */
  show(terrain) {
    const margin = { l: 32, b: 24, r: 6, t: 12 };
    const [xaxis, yaxis] = terrain.bounds.map((range) => ({ range, showgrid: false }));
    const [wide, deep] = terrain.shape;
    element("window").style.setProperty("--shape", wide / deep);
    const { z, low, high } = tones(terrain, 1);
    const gap = (high - low) / 15;
    const points = (places) => ({ x: column(places, 0), y: column(places, 1) });
    make("ground", [
      { type: "heatmap", x: terrain.columns, y: terrain.rows, z, zmin: low, zmax: high,
        colorscale: fade, showscale: false },
      { type: "contour", ...terrain.thin(4), z: terrain.heights(4, Math.log10),
        contours: { coloring: "none", start: low + gap, end: high, size: gap },
        autocontour: false, showscale: false, opacity: 0.4,
        line: { width: 0.7, color: "#ffffff" } },
      { ...points(terrain.starts), name: "starts", mode: "markers",
        marker: { size: 3, color: "#ffffff", opacity: 0.6 } },
      { ...points(terrain.minima), name: "minima", mode: "markers", cliponaxis: false,
        marker: { ...white, symbol: "star", size: 16 } },
    ], layout(margin, { xaxis, yaxis }), still);
    const bare = [xaxis, yaxis].map((axis) => ({ ...axis, visible: false }));
    make("map", [
      { name: "edges", mode: "lines", line: { width: 4.2, color: "#ffffffbf" } },
      ...about.optimizers.map((optimizer) => ({
        name: plain(optimizer.label), mode: "lines",
        line: { width: 2.2, color: optimizer.colour },
      })),
      { name: "start", mode: "markers", marker: { ...white, size: 11 } },
      { name: "heads", mode: "markers",
        marker: { line: { width: 1.4, color: "#ffffff" }, opacity: 1 } },
    ].map((trace) => ({ ...trace, x: [], y: [], cliponaxis: false })),
    layout(margin, { xaxis: bare[0], yaxis: bare[1] }), still);
  },

  /** Moves what moves. */
  draw({ terrain, paths, start, step }) {
    const trails = paths.map((path) =>
      trail(path, step, ({ x, y }, i) => [x[i], y[i]]));
    const edges = trails.flatMap((places) => [...places, null]);
    const { x, y, size, color, symbol } = heads(paths, step, terrain.reach);
    move("map", [
      ...[edges, ...trails, [terrain.starts[start]]].map((places) => ({
        x: column(places, 0), y: column(places, 1),
      })),
      { x, y, marker: { size, color, symbol } },
    ]);
  },

  /** The number of the start nearest to a pointer, null beside the window. */
  startAt(pointer) {
    const place = shares("map", pointer);
    if (place === null) return null;
    const [row, at] = [1 - place.down, place.right].map((share) =>
      nearest(about.starts, share * (coding.raster - 1)));
    return row * side + at;
  },
};
