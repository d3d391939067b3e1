// What the reader moves, by pointer, by touch and by key.

const on = (id, event, act) => element(id).addEventListener(event, act);

// ---- rate and step -----------------------------------------------------------------

const toggleBest = () => change({ best: !view.best });

element("rate").max = about.rates.length - 1;
element("step").max = about.steps;
const toRate = ({ target }) => change({ rate: target.valueAsNumber, best: false });
on("rate", "input", toRate);
// Where the slider stands already, too.
on("rate", "click", toRate);
on("rate", "keydown", (event) => {
  if (/^(Arrow|Home|End|Page)/.test(event.key)) toRate(event);
});
on("best", "click", toggleBest);
on("step", "input", ({ target }) => {
  pause();
  change({ step: target.valueAsNumber });
});

const pace = 60; // milliseconds a step
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let playing = null;

/** Plays from here, or from the beginning if this is the end; calmly in tens of steps. */
function play() {
  const stride = calm.matches ? 10 : 1;
  const from = view.step < about.steps ? view.step : 0;
  const begin = performance.now();
  const tick = (now) => {
    const strides = Math.max(0, Math.floor((now - begin) / pace / stride));
    const step = Math.min(from + stride * strides, about.steps);
    if (step !== view.step) change({ step });
    playing = requestAnimationFrame(tick);
    if (step === about.steps) pause();
  };
  playing = requestAnimationFrame(tick);
  say(true);
}

function pause() {
  cancelAnimationFrame(playing);
  playing = null;
  say(false);
}

/** Says what the button does; while steps fly past, none is read out. */
function say(isPlaying) {
  element("play").classList.toggle("playing", isPlaying);
  element("play").setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  document.querySelectorAll("output").forEach((output) =>
    output.setAttribute("aria-live", isPlaying ? "off" : "polite"));
}

const togglePlay = () => (playing === null ? play() : pause());
on("play", "click", togglePlay);

// ---- surfaces and optimizers -------------------------------------------------------

const toggle = (i) => change({ on: view.on.map((was, k) => (k === i ? !was : was)) });

about.surfaces.forEach((surface, i) => {
  const pill = element("pill").content.cloneNode(true);
  const input = pill.querySelector("input");
  input.checked = i === 0;
  input.nextSibling.textContent = surface.title;
  input.addEventListener("change", () => goTo(surface));
  element("surfaces").append(pill);
});

about.optimizers.forEach((optimizer, i) => {
  const row = element("row").content.cloneNode(true);
  // A long name may break before its bracket.
  row.querySelector(".label").textContent = optimizer.label.replace("(", "\u200b(");
  row.querySelector(".swatch").style.setProperty("--colour", optimizer.colour);
  row.querySelector("button").addEventListener("click", () => toggle(i));
  element("optimizers").append(row);
});
document.documentElement.style.setProperty("--count", count);

// ---- cells: Plotly keeps clicks to itself ----------------------------------------

on("rates", "pointerdown", (down) => {
  if (down.button !== 0) return;
  const over = new AbortController();
  const end = (event) => {
    if (event.pointerId !== down.pointerId) return;
    over.abort();
    const moved = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY);
    if (event.type === "pointercancel" || moved > 5) return;
    const rate = rates.rateAt(event);
    if (rate !== null) change({ rate, best: false });
  };
  for (const event of ["pointerup", "pointercancel"]) {
    document.addEventListener(event, end, { signal: over.signal });
  }
});

// ---- the start, and the view of the surface ----------------------------------------

const arrows = {
  ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

/** Has arrow keys do something where they are pressed. */
const onArrow = (id, act) => on(id, "keydown", (event) => {
  if (!(event.key in arrows)) return;
  event.preventDefault();
  act(...arrows[event.key]);
});

on("window", "click", (event) => {
  const start = map.startAt(event);
  if (start !== null) change({ start });
});
onArrow("window", (right, up) => {
  const kept = (at) => clamped(at, 0, side - 1);
  const [row, at] = [Math.floor(view.start / side), view.start % side];
  change({ start: kept(row + up) * side + kept(at + right) });
});
onArrow("relief", (right, up) => scene.turn(right, up));

// ---- keys for everything -----------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === " " && !event.target.closest("button, [type=radio]")) {
    event.preventDefault();
    togglePlay();
  }
  if (key === "b") toggleBest();
  if (key >= "1" && key <= "9" && Number(key) <= count) toggle(Number(key) - 1);
});
