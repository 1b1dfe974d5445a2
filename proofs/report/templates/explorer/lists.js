// Lists of nodes with bars, which say how many they leave out and show them when asked.

const listed = 10;

/** List rows `{ node, amount, note }`, the largest amounts first. */
function nodeList(rows, { scale, act, few = listed, rest = null, name = null }) {
  const ordered = rows.toSorted(
    (first, second) => Math.abs(second.amount) - Math.abs(first.amount),
  );
  const list = element("ol", { class: name ? `list ${name}` : "list" });
  const fill = (count) => {
    const made = ordered.slice(0, count).map((row) => nodeRow(row, scale, act));
    const left = ordered.slice(count);
    if (left.length) made.push(remainder(left, scale, () => fill(ordered.length)));
    if (rest) made.push(element("li", { class: "rest" }, ...rest));
    list.replaceChildren(...made);
  };
  fill(few);
  return list;
}

/** Say what goes around the nodes of a list. */
function restRow(amount, scale) {
  return [
    element("span", { class: "what" }, "around them: constants, linear parts "),
    bar(amount / scale),
    element("span", { class: "number" }, signed(amount)),
  ];
}

function nodeRow({ node, amount, note, picture }, scale, act) {
  const button = element(
    "button",
    {
      type: "button",
      class: picture ? "pictured" : null,
      "data-open": node.key,
      click: () => act.open(node),
    },
    act.thumbnail(node),
    picture ? picture() : null,
    element("span", { class: "what" }, capital(shortName(node))),
    bar(amount / scale),
    element("span", { class: "number" }, exactly(amount, signed(amount))),
  );
  const own = act.ownName(node);
  if (own) button.append(element("span", { class: "note own-name" }, own));
  if (note) button.append(element("span", { class: "note" }, note));
  return element("li", {}, button);
}

function remainder(rows, scale, all) {
  const sum = rows.reduce((total, row) => total + row.amount, 0);
  return element(
    "li",
    { class: "rest" },
    element(
      "span",
      { class: "what" },
      rows.length === 1 ? "1 other" : `${counts.format(rows.length)} others together`,
    ),
    bar(sum / scale),
    element("span", { class: "number" }, signed(sum)),
    element("button", { type: "button", class: "link", click: all }, "show all"),
  );
}
