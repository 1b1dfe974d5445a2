// The shares of a logit, or of its lead over another one, and what the reader asks for.

/**
 * Share out a logit, or its lead over another one, among nodes, edges and pixels.
 *
 * Every node gives what it has to its in-neighbours, in the proportions in which they add to its
 * value, so that nothing is lost on the way down.
 */
function sharesOf(graph, pass, label, against) {
  const seeds = new Map();
  if (graph.logits[label]) seeds.set(graph.logits[label], 1);
  if (against !== null && graph.logits[against]) seeds.set(graph.logits[against], -1);
  const { amounts, edges, spread } = givenDown(graph, pass, seeds);
  const nodes = amounts.map((amount, place) => amount * pass.values[place]);
  const total = pass.logits[label] - (against === null ? 0 : pass.logits[against]);
  const net = netOf(graph, edges, label, against);
  const pixels = onPixels(spread, pass);
  return { label, against, total, amounts, nodes, edges, net, pixels, constant: spread[0] };
}

/** Give amounts, each per unit of its node's value, down the graph to edges and the input. */
function givenDown(graph, pass, seeds) {
  const amounts = new Float64Array(graph.nodes.length);
  const edges = new Float64Array(graph.edges.length);
  const spread = new Float64Array(pass.pixels.length + 1);
  let highest = -1;
  for (const [node, amount] of seeds) {
    amounts[node.place] = amount;
    highest = Math.max(highest, node.place);
  }
  for (let at = highest; at >= 0; at -= 1) {
    const node = graph.nodes[at];
    if (pass.off.has(node.key)) amounts[at] = 0;
    if (!amounts[at]) continue;
    const unit = amounts[at] * unitOf(node, pass);
    for (const edge of node.incoming) {
      amounts[edge.source.place] += unit * edge.weight;
      edges[edge.number] = unit * edge.weight * pass.values[edge.source.place];
    }
    if (!node.direction) continue;
    for (let place = 0; place < spread.length; place += 1) {
      spread[place] += unit * node.direction[place];
    }
  }
  return { amounts, edges, spread };
}

/** Return where in the image a node has an amount of its value from; the rest is the constant's. */
function pixelsOf(graph, pass, node, amount) {
  return onPixels(givenDown(graph, pass, new Map([[node, amount]])).spread, pass);
}

function onPixels(spread, pass) {
  return Float64Array.from(pass.pixels, (pixel, place) => spread[place + 1] * pixel);
}

/** Return the shares of edges with those into the other logit counted where they go against it. */
function netOf(graph, edges, label, against) {
  const net = Float64Array.from(edges);
  if (against === null || !graph.logits[label]) return net;
  const into = new Map(graph.logits[label].incoming.map((edge) => [edge.source, edge.number]));
  for (const { number, source } of graph.logits[against]?.incoming ?? []) {
    if (!into.has(source)) continue;
    net[into.get(source)] += edges[number];
    net[number] = 0;
  }
  return net;
}

/** Return the class that is explained and the one it is held against: the reader's, or the first two. */
function questionOf(pass, chosen) {
  const label = chosen.label ?? predicted(pass.logits);
  const others = pass.logits.map((logit, other) => (other === label ? -Infinity : logit));
  const rival = others.length > 1 ? predicted(others) : null;
  if (chosen.against === "next") return { label, against: rival };
  return { label, against: chosen.against === label ? null : chosen.against };
}
