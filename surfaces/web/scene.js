// The surface from the side. It is slow to draw, and the others do not wait for it.

const solid = document.createElement("canvas").getContext("webgl") !== null;

const scene = {
  camera: {
    eye: { x: 0.74, y: -1.04, z: 0.88 }, center: { x: 0, y: 0, z: -0.16 },
  },

  /** Makes the picture of a terrain. */
  show(terrain) {
    if (!solid) {
      element("relief").textContent =
        "This browser does not draw in 3-D: WebGL is missing or switched off.";
      return;
    }
    const every = 4; // points of the raster
    const { z, low, high } = tones(terrain, every);
    const bare = { highlight: false };
    const [x, y] = terrain.bounds.map(([from, to]) => [
      from - 0.08 * (to - from), to + 0.08 * (to - from), // room for what is raised
    ]);
    this.ranges = { x, y, z: [0, 1.09 * terrain.span] };
    this.aspect = { x: terrain.shape[0], y: terrain.shape[1], z: 0.55 };
    const axis = (name) => ({
      range: this.ranges[name], color: colour("quiet"), gridcolor: colour("line"),
      nticks: 5, showticklabels: false, title: { text: "" },
      showbackground: false, zeroline: false, showspikes: false,
    });
    make("relief", [
      { type: "surface", ...terrain.thin(every), z: terrain.heights(every, (h) => h),
        surfacecolor: z, cmin: low, cmax: high, colorscale: fade, showscale: false,
        hoverinfo: "skip", contours: { x: bare, y: bare, z: bare },
        lighting: { ambient: 0.88, diffuse: 0.35, specular: 0.03, roughness: 0.9 } },
      ...about.optimizers.map((optimizer) => ({
        name: plain(optimizer.label), mode: "lines",
        line: { width: 6, color: optimizer.colour },
      })),
      { name: "heads", mode: "markers",
        marker: { opacity: 1, line: { width: 1 } } },
    ].map((trace) => ({
      type: "scatter3d", x: [], y: [], z: [], hoverinfo: "skip", ...trace,
    })), {
      ...layout({}, {}),
      scene: {
        xaxis: axis("x"), yaxis: axis("y"), zaxis: axis("z"),
        aspectmode: "manual", aspectratio: this.aspect, camera: this.camera,
        dragmode: "turntable",
      },
    }, { ...quiet, plotGlPixelRatio: 1 });
    const relief = element("relief");
    relief.removeAllListeners("plotly_relayout");
    relief.on("plotly_relayout", () => {
      this.camera = relief.layout.scene.camera;
      follow();
    });
  },

  /** Moves what moves. */
  draw({ terrain, paths, step }) {
    if (!solid) return null;
    const { eye } = this.camera;
    const camera = ["x", "y", "z"].map((name) => {
      const [low, high] = this.ranges[name];
      return (low + high) / 2 + eye[name] / this.aspect[name] * (high - low);
    });
    // Nearer to the camera by a share of the way: out of the ground, and on the screen
    // where it was.
    const raised = (place, share) =>
      place.map((at, i) => at + share * (camera[i] - at));
    const { x, y, z, size, color, symbol } = heads(paths, step, terrain.reach);
    const all = [
      ...paths.map((path) => trail(path, step, (path, i) =>
        raised([path.x[i], path.y[i], path.z[i]], 0.02))),
      // Those that are drawn later, and smaller, are nearer.
      x.map((_, i) => raised([x[i], y[i], z[i]], 0.06 + 0.02 * i / count)),
    ];
    const rim = symbol.map((name, i) => (name === "circle" ? "#ffffff" : color[i]));
    const ofHeads = (values) => [...paths.map(() => undefined), values];
    return Plotly.restyle("relief", {
      x: all.map((places) => column(places, 0)),
      y: all.map((places) => column(places, 1)),
      z: all.map((places) => column(places, 2)),
      "marker.color": ofHeads(color),
      "marker.size": ofHeads(size.map((at) => 0.65 * at)), // as seen on the map
      // The x of 3-D is a glyph that not every font has.
      "marker.symbol": ofHeads(symbol.map((name) => (name === "x" ? "diamond" : name))),
      "marker.line.color": ofHeads(rim),
    }, numbers(1, count + 2));
  },

  /** Turns the view by so many strokes around the surface, and over it. */
  turn(right, up) {
    if (!solid) return;
    const { x, y, z } = this.camera.eye;
    const far = Math.hypot(x, y, z);
    const around = Math.atan2(y, x) + 0.15 * right;
    const above = clamped(Math.asin(z / far) + 0.15 * up, 0, 1.5);
    const out = far * Math.cos(above);
    Plotly.relayout("relief", { "scene.camera.eye": {
      x: out * Math.cos(around), y: out * Math.sin(around), z: far * Math.sin(above),
    } });
  },
};

// A browser may take the graphics card away, and give it back if asked to.
element("relief").addEventListener("webglcontextlost", (event) => {
  event.preventDefault();
}, true);
element("relief").addEventListener("webglcontextrestored", show, true);
