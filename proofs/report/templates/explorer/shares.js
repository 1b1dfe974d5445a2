// The shares of a logit, or of its lead over another one, and what the reader asks for.

/**
 * Share out a logit, or its lead over another one, among nodes, edges and pixels.
 *
 * Every node gives what it has to its in-neighbours, in the proportions in which they add to its
 * value, so that nothing is lost on the way down.
 */
function sharesOf(graph, pass, label, against) {
  const amounts = new Float64Array(graph.nodes.length);
  const nodes = new Float64Array(graph.nodes.length);
  const edges = new Float64Array(graph.edges.length);
  const spread = new Float64Array(pass.pixels.length + 1);
  if (graph.logits[label]) amounts[graph.logits[label].place] = 1;
  if (against !== null && graph.logits[against]) amounts[graph.logits[against].place] = -1;
  for (const node of graph.nodes.toReversed()) {
    const amount = amounts[node.place];
    if (!amount || pass.off.has(node.key)) continue;
    nodes[node.place] = amount * pass.values[node.place];
    const unit = amount * (node.kind === "feature" ? pass.readings[node.place] : 1);
    for (const edge of node.incoming) {
      amounts[edge.source.place] += unit * edge.weight;
      edges[edge.number] = unit * edge.weight * pass.values[edge.source.place];
    }
    if (!node.direction) continue;
    for (let place = 0; place < spread.length; place += 1) {
      spread[place] += unit * node.direction[place];
    }
  }
  const pixels = Float64Array.from(pass.pixels, (pixel, place) => spread[place + 1] * pixel);
  const total = pass.logits[label] - (against === null ? 0 : pass.logits[against]);
  const net = netOf(graph, edges, label, against);
  return { label, against, total, amounts, nodes, edges, net, pixels, constant: spread[0] };
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
