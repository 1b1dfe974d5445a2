// Where nodes stand: a column for the features of a layer, and one for what reads them.

const pitch = 44; // from one node of a column to the next
const half = 16; // of a node but a logit
const below = 25; // from the middle of a row to the way between it and the next
const logitWidth = 168;
const headroom = 46; // for what stands over a column

/** Return the columns from the input upwards, each with its nodes that are shown. */
function columnsOf(graph, shown) {
  const columns = [];
  for (let layer = 1; layer <= graph.depth; layer += 1) {
    const here = graph.nodes.filter((node) => node.layer === layer);
    const features = here.filter((node) => node.kind === "feature");
    const last = layer === graph.depth;
    const of = last ? "" : `of state ${layer}`; // columns may be narrow
    columns.push(
      { title: "Features", of: `of layer ${layer}`, all: features },
      { title: last ? "Logits" : "Forms", of, all: here.filter((node) => node.kind !== "feature") },
    );
  }
  for (const column of columns) column.nodes = column.all.filter((node) => shown.nodes.has(node));
  return columns.filter((column) => column.all.length);
}

/** Place all nodes that are shown, as wide as there is room for, or wider. */
function layoutOf(graph, shown, room) {
  const columns = columnsOf(graph, shown);
  const most = Math.max(...columns.map((column) => column.nodes.length));
  const logits = columns.at(-1).nodes.length;
  const rows = Math.min(18, Math.max(12, Math.ceil(most / 9), logits));
  const heights = new Map();
  // What features stand beside is placed first.
  for (const column of columns.toReversed()) {
    if (column.title === "Features") column.nodes = besideReaders(column.nodes, shown, heights);
    column.lines = inLines(column.nodes, rows, shown);
    column.deep = Math.max(1, ...column.lines.map((line) => line.length));
    column.width = column.title === "Logits" ? logitWidth : Math.max(72, column.deep * pitch);
    column.lines.forEach((line, place) => {
      for (const node of line) heights.set(node, ((place + 0.5) * rows) / column.lines.length);
    });
  }
  const taken = columns.reduce((sum, column) => sum + column.width, 0);
  const gaps = Math.max(1, columns.length - 1);
  const gap = Math.max(52, Math.min(190, (room - taken) / gaps));
  const places = new Map();
  let left = 0;
  for (const column of columns) {
    column.left = left;
    for (const line of column.lines) {
      // The strongest stands next to its readers.
      line.forEach((node, place) => {
        const wide = node.kind === "logit";
        const behind = line.length - place - 1;
        places.set(node, {
          x: left + column.width - (wide ? logitWidth / 2 : (behind + 0.5) * pitch),
          y: headroom + heights.get(node) * pitch,
          half: wide ? logitWidth / 2 : half,
          first: place === 0,
          last: behind === 0,
          column: columns.indexOf(column),
          left,
          right: left + column.width,
        });
      });
    }
    left += column.width + gap;
  }
  return { columns, places, width: left - gap, height: headroom + rows * pitch + 38 };
}

/** Order features by the height of those that read them, so that edges cross little. */
function besideReaders(nodes, shown, heights) {
  const centre = (node) => {
    let [sum, weight] = [0, 1e-300];
    for (const edge of node.outgoing) {
      if (!shown.nodes.has(edge.target)) continue;
      const size = shown.size(edge);
      sum += size ** 2 * heights.get(edge.target);
      weight += size ** 2;
    }
    return sum / weight;
  };
  const centres = new Map(nodes.map((node) => [node, centre(node)]));
  return nodes.toSorted((first, second) => centres.get(first) - centres.get(second));
}

function inLines(nodes, rows, shown) {
  const lines = Array.from({ length: Math.min(rows, nodes.length) }, () => []);
  nodes.forEach((node, place) => {
    lines[Math.floor((place * lines.length) / nodes.length)].push(node);
  });
  const strongest = (node) => Math.max(0, ...node.outgoing.map(shown.size));
  return lines.map((line) => line.toSorted((a, b) => strongest(a) - strongest(b)));
}

/** Return the line of an edge between two places, which runs behind no other node. */
function curve(source, target) {
  const [x1, x2] = [source.x + source.half - 2, target.x - target.half + 2];
  let line = `M${x1} ${source.y}`;
  let [x, y] = [x1, source.y];
  const to = (nextX, nextY) => {
    const bend = Math.max(6, (nextX - x) / 2);
    line += `C${x + bend} ${y} ${nextX - bend} ${nextY} ${nextX} ${nextY}`;
    [x, y] = [nextX, nextY];
  };
  const along = (nextX) => {
    line += `H${nextX}`;
    x = nextX;
  };
  if (!source.last) {
    to(x1 + 10, source.y + below);
    along(source.right);
  }
  if (target.column > source.column + 1) {
    to(source.right + 24, headroom - 3);
    along(target.left - 24);
  }
  to(Math.max(target.left, x + 12), target.first ? target.y : target.y + below - pitch);
  if (target.first) along(x2);
  else {
    along(x2 - 10);
    to(x2, target.y);
  }
  return line;
}

/** Return the nearest node in a direction: far along it counts less than far beside it. */
function neighbourTowards(places, node, [right, down]) {
  const here = places.get(node);
  let [best, nearest] = [Infinity, null];
  for (const [other, place] of places) {
    const [x, y] = [place.x - here.x, place.y - here.y];
    const along = x * right + y * down;
    if (along < 4) continue;
    const distance = along + 3 * Math.abs(x * down + y * right);
    if (distance < best) [best, nearest] = [distance, other];
  }
  return nearest;
}
