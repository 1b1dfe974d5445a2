// Pictures of readings, of shares and of digits, in the colours of day or night.

const night = matchMedia("(prefers-color-scheme: dark)");

const scales = {
  day: [
    [33, 102, 172],
    [146, 197, 222],
    [247, 247, 247],
    [244, 165, 130],
    [178, 24, 43],
  ],
  night: [
    [126, 190, 255],
    [44, 98, 152],
    [23, 27, 33],
    [148, 58, 50],
    [255, 146, 122],
  ],
};

/** Return the colour of a number from -1 to 1: blue, nothing, red. */
function diverging(number) {
  const table = (shades[night.matches ? "night" : "day"] ??= shadesOf(scales[night.matches ? "night" : "day"]));
  return table[Math.round((Math.min(1, Math.max(-1, number)) + 1) * 256)];
}

const shades = {};

function shadesOf(stops) {
  return Array.from({ length: 513 }, (_, shade) => {
    const below = Math.min(3, Math.floor(shade / 128));
    const part = shade / 128 - below;
    return stops[below].map((start, channel) => start + part * (stops[below + 1][channel] - start));
  });
}

function ink(number) {
  const level = night.matches ? 22 + 222 * number : 250 - 232 * number;
  return [level, level, level];
}

/** Draw a picture whose colours are given by place, row by row; a place without one stays empty. */
function draw(canvas, rows, columns, colourAt) {
  canvas.height = rows;
  canvas.width = columns;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(columns, rows);
  const { data } = picture;
  for (let place = 0; place < rows * columns; place += 1) {
    const colour = colourAt(place);
    if (!colour) continue;
    data[4 * place] = colour[0];
    data[4 * place + 1] = colour[1];
    data[4 * place + 2] = colour[2];
    data[4 * place + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

const barHeight = 33;

/** Draw numbers as bars up and down from the middle. */
function drawBars(canvas, numbers) {
  const middle = (barHeight - 1) / 2;
  draw(canvas, barHeight, numbers.length, (place) => {
    const level = middle - Math.floor(place / numbers.length);
    const end = Math.round(numbers[place % numbers.length] * middle);
    const within = level === 0 || (level > 0 ? level <= end : level >= end);
    return within ? diverging(Math.sign(end)) : null;
  });
}

/** Return the numbers of inputs in the rows and columns in which they are shown. */
function placed(numbers, size) {
  return size.order ? size.order.map((input) => numbers[input]) : numbers;
}

function limitOf(numbers) {
  return numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0) || 1;
}

/** Make a picture of weights or shares: red adds, blue takes away, the range is symmetric. */
function signedPicture(numbers, size, label = "") {
  const limit = limitOf(numbers);
  const parts = [...placed(numbers, size)].map((number) => number / limit);
  const canvas = described(label);
  if (size.names) canvas.className = "stretched";
  canvas.redraw = () =>
    size.kind === "bars"
      ? drawBars(canvas, parts)
      : draw(canvas, size.rows, size.columns, (place) => diverging(parts[place]));
  canvas.redraw();
  return canvas;
}

/** Make a picture of an input itself: ink on paper, or its colours; what is no picture is signed. */
function digitPicture(pixels, size, label = "") {
  if (size.names) return signedPicture(pixels, size, label);
  const canvas = described(label);
  const shown = placed(pixels, size);
  const width = size.kind === "colour" ? size.columns / 3 : size.columns;
  const coloured = (place) => {
    const start = Math.floor(place / width) * size.columns + (place % width);
    return [0, 1, 2].map((channel) => 255 * Math.min(1, Math.max(0, shown[start + channel * width])));
  };
  const colourAt = size.kind === "colour" ? coloured : (place) => ink(shown[place]);
  canvas.redraw = () => draw(canvas, size.rows, width, colourAt);
  canvas.redraw();
  return canvas;
}

/** Show over an image where in it an amount comes from: ink is faint, shares are red and blue. */
function placePicture(shares, pixels, size, label = "") {
  if (size.kind !== "picture") return signedPicture(shares, size, label);
  const [parts, ground] = [placed(shares, size), placed(pixels, size)];
  const limit = limitOf(shares);
  const canvas = described(label);
  const mixed = [0, 0, 0];
  const colourAt = (place) => {
    const part = parts[place] / limit;
    const paper = ink(0.22 * ground[place]);
    const strong = Math.min(1, 2.5 * Math.abs(part));
    const colour = diverging(part);
    for (let at = 0; at < 3; at += 1) mixed[at] = strong * colour[at] + (1 - strong) * paper[at];
    return mixed;
  };
  canvas.redraw = () => draw(canvas, size.rows, size.columns, colourAt);
  canvas.redraw();
  return canvas;
}

const named = 8;

/** List the largest numbers by the names of their inputs; the pixels of a picture have none. */
function namedInputs(numbers, size) {
  if (!size.names) return null;
  const limit = limitOf(numbers);
  const order = [...numbers.keys()].filter((input) => numbers[input] !== 0);
  order.sort((first, second) => Math.abs(numbers[second]) - Math.abs(numbers[first]));
  const rows = order
    .slice(0, named)
    .map((input) =>
      element(
        "li",
        {},
        element("span", { class: "what" }, size.names[input]),
        bar(numbers[input] / limit),
        element("span", { class: "number" }, exactly(numbers[input])),
      ),
    );
  const left = order.length - rows.length;
  if (left > 0) rows.push(element("li", {}, `${counts.format(left)} smaller`));
  return element("ol", { class: "named" }, ...rows);
}

/** Return a copy of a picture that is made once for each key. */
function copyOf(made, key, make) {
  if (!made.has(key)) made.set(key, make());
  const picture = made.get(key);
  const copy = described("");
  copy.className = picture.className;
  copy.redraw = () => {
    picture.redraw();
    copy.getContext("2d").drawImage(picture, 0, 0);
  };
  [copy.width, copy.height] = [picture.width, picture.height];
  copy.getContext("2d").drawImage(picture, 0, 0);
  return copy;
}

/** A picture without a label stands beside words that say the same. */
function described(label) {
  const canvas = element("canvas", label ? { role: "img", "aria-label": label } : {});
  if (!label) canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

night.addEventListener("change", () => {
  for (const canvas of document.querySelectorAll("canvas")) canvas.redraw?.();
});

/** Return the numbers of a node's picture, and with which sign they count. */
function patternOf(node, pictures) {
  if (!node.patterns) return { sign: 1, numbers: node.direction.subarray(1) };
  const strongest = node.spectrum.length && node.spectrum[0] < 0 ? -1 : 1;
  const found = node.patterns.find(([sign]) => sign === strongest);
  return found ? { sign: found[0], numbers: pictures[found[1]] } : null;
}
