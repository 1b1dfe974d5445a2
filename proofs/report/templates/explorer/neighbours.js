// What an image is held against: inputs near it of another class, and which features change on the way.

/** Return by place what leads from a digit to a near input that the network gives another class. */
function neighboursBy({ places, scales }, steps, outputs) {
  const entries = places.map((place, row) => [
    place,
    { step: Float64Array.from(steps[row], (part) => scales[row] * part), outputs: outputs[row] },
  ]);
  return new Map(entries);
}

/** Return the step to the nearest input of another class and that class, where one is known. */
function nearOf({ digits, chosen }) {
  const near = chosen.ink ? null : digits.neighbours.get(digits.places.get(chosen.digit));
  return near ? { step: near.step, reached: predicted([...near.outputs]) } : null;
}

/** Show the nearest input of another class, where one is known, and what changes on the way. */
function nearestInput(known) {
  const { digits, pass, chosen, shares, act } = known;
  const near = nearOf(known);
  if (!near) return [];
  const { step, reached } = near;
  const { shape, called, radii } = digits;
  const place = digits.places.get(chosen.digit);
  const pixels = Float64Array.from(pass.pixels, (pixel, at) => Math.fround(pixel + step[at]));
  const own = predicted([...digits.outputs[place]]);
  const radius = radii.values[place];
  const sure = radius ? `, and within ${radius.toFixed(4)} there is none` : "";
  const figure = (canvas, words, numbers) =>
    element("figure", {}, canvas, namedInputs(numbers, shape), element("figcaption", {}, words));
  const asked = shares.label === own && shares.against === reached;
  return [
    element("h4", {}, "The nearest input of another class"),
    element(
      "div",
      { class: "looks near" },
      figure(digitPicture(pixels, shape, "the input"), `the network says ${called(reached)}`, pixels),
      figure(signedPicture(step, shape, "the step"), "red is added, blue taken away", step),
    ),
    element(
      "p",
      { class: "small" },
      "At the distance ",
      exactly(distance(pixels, pass.pixels)),
      ` the network says ${called(reached)} instead of ${called(own)}. An attack found none much nearer${sure}. `,
      asked
        ? null
        : element(
            "button",
            { type: "button", class: "link", click: () => act.step({ label: own, against: reached }) },
            `Explain ${called(own)} over ${called(reached)}`,
          ),
    ),
    ...changesTo(pixels, known, "steps"),
  ];
}

/** Show the nearest digit of the page with another label, and what is different on it. */
function nearestDigit(known) {
  const { digits, pass, chosen, act } = known;
  const place = nearestOfAnother(digits, pass.pixels, chosen);
  if (place === null) return [];
  const [index, label] = [digits.indices[place], digits.called(digits.labels[place])];
  const { noun } = digits.shape;
  return [
    element("h4", {}, `The nearest ${noun} with another label`),
    element(
      "div",
      { class: "digits" },
      thumb(place, digits, chosen, act),
      element(
        "p",
        { class: "small" },
        `Of those in this page: test ${noun} ${index}, labelled ${label}, at the distance `,
        exactly(distance(digits.pixels[place], pass.pixels)),
        ".",
      ),
    ),
    ...changesTo(digits.pixels[place], known, "changes"),
  ];
}

/** List what features have of what is explained on another image beside what they have on this one. */
function changesTo(pixels, { graph, pass, shares, chosen, digits, act }, name) {
  const other = forwardPass(graph, pixels, pass.off, pass.scaled);
  const there = sharesOf(graph, other, shares.label, shares.against);
  const rows = graph.nodes
    .filter((node) => node.kind === "feature" && node.layer === chosen.layer)
    .map((node) => ({
      node,
      amount: there.nodes[node.place] - shares.nodes[node.place],
      note: `${signed(shares.nodes[node.place])} here, ${signed(there.nodes[node.place])} there`,
    }));
  const scale = Math.max(...rows.map((row) => Math.abs(row.amount))) || 1;
  const given = rows.reduce((sum, row) => sum + row.amount, 0);
  const rest = there.total - shares.total - given;
  const words = shares.against === null ? "The logit" : "The lead";
  return [
    element(
      "p",
      { class: "small" },
      `${words} of ${aim(shares, digits)} is ${short(shares.total)} here and ${short(there.total)} there. `,
      "What changes:",
    ),
    nodeList(rows, {
      scale,
      act,
      few: 5,
      name,
      rest: Math.abs(rest) > 1e-9 * scale ? restRow(rest, scale) : null,
    }),
  ];
}

function nearestOfAnother(digits, pixels, chosen) {
  const own = chosen.ink ? null : digits.labels[digits.places.get(chosen.digit)];
  let [best, nearest] = [Infinity, null];
  digits.pixels.forEach((other, place) => {
    const same = chosen.ink ? digits.indices[place] === chosen.digit : digits.labels[place] === own;
    if (same) return;
    const far = distance(other, pixels, best);
    if (far < best) [best, nearest] = [far, place];
  });
  return nearest;
}

/** Return the Euclidean norm of what two images differ by; from so much on, that it is no less. */
function distance(first, second, enough = Infinity) {
  const most = enough ** 2;
  let sum = 0;
  for (let place = 0; place < first.length && sum <= most; place += 1) {
    const apart = first[place] - second[place];
    sum += apart * apart;
  }
  return Math.sqrt(sum);
}
