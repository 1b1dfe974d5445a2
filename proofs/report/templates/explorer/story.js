// The story of a digit: one sentence, and the paths that carry its answer.

const told = 6; // paths, to begin with
const nearly = 0.15; // of a share, what two that nearly cancel leave at most

/** Say what is answered, by how much, what the network says if it says something else, and why. */
function answerWords(known) {
  const { graph, digits, pass, shares, chosen } = known;
  const { called, shape: { noun } } = digits;
  const said = predicted(pass.logits);
  const which = chosen.ink ? `your ${noun}` : `test ${noun} ${chosen.digit}`;
  const lead = shares.against === null ? null : shares.total;
  const place = digits.places.get(chosen.digit);
  const wrong = !chosen.ink && digits.labels[place] !== said;
  const network = chosen.ink ? said : predicted([...digits.outputs[place]]);
  const words = [
    `The graph reads ${which} as `,
    element("b", { class: wrong ? "fails" : null }, called(said)),
    wrong ? ` (it is labelled ${called(digits.labels[place])})` : "",
  ];
  if (lead !== null) {
    const [led, by] = [called(shares.label), called(shares.against)];
    const ahead = lead < 0 ? "behind" : "ahead of";
    words.push(`: ${said === shares.label ? "" : `${led} is `}${short(Math.abs(lead))} ${ahead} ${by}`);
  } else words.push(`: the logit of ${called(shares.label)} is ${short(shares.total)}`);
  if (network !== said) words.push("; ", element("b", {}, `the network says ${called(network)}`));
  return [...words, ...reasons(graph, shares, chosen), "."];
}

/** Say which features have the largest shares; two of them that nearly cancel, as such. */
function reasons(graph, shares, { layer }) {
  const strongest = graph.nodes
    .filter((node) => node.kind === "feature" && node.layer === layer)
    .map((node) => [node, shares.nodes[node.place]])
    .filter(([, share]) => share)
    .toSorted((first, second) => Math.abs(second[1]) - Math.abs(first[1]));
  if (strongest.length === 0) return [];
  const [[first, share]] = strongest;
  const pair = strongest.slice(1, 4).find(([, other]) => Math.abs(share + other) <= nearly * Math.abs(share));
  const words = [];
  let rest = strongest;
  if (pair) {
    const [other, opposite] = pair;
    words.push(`. Features ${first.index} and ${other.index} nearly cancel, `);
    words.push(exactly(share, signed(share)), " and ", exactly(opposite, signed(opposite)));
    rest = strongest.filter(([node]) => node !== first && node !== other);
  }
  const named = rest.slice(0, pair ? 2 : 3);
  named.forEach(([node, amount], at) => {
    const start = pair ? "; beside them " : ". Largest shares: ";
    words.push(at === 0 ? start : at === named.length - 1 ? " and " : ", ");
    words.push(`feature ${node.index} ${amount < 0 ? "takes" : "gives"} `, exactly(amount, signed(amount)));
  });
  return words;
}

/** List the strongest paths from patches of the image to the answer, and what all others give. */
function storyOf({ graph, digits, pictures, pass, shares, act }, count = told) {
  const list = element("ol", { class: "paths" });
  const fill = (number) => {
    const paths = strongestPaths(graph, pass, shares, number);
    const scale = Math.max(...paths.map((path) => Math.abs(path.share)), 0) || 1;
    const rest = shares.total - paths.reduce((sum, path) => sum + path.share, 0);
    const rows = paths.map((path) => pathRow(path, scale, digits, pass, pictures, act));
    const more = () => fill(2 * number);
    rows.push(
      element(
        "li",
        { class: "rest" },
        element("span", { class: "what" }, "all other paths together"),
        element("span", { class: "number" }, exactly(rest, signed(rest))),
        paths.length === number
          ? element("button", { type: "button", class: "link", click: more }, "show more")
          : null,
      ),
    );
    list.replaceChildren(...rows);
  };
  fill(count);
  return [
    element("h4", {}, "The strongest paths"),
    element(
      "p",
      { class: "small" },
      `From the ${digits.shape.part}s that a path reads here, through features, to the answer. Exact ` +
        "shares: with all other paths they sum to ",
      exactly(shares.total, short(shares.total, 4)),
      ".",
    ),
    list,
  ];
}

function pathRow({ nodes, share, pixels }, scale, digits, pass, pictures, act) {
  const steps = nodes.flatMap((node) => [
    element("span", { class: "arrow", "aria-hidden": "true" }, "→"),
    element(
      "button",
      {
        type: "button",
        class: `step ${node.kind}`,
        "data-open": node.key,
        "aria-label": nameOf(node),
        title: nameOf(node),
        click: () => act.open(node),
      },
      act.thumbnail(node),
      element("span", {}, node.kind === "feature" ? String(node.index) : shortName(node)),
    ),
  ]);
  if (nodes.length === 0) steps.push(element("span", { class: "arrow" }, "→ straight to the logit"));
  return element(
    "li",
    {
      "data-path": nodes.map((node) => node.key).join(" "),
      pointerenter: () => act.trace(nodes),
      pointerleave: () => act.trace(null),
    },
    placePicture(pixels, pass.pixels, digits.shape),
    element("span", { class: "way" }, ...steps),
    bar(share / scale),
    element("span", { class: "number" }, exactly(share, signed(share))),
  );
}
