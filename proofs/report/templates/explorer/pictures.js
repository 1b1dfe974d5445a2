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
  const stops = scales[night.matches ? "night" : "day"];
  const place = (Math.min(1, Math.max(-1, number)) + 1) * 2;
  const below = Math.min(3, Math.floor(place));
  const part = place - below;
  return stops[below].map((start, channel) => start + part * (stops[below + 1][channel] - start));
}

function ink(number) {
  const level = night.matches ? 22 + 222 * number : 250 - 232 * number;
  return [level, level, level];
}

/** Draw numbers in the rows of a picture. */
function draw(canvas, numbers, [height, width], colour) {
  canvas.height = height;
  canvas.width = width;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  numbers.forEach((number, place) => {
    picture.data.set([...colour(number), 255], 4 * place);
  });
  context.putImageData(picture, 0, 0);
}

/** Make a picture of weights or shares: red adds, blue takes away, the range is symmetric. */
function signedPicture(numbers, size, label = "") {
  const canvas = described(label);
  const limit = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0) || 1;
  canvas.redraw = () => draw(canvas, numbers, size, (number) => diverging(number / limit));
  canvas.redraw();
  return canvas;
}

function digitPicture(pixels, size, label = "") {
  const canvas = described(label);
  canvas.redraw = () => draw(canvas, pixels, size, ink);
  canvas.redraw();
  return canvas;
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
