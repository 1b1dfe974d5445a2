// What values a node takes on all test digits: by class, how often, and on which.

/** Draw the mean value of each class as a bar, with the classes that have images. */
function classMeans(node, { digits: { called, shape: { noun } } }) {
  const limit = limitOf(node.means.map((mean) => mean ?? 0));
  const rows = node.means.map((mean, label) =>
    element(
      "li",
      {},
      element("span", { class: "what" }, called(label)),
      mean === null ? element("span", {}, "") : bar(mean / limit),
      element("span", { class: "number" }, mean === null ? `no ${noun}` : exactly(mean)),
    ),
  );
  return [
    element("h4", {}, "Its mean on each class"),
    element("ol", { class: "named means" }, ...rows),
  ];
}

/** Draw how often values occur, on a scale of square roots, and mark the one on this image. */
function histogram(node, pass, { digits: { total, shape: { noun } } }) {
  const [least, most] = node.range;
  const value = pass.values[node.place];
  const largest = Math.sqrt(Math.max(...node.bins));
  const bars = node.bins.map((count) => {
    const made = element("i", { title: `${counts.format(count)} ${noun}s` });
    made.style.height = `${((100 * Math.sqrt(count)) / largest).toFixed(1)}%`;
    return element("span", {}, made);
  });
  const place = Math.min(1, Math.max(0, (value - least) / (most - least || 1)));
  const mark = element("b", { class: "mark" });
  mark.style.left = `${(100 * place).toFixed(2)}%`;
  const outside = value < least || value > most;
  const words = `values from ${short(least)} to ${short(most)} on ${counts.format(total)} test ${noun}s, ${short(value)} here`;
  return [
    element("h4", {}, "How often which value"),
    element(
      "div",
      { class: "histogram", role: "img", "aria-label": words, "data-mark": place.toFixed(4) },
      ...bars,
      mark,
    ),
    element(
      "p",
      { class: "ends small" },
      element("span", {}, short(least)),
      element("span", {}, outside ? `here ${short(value)}, beyond all` : `▲ here ${short(value)}`),
      element("span", {}, short(most)),
    ),
  ];
}

/** Show the digits of the largest values, and some over all values, with where each is read. */
function examples(node, known) {
  if (isConstant(node)) return [];
  const { noun } = known.digits.shape;
  const most = node.most.map(([index, value]) => example(node, index, value, null, known));
  const others = node.quantiles.map(([part, index, value]) =>
    example(node, index, value, `larger than ${Math.round(100 * part)} % of all`, known),
  );
  return [
    element("h4", {}, `${capital(noun)}s that excite it most`),
    element("div", { class: "digits" }, ...most),
    element("h4", {}, "and from the largest values to the least"),
    element("div", { class: "digits" }, ...others),
  ];
}

function example(node, index, value, standing, { graph, digits, chosen, act }) {
  const { noun } = digits.shape;
  const place = digits.places.get(index);
  const label = `test ${noun} ${index}, labelled ${digits.called(digits.labels[place])}, value ${short(value)}`;
  const words = standing ? `${label}, ${standing}` : label;
  const there = forwardPass(graph, digits.pixels[place], new Set());
  return element(
    "button",
    {
      type: "button",
      class: "digit",
      "data-digit": String(index),
      "aria-label": words,
      "aria-pressed": String(!chosen.ink && index === chosen.digit),
      title: words,
      click: () => act.pick(index),
    },
    digitPicture(digits.pixels[place], digits.shape),
    placePicture(pixelsOf(graph, there, node, 1), digits.pixels[place], digits.shape),
    element("span", {}, standing ? `${standing.match(/\d+/)[0]} %` : short(value, 2)),
  );
}

const alike = 0.7; // of the largest mean, from which on a class is named beside it

/** Name the classes on which a node is largest on average, at most three. */
function mostOn({ means }, { called }) {
  const known = means.map((mean, label) => [mean ?? -Infinity, label]).toSorted((a, b) => b[0] - a[0]);
  const [most] = known[0];
  const named = known.filter(([mean]) => mean > 0 && mean >= alike * most).slice(0, 3);
  return named.length ? `most on ${named.map(([, label]) => called(label)).join(", ")}` : null;
}
