// What is looked at, and the loop that keeps the pictures up with it.

const view = {
  terrain: null,
  start: 0, // its number, row by row from the low edge
  rate: Math.floor(about.rates.length / 2), // its number
  best: true, // whether each optimizer has its own best rate instead
  step: about.steps,
  on: about.optimizers.map(() => true),
  paths: [], // null where an optimizer is off
  rateOf: (i) => (view.best ? view.terrain.best(i, view.start) : view.rate),
};

const loop = { due: false, told: 0, follows: false, late: false, wanted: null };
const frame = () => new Promise(requestAnimationFrame);

/** Takes news. However many come between two frames, one drawing shows them all. */
function change(news) {
  Object.assign(view, news);
  loop.told = performance.now();
  if (loop.due || view.terrain === null) return;
  loop.due = true;
  requestAnimationFrame(draw);
}

function draw() {
  loop.due = false;
  view.paths = view.on.map((on, i) =>
    (on ? view.terrain.path(i, view.start, view.rateOf(i)) : null));
  try {
    for (const picture of [map, curve, rates]) picture.draw(view);
  } finally {
    write();
    follow();
  }
}

const beat = 1000 / 60; // milliseconds between two frames that nothing delays

/**
 * The scene follows with the newest view. Where drawing it delays frames, it gets a
 * quarter of the time while the view changes, and the rest goes to the other pictures.
 */
async function follow() {
  loop.late = true;
  if (loop.follows) return;
  loop.follows = true;
  try {
    while (loop.late) {
      loop.late = false;
      const begin = performance.now();
      await scene.draw(view);
      await frame(); // in which it is rendered
      await frame();
      const end = performance.now();
      const rest = 3 * (end - begin - 2 * beat);
      const now = () => performance.now();
      while (now() < Math.min(end + rest, loop.told + 150)) await frame();
    }
  } finally {
    loop.follows = false;
  }
}

/** Sets a text or an attribute, if it is another one: what is set is read out. */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function mark(node, attribute, value) {
  if (node.getAttribute(attribute) !== `${value}`) node.setAttribute(attribute, value);
}

/** Brings what is written up to the view. */
function write() {
  const { terrain, start, best, step } = view;
  const rate = best ? `best of ${about.rates.length}` : short(about.rates[view.rate]);
  element("rate").value = view.rate;
  mark(element("rate"), "aria-valuetext", rate);
  put(element("rate-now"), rate);
  mark(element("best"), "aria-pressed", best);
  element("step").value = step;
  put(element("step-now"), `${step} / ${about.steps}`);
  const place = terrain.starts[start].map(short).join(", ");
  put(element("start-now"), `from (${place}); click to move`);
  element("optimizers").querySelectorAll("button").forEach((row, i) => {
    const own = view.rateOf(i);
    const [height, end] = [terrain.final(i, start, own), terrain.end(i, start, own)];
    const fate = end === coding.lost ? "no number" : "left the window";
    mark(row, "aria-pressed", view.on[i]);
    put(row.querySelector(".rate"), short(about.rates[own]));
    put(row.querySelector(".height"), height === null ? fate : short(height));
  });
}

const terrains = new Map();

/** Shows a surface, from its own start. */
async function goTo(surface) {
  loop.wanted = surface;
  if (!terrains.has(surface)) terrains.set(surface, Terrain.unpack(surface));
  const terrain = await terrains.get(surface);
  if (loop.wanted !== surface) return; // another one has been chosen since
  Object.assign(view, { terrain, start: terrain.start });
  show();
}

/** Makes the pictures anew. */
function show() {
  for (const picture of [map, curve, rates, scene]) picture.show(view.terrain);
  change({});
}
