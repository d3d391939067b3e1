// Unpacks what surfaces/page_data.py has packed.

const about = JSON.parse(document.getElementById("about").textContent);
const coding = about.coding;
const side = about.starts.length; // starts along a side of the window
const length = about.steps + 1; // points of a path
const paths = about.rates.length * side * side; // of one optimizer

/** The bytes behind an element's text, which is base64 of gzip. */
async function unzipped(id) {
  const element = document.getElementById(id);
  const text = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const gzip = new DecompressionStream("gzip");
  return new Response(new Blob([bytes]).stream().pipeThrough(gzip)).arrayBuffer();
}

/** 0, 1, 2, 3, … as 0, −1, 1, −2, … */
const unfold = (number) => (number % 2 ? -(number + 1) / 2 : number / 2);
const unfolded = Int16Array.from({ length: 256 }, (_, byte) => unfold(byte));
const strides = unfolded.map((number) =>
  Math.sign(number) * (coding.lengths[Math.abs(number)] ?? 0));

/** The raster's lines across a range of the window. */
function lines([low, high]) {
  const gap = (high - low) / (coding.raster - 1);
  return Float64Array.from({ length: coding.raster }, (_, i) => low + gap * i);
}

/** One surface and the paths of every optimizer on it. */
class Terrain {
  static async unpack(surface) {
    const place = about.surfaces.indexOf(surface);
    return new Terrain(surface, await unzipped(`data-${place}`));
  }

  constructor(surface, buffer) {
    Object.assign(this, surface);
    [this.columns, this.rows] = this.bounds.map(lines);
    this.starts = about.starts.flatMap((row) =>
      about.starts.map((column) => [this.columns[column], this.rows[row]]));
    let place = 0;
    const take = (size) => new Uint8Array(buffer, place, ((place += size), size));
    const size = coding.raster ** 2;
    this.ground = this.#ground(take(size), take(size));
    this.walks = about.optimizers.map(() => {
      const x = this.#walk(take(paths * length), (path) => path % side);
      const y = this.#walk(take(paths * length), (path) => Math.floor(path / side));
      const levels = this.#levels(take(paths * length), x, y);
      return { x, y, levels, best: take(side ** 2) };
    });
  }

  /** Heights of the raster's points, row by row, in fractions of a level. */
  #ground(low, high) {
    const ground = new Int16Array(low.length);
    for (let i = 0, level = 0; i < ground.length; i++) {
      if (i % coding.raster === 0) level = 0;
      level += unfold(low[i] + 256 * high[i]);
      ground[i] = level;
    }
    return ground;
  }

  /** Points of the raster along one axis, of all paths. */
  #walk(bytes, startOf) {
    const points = new Uint16Array(bytes.length);
    const last = coding.raster - 1;
    for (let path = 0, i = 0; path < paths; path++) {
      let at = about.starts[startOf(path % side ** 2)];
      for (let step = 0; step < length; step++, i++) {
        at = Math.min(Math.max(at + strides[bytes[i]], 0), last);
        points[i] = at;
      }
    }
    return points;
  }

  /** Levels of height; what stands in place of a height stays. */
  #levels(bytes, x, y) {
    const levels = new Uint8Array(bytes);
    for (let i = 0; i < levels.length; i++) {
      if (bytes[i] >= coding.outside) continue;
      const ground = this.ground[y[i] * coding.raster + x[i]];
      levels[i] = unfolded[bytes[i]] + Math.floor(ground / coding.fine);
    }
    return levels;
  }

  /** The height above the minimum, of a level that may be a fraction. */
  height(level) {
    return this.span * coding.floor * 10 ** (level / coding.decade);
  }

  /** Every so many of the columns and rows. */
  thin(every) {
    const some = (all) => all.filter((_, i) => i % every === 0);
    return { x: some(this.columns), y: some(this.rows) };
  }

  /** The ground there, [y][x], as a function of its height; null where it is missing. */
  heights(every, of) {
    const places = Array.from({ length: coding.raster }, (_, i) => i)
      .filter((i) => i % every === 0);
    return places.map((y) => places.map((x) => {
      const level = this.ground[y * coding.raster + x] / coding.fine;
      return level > coding.top ? null : of(this.height(level));
    }));
  }

  /**
   * The path of an optimizer from a start at a rate. Outside the window it waits where
   * it left and has no height, but z, the height at which it is drawn.
   */
  path(optimizer, start, rate) {
    const { x, y, levels } = this.walks[optimizer];
    const path = { x: [], y: [], z: [], height: [], inside: [], lost: [] };
    const first = (rate * side ** 2 + start) * length;
    for (let i = first; i < first + length; i++) {
      const inside = levels[i] < coding.outside;
      const ground = this.ground[y[i] * coding.raster + x[i]] / coding.fine;
      path.x.push(this.columns[x[i]]);
      path.y.push(this.rows[y[i]]);
      path.z.push(this.height(inside ? levels[i] : ground));
      path.height.push(inside ? this.height(levels[i]) : null);
      path.inside.push(inside);
      path.lost.push(levels[i] === coding.lost);
    }
    return path;
  }

  /** The level at which a path ends, or what stands in place of it. */
  end(optimizer, start, rate) {
    return this.walks[optimizer].levels[(rate * side ** 2 + start + 1) * length - 1];
  }

  /** The final height, null where the path ends outside the window or in no number. */
  final(optimizer, start, rate) {
    const level = this.end(optimizer, start, rate);
    return level < coding.outside ? this.height(level) : null;
  }

  /** The number of the rate that ends lowest, of the least where none ends inside. */
  best(optimizer, start) {
    const rate = this.walks[optimizer].best[start];
    return rate < about.rates.length ? rate : 0;
  }
}
