// The surface from the side. It is slow to draw, and the others do not wait for it.

const scene = {
  /** Makes the picture of a terrain. */
  show(terrain) {
    const every = 4; // points of the raster
    const { z, low, high } = tones(terrain, every);
    const plain = { highlight: false };
    const axis = {
      color: colour("quiet"), gridcolor: colour("line"), nticks: 5,
      showticklabels: false, title: { text: "" },
      showbackground: false, zeroline: false, showspikes: false,
    };
    const [wide, deep] = terrain.bounds.map(([from, to]) => to - from);
    const longer = Math.max(wide, deep);
    make("relief", [
      { type: "surface", ...terrain.thin(every), z: terrain.heights(every, (h) => h),
        surfacecolor: z, cmin: low, cmax: high, colorscale: fade, showscale: false,
        hoverinfo: "skip", contours: { x: plain, y: plain, z: plain },
        lighting: { ambient: 0.88, diffuse: 0.35, specular: 0.03, roughness: 0.9 } },
      ...about.optimizers.map((optimizer) => ({
        name: optimizer.label, mode: "lines",
        line: { width: 6, color: optimizer.colour },
      })),
      { name: "heads", mode: "markers",
        marker: { size: 5, opacity: 1, line: { width: 1, color: "#ffffff" } } },
    ].map((trace) => ({
      type: "scatter3d", x: [], y: [], z: [], hoverinfo: "skip", ...trace,
    })), {
      ...layout({}, {}),
      scene: {
        xaxis: { ...axis, range: terrain.bounds[0] },
        yaxis: { ...axis, range: terrain.bounds[1] },
        zaxis: { ...axis, range: [0, terrain.span * 1.03] },
        aspectmode: "manual",
        aspectratio: { x: wide / longer, y: deep / longer, z: 0.55 },
        camera: {
          eye: { x: 0.8, y: -1.12, z: 0.95 }, center: { x: 0, y: 0, z: -0.16 },
        },
        dragmode: "turntable",
      },
    }, { ...quiet, plotGlPixelRatio: 1 });
  },

  /** Moves what moves. */
  draw({ terrain, paths, step }) {
    const lift = 0.02 * terrain.span; // out of the ground
    const trails = paths.map((path) =>
      trail(path, step, ({ x, y, z }, i) => [x[i], y[i], z[i] + lift]));
    const { x, y, z, color } = heads(paths, step, 0);
    return Plotly.restyle("relief", {
      x: [...trails.map((places) => column(places, 0)), x],
      y: [...trails.map((places) => column(places, 1)), y],
      z: [...trails.map((places) => column(places, 2)), z.map((at) => at + lift)],
      "marker.color": [...trails.map(() => undefined), color],
    }, numbers(1, count + 2));
  },
};
