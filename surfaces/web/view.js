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
  for (const picture of [map, curve, rates]) picture.draw(view);
  write();
  follow();
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
  loop.follows = false;
}

/** Brings what is written up to the view. */
function write() {
  const { terrain, start, best, step } = view;
  const rate = best ? `best of ${about.rates.length}` : short(about.rates[view.rate]);
  element("rate").value = view.rate;
  element("rate").setAttribute("aria-valuetext", rate);
  element("rate-now").value = rate;
  element("best").setAttribute("aria-pressed", best);
  element("step").value = step;
  element("step-now").value = `${step} / ${about.steps}`;
  const place = terrain.starts[start].map(short).join(", ");
  element("start-now").textContent = `from (${place}); click for another start`;
  element("optimizers").querySelectorAll("button").forEach((row, i) => {
    const own = view.rateOf(i);
    const [height, end] = [terrain.final(i, start, own), terrain.end(i, start, own)];
    const fate = end === coding.lost ? "no number" : "left the window";
    row.setAttribute("aria-pressed", view.on[i]);
    row.querySelector(".rate").textContent = short(about.rates[own]);
    row.querySelector(".height").textContent = height === null ? fate : short(height);
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
