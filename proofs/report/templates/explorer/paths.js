// The ways from the input to the answer, the strongest first.

/**
 * Return the paths that have the largest shares in size.
 *
 * A path begins at a node that reads the input and ends at a logit. Where a lead is explained, what
 * a path has by the two logits is one share. The largest share that any path down from a node has is
 * known, so the search always goes on where the best path lies.
 */
function strongestPaths(graph, pass, shares, count) {
  const ways = new Map(graph.nodes.map((node) => [node, waysInto(node, pass)]));
  const answer = answerOf(graph, shares, ways);
  const best = new Map();
  for (const node of [...graph.nodes, answer]) {
    const into = ways.get(node);
    const outlooks = into.steps.map(([source, step]) => Math.abs(step) * best.get(source));
    best.set(node, outlooks.reduce((most, one) => Math.max(most, one), Math.abs(into.own)));
  }
  const heap = new Heap();
  heap.push(best.get(answer), { share: 1, nodes: [answer], done: false });
  const found = [];
  while (found.length < count && heap.size) {
    const { share, nodes, done } = heap.pop();
    if (done) {
      found.push(pathOf(nodes.slice(0, -1), share, graph, pass, shares));
      continue;
    }
    const { steps, own } = ways.get(nodes[0]);
    if (share * own) heap.push(Math.abs(share * own), { share: share * own, nodes, done: true });
    for (const [source, step] of steps) {
      const outlook = Math.abs(share * step) * best.get(source);
      if (outlook) heap.push(outlook, { share: share * step, nodes: [source, ...nodes], done: false });
    }
  }
  return found;
}

/** Return what a node has per unit of its sources' values, and what it has of the input itself. */
function waysInto(node, pass) {
  if (pass.off.has(node.key)) return { steps: [], own: 0 };
  const unit = unitOf(node, pass);
  return {
    steps: node.incoming.map((edge) => [edge.source, unit * edge.weight]),
    own: unit * ownReading(node, pass),
  };
}

/** Return a node that stands for what is explained, and enter the ways into it. */
function answerOf(graph, { label, against }, ways) {
  const answer = { kind: "answer" };
  const steps = new Map();
  let own = 0;
  for (const [which, sign] of [
    [label, 1],
    [against, -1],
  ]) {
    const into = ways.get(graph.logits[which]);
    for (const [source, step] of into?.steps ?? []) {
      steps.set(source, (steps.get(source) ?? 0) + sign * step);
    }
    own += sign * (into?.own ?? 0);
  }
  ways.set(answer, { steps: [...steps], own });
  return answer;
}

/** Describe a path: its nodes from the input upwards, its share, and of that the pixels'. */
function pathOf(nodes, share, graph, pass, { label, against }) {
  const ends = [
    [graph.logits[label], 1],
    [graph.logits[against], -1],
  ];
  const pixels = new Float64Array(pass.pixels.length);
  const readers = nodes.length ? [[nodes[0], share / ownReading(nodes[0], pass)]] : ends;
  for (const [node, factor] of readers) {
    if (!node?.direction || pass.off.has(node.key)) continue;
    pass.pixels.forEach((pixel, place) => {
      pixels[place] += factor * node.direction[place + 1] * pixel;
    });
  }
  return { nodes, share, pixels };
}

/** A queue that gives out what is largest. */
class Heap {
  #rows = [];

  get size() {
    return this.#rows.length;
  }

  push(rank, value) {
    const rows = this.#rows;
    let at = rows.push({ rank, value }) - 1;
    while (at > 0 && rows[(at - 1) >> 1].rank < rank) {
      [rows[at], rows[(at - 1) >> 1]] = [rows[(at - 1) >> 1], rows[at]];
      at = (at - 1) >> 1;
    }
  }

  pop() {
    const rows = this.#rows;
    const [top] = rows;
    const last = rows.pop();
    if (rows.length === 0) return top.value;
    rows[0] = last;
    for (let at = 0; ; ) {
      let next = 2 * at + 1;
      if (next >= rows.length) break;
      if (rows[next + 1]?.rank > rows[next].rank) next += 1;
      if (rows[next].rank <= rows[at].rank) break;
      [rows[at], rows[next]] = [rows[next], rows[at]];
      at = next;
    }
    return top.value;
  }
}
