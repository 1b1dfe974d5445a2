// The graph as it is looked at: nodes that can be pointed at, edges drawn between them.

/** Build the view; `act` is told what the reader does: open, toggle. */
function graphView(graph, pictures, size, act) {
  const board = byId("graph"); // scrolls; what is in it may be wider
  const drawing = byId("edges");
  const tiles = new Map(graph.nodes.map((node) => [node, tileOf(node, pictures, size)]));
  let current = { places: new Map(), lines: [], pass: null };
  const made = new Map(); // lines by edge, which are drawn anew where they change
  let reached = null; // the node that the keyboard is at

  function reach(node, focus) {
    if (reached) tiles.get(reached).tabIndex = -1;
    reached = node;
    tiles.get(node).tabIndex = 0;
    if (focus) tiles.get(node).focus();
  }

  function render(known) {
    const { shown, pass, shares, chosen } = known;
    const layout = layoutOf(graph, shown, board.clientWidth - 24);
    const inner = byId("nodes");
    inner.style.width = `${layout.width}px`;
    inner.style.height = `${layout.height}px`;
    for (const side of ["width", "height"]) {
      if (drawing.getAttribute(side) !== String(layout[side])) drawing.setAttribute(side, layout[side]);
    }
    const largest = Math.max(0, ...pass.logits.map(Math.abs)) || 1;
    const wanted = [];
    for (const [node, place] of layout.places) {
      const tile = tiles.get(node);
      tile.style.left = `${place.x}px`;
      tile.style.top = `${place.y}px`;
      dress(node, tile, known, largest);
      wanted.push(tile);
    }
    putUp(inner, drawing, layout.columns.map(heading), wanted);
    const amounts = amountsOf(shown.edges, shares, chosen);
    const lines = shown.edges.map((edge) => lineOf(edge, layout.places, amounts.get(edge), made));
    lines.sort((first, second) => first.width - second.width);
    layDown(drawing, lines);
    current = { places: layout.places, lines, pass, shares, chosen };
    const rest = residualTile(known, layout, act);
    if (rest) {
      inner.append(rest.tile);
      drawing.append(rest.line);
    }
    if (!layout.places.has(reached)) reach(layout.places.keys().next().value, false);
  }

  function highlight(node) {
    board.classList.toggle("pointing", node !== null);
    const near = new Set([node]);
    for (const line of current.lines) {
      const touches = line.edge.source === node || line.edge.target === node;
      line.drawn.classList.toggle("lit", touches);
      if (touches) near.add(line.edge.source).add(line.edge.target);
    }
    for (const other of current.places.keys())
      tiles.get(other).classList.toggle("near", near.has(other));
    preview(node, current, pictures, size);
  }

  /** Light up a path, or nothing. */
  function trace(nodes) {
    const way = new Set(nodes);
    const end = `logit-${current.shares.label}`;
    const steps = new Set(nodes?.map((node, place) => `${node.key} ${nodes[place + 1]?.key ?? end}`));
    board.classList.toggle("pointing", nodes !== null);
    for (const { drawn } of current.lines) drawn.classList.toggle("lit", steps.has(drawn.dataset.edge));
    for (const node of current.places.keys()) {
      tiles.get(node).classList.toggle("near", way.has(node) || node.kind === "logit");
    }
  }

  const nodeAt = (target) => {
    const tile = target.closest?.(".node");
    return tile ? graph.byKey.get(tile.dataset.node) : null;
  };
  board.addEventListener("pointerover", (event) => highlight(nodeAt(event.target)));
  board.addEventListener("pointerleave", () => highlight(null));
  board.addEventListener("focusin", (event) => {
    const node = nodeAt(event.target);
    if (node) reach(node, false);
    highlight(node);
  });
  board.addEventListener("focusout", () => highlight(null));
  board.addEventListener("click", (event) => {
    const node = nodeAt(event.target);
    if (node) act.open(node);
  });
  board.addEventListener("keydown", (event) => {
    const node = nodeAt(event.target);
    if (!node) return;
    const direction = arrows[event.key];
    if (direction) {
      const next = neighbourTowards(current.places, node, direction);
      if (next) reach(next, true);
    } else if (event.key === "Enter") act.open(node);
    else if (event.key === " ") act.toggle(node);
    else return;
    event.preventDefault();
  });
  return { render, trace, focus: (node) => current.places.has(node) && reach(node, true) };
}

/** Put up headings and tiles; tiles that stand there already are left, as all would be drawn anew. */
function putUp(inner, drawing, headings, tiles) {
  const standing = inner.querySelectorAll(".node");
  byId("residual")?.remove();
  if (standing.length === tiles.length && tiles.every((tile, at) => tile === standing[at])) {
    for (const old of inner.querySelectorAll(".heading")) old.remove();
    drawing.after(...headings);
    return;
  }
  const focused = document.activeElement;
  inner.replaceChildren(drawing, ...headings, ...tiles);
  if (tiles.includes(focused)) focused.focus({ preventScroll: true });
}

const arrows = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

function tileOf(node, pictures, size) {
  const tile = element("button", {
    type: "button",
    class: `node ${node.kind}`,
    "data-node": node.key,
    tabindex: "-1",
  });
  const pattern = isConstant(node) || node.kind === "logit" ? null : patternOf(node, pictures);
  if (pattern) tile.append(signedPicture(pattern.numbers, size));
  if (isConstant(node)) tile.append(element("span", { class: "one" }, "1"));
  if (node.kind === "logit") {
    tile.append(element("b", { title: node.called }, node.called), element("span", { class: "level" }));
    tile.append(element("span", { class: "number" }));
  } else {
    if (node.kind === "form" && node.index) {
      tile.append(element("span", { class: "badge" }, String(node.index)));
    }
    tile.append(element("span", { class: "gauge" }, element("i", {})));
  }
  return tile;
}

/** Show in a tile what its node is on the digit. */
function dress(node, tile, { pass, whole, chosen, shares }, largest) {
  const value = pass.values[node.place];
  const off = pass.off.has(node.key);
  const factor = pass.scaled.get(node.key);
  const winner = node.kind === "logit" && predicted(pass.logits) === node.index;
  tile.classList.toggle("off", off);
  tile.classList.toggle("scaled", factor !== undefined);
  tile.classList.toggle("pinned", chosen.pinned.has(node.key));
  tile.classList.toggle("open", chosen.node === node.key);
  tile.classList.toggle("winner", winner);
  tile.classList.toggle("explained", node.kind === "logit" && shares.label === node.index);
  const own = chosen.names.get(node.key);
  const words = [own ? `${nameOf(node)}, ${own}` : nameOf(node)];
  words.push(off ? "switched off" : `value ${short(value)}`);
  if (factor !== undefined) words.push(`scaled by ${short(factor)}`);
  if (chosen.pinned.has(node.key)) words.push("pinned");
  tile.setAttribute("aria-label", words.join(", ") + (winner ? ", the largest" : ""));
  tile.setAttribute("aria-current", String(chosen.node === node.key));
  if (node.kind === "logit") {
    const before = isChanged(pass) ? whole.values[node.place] : null;
    tile.classList.toggle("changed", before !== null);
    tile.querySelector(".level").replaceChildren(bar(value / largest));
    tile
      .querySelector(".number")
      .replaceChildren(
        before === null ? "" : `${level(before)} → `,
        exactly(value, level(value)),
      );
  } else {
    const most = Math.max(...node.range.map(Math.abs)) || 1;
    const gauge = tile.querySelector(".gauge i");
    gauge.className = value < 0 ? "negative" : "positive";
    gauge.style.width = `${Math.min(100, (100 * Math.abs(value)) / most)}%`;
  }
}

/** Draw what the graph leaves out as a node of its own, with its edge to what is explained. */
function residualTile(known, layout, act) {
  const left = residuals(known);
  const end = layout.places.get(known.graph.logits[known.shares.label]);
  const column = layout.columns.findLast(({ title }) => title === "Features");
  if (!left || !end || !column) return null;
  const share = residualShare(left, known.shares);
  const amount = share / limitOf(known.shares.net);
  const words = element("span", {}, "left out ", exactly(share, signed(share)));
  const tile = element(
    "button",
    {
      type: "button",
      id: "residual",
      class: known.chosen.node === leftOut ? "residual open" : "residual",
      "aria-label": `What the graph leaves out of the network here, share ${signed(share)}`,
      click: () => act.openResidual(),
    },
    words,
  );
  const right = column.left + column.width;
  const at = layout.columns.indexOf(column);
  const place = { x: right - 45, y: layout.height - 16, half: 52, last: true, column: at, right };
  tile.style.left = `${place.x}px`;
  tile.style.top = `${place.y}px`;
  const line = shape("path", {
    d: curve(place, end),
    class: `left-out ${amount < 0 ? "negative" : "positive"}`,
    "stroke-width": (0.7 + 6 * Math.min(1, Math.abs(amount))).toFixed(2),
    "stroke-opacity": "0.6",
  });
  return { tile, line };
}

function heading(column) {
  const hidden = column.all.length - column.nodes.length;
  const number = hidden ? `${counts.format(column.nodes.length)} of ` : "";
  const text = `${number}${counts.format(column.all.length)} ${column.of}`.trim();
  const made = element(
    "div",
    { class: "heading" },
    element("b", {}, column.title),
    element("span", {}, column.title === "Logits" ? "here" : text),
  );
  made.style.left = `${column.left}px`;
  made.style.width = `${Math.max(column.width, 90)}px`;
  return made;
}

/** Return how thick edges are, from -1 to 1: of shares, beside the largest of all edges. */
function amountsOf(edges, shares, chosen) {
  if (chosen.edges === "weights") {
    return new Map(edges.map((edge) => [edge, (Math.sign(edge.weight) * edge.strength ** 2) / 2]));
  }
  const largest = limitOf(shares.net);
  return new Map(edges.map((edge) => [edge, shares.net[edge.number] / largest]));
}

function lineOf(edge, places, amount, made) {
  const width = 0.7 + 6 * Math.abs(amount);
  const wanted = {
    d: curve(places.get(edge.source), places.get(edge.target)),
    class: `edge ${amount < 0 ? "negative" : "positive"}`,
    "stroke-width": width.toFixed(2),
    // In steps too small to be seen, as most lines then stay as they are.
    "stroke-opacity": (Math.round(20 * (0.2 + 0.65 * Math.sqrt(Math.abs(amount)))) / 20).toFixed(2),
  };
  let line = made.get(edge);
  if (!line) {
    line = { drawn: shape("path", { "data-edge": `${edge.source.key} ${edge.target.key}` }), said: {} };
    made.set(edge, line);
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (line.said[name] !== value) line.drawn.setAttribute(name, value);
  }
  line.said = wanted;
  return { edge, drawn: line.drawn, width };
}

const many = 600; // lines; so many stay in the order in which they were drawn first

/** Lay lines down, the widest on top. */
function layDown(drawing, lines) {
  const drawn = lines.map((line) => line.drawn);
  const there = new Set(drawing.children);
  for (const rest of drawing.querySelectorAll(".left-out")) {
    rest.remove();
    there.delete(rest);
  }
  if (drawn.length > many && drawn.length === there.size && drawn.every((one) => there.has(one))) return;
  drawing.replaceChildren(...drawn);
}

/** Say beside a node what it is, while it is pointed at. */
function preview(node, { places, pass, shares, chosen }, pictures, size) {
  const card = byId("preview");
  card.hidden = node === null || !places.has(node);
  if (card.hidden) return;
  const pattern = isConstant(node) ? null : patternOf(node, pictures);
  const share = shares.nodes[node.place];
  card.replaceChildren(
    ...(pattern ? [signedPicture(pattern.numbers, size)] : []),
    element("b", {}, capital(nameOf(node))),
    ...(chosen.names.has(node.key) ? [element("i", {}, chosen.names.get(node.key))] : []),
    element("span", {}, `value ${short(pass.values[node.place])}`),
    element("span", {}, `share ${signed(share)}`),
  );
  const { x, y, half } = places.get(node);
  const nodes = byId("nodes");
  const onTheLeft = x + half + 12 + card.offsetWidth > nodes.clientWidth;
  const left = onTheLeft ? x - half - 12 - card.offsetWidth : x + half + 12;
  card.style.left = `${nodes.offsetLeft + left}px`;
  card.style.top = `${Math.max(0, Math.min(y - 60, nodes.clientHeight - card.offsetHeight))}px`;
}
