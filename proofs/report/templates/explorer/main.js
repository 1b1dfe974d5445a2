// The explorer: what was chosen, what follows from it, and who shows it.

async function explore() {
  const data = JSON.parse(byId("explorer-data").textContent);
  const inputs = data.sizes[0] - 1;
  const [directions, patterns, pixels, outputs] = await Promise.all(
    [data.directions, data.pictures, data.digits.pixels, data.digits.outputs].map(unpacked),
  );
  const graph = compiled(data, rowsOf(directions, inputs + 1));
  const pictures = rowsOf(patterns, inputs);
  const digits = {
    ...data.digits,
    called: (label) => className(label, data),
    places: new Map(data.digits.indices.map((index, place) => [index, place])),
    pixels: rowsOf(asFloats(pixels), inputs),
    outputs: rowsOf(outputs, graph.logits.length),
  };
  const first = firstChoices(graph, digits);
  let chosen = choicesIn(location.hash, first, graph, digits);
  let known = null; // what follows from the choices

  const act = {
    choose(changes) {
      chosen = { ...chosen, ...changes };
      history.replaceState(null, "", addressOf(chosen, first));
      act.refresh();
    },
    open(node) {
      act.choose({ node: node.key });
      byId("panel").scrollTop = 0;
      byId("panel").querySelector("h3").focus({ preventScroll: !narrow.matches });
    },
    close() {
      const node = graph.byKey.get(chosen.node);
      act.choose({ node: null });
      if (node) view.focus(node);
    },
    toggle(node) {
      if (!canBeSwitchedOff(node)) return say(`The ${nameOf(node)} cannot be switched off.`);
      const off = new Set(chosen.off);
      if (!off.delete(node.key)) off.add(node.key);
      act.choose({ off });
      return say(`${capital(nameOf(node))} is ${off.has(node.key) ? "off" : "on"}.`);
    },
    pick(index) {
      picker.turnTo(index);
      act.choose({ digit: index, label: null, against: first.against });
    },
    /** Show so much that a node is among it. */
    reveal(node) {
      const { shares } = known;
      if (chosen.edges === "digit") {
        act.choose({ carry: carries.find((part) => carrying(graph, shares, part).nodes.has(node)) });
      } else act.choose({ threshold: steps.findLast((least) => shownAt(graph, least).nodes.has(node)) });
    },
    digit: () => chosen.digit,
    thumbnail(node) {
      const pattern = isConstant(node) || node.kind === "logit" ? null : patternOf(node, pictures);
      return pattern
        ? signedPicture(pattern.numbers, digits.shape)
        : element("span", { class: "blank" }, isConstant(node) ? "1" : String(node.index));
    },
    refresh() {
      const image = digits.pixels[digits.places.get(chosen.digit)];
      const pass = forwardPass(graph, image, chosen.off);
      const whole = chosen.off.size ? forwardPass(graph, image, new Set()) : pass;
      const { label, against } = questionOf(pass, chosen);
      const shares = sharesOf(graph, pass, label, against);
      const shown =
        chosen.edges === "digit"
          ? carrying(graph, shares, chosen.carry)
          : shownAt(graph, chosen.threshold);
      known = { graph, data, digits, pictures, shown, pass, whole, shares, chosen, act };
      keepingFocus(() => {
        showControls(known);
        picker.render(chosen);
        view.render(shown, pass, shares, chosen);
        const node = graph.byKey.get(chosen.node);
        byId("panel").replaceChildren(...(node ? nodePage(node, known) : digitPage(known)));
      });
    },
  };
  byId("explorer").hidden = false;
  const view = graphView(graph, pictures, digits.shape, act);
  const picker = digitPicker(graph, digits, act);
  listen(act, () => {
    chosen = choicesIn(location.hash, first, graph, digits);
    picker.turnTo(chosen.digit);
    act.refresh();
  });
  picker.turnTo(chosen.digit);
  act.refresh();
  byId("explorer").dataset.ready = "true";
}

/** Give the focus back to what takes the place of the element that had it. */
function keepingFocus(render) {
  const focused = document.activeElement;
  const part = focused.closest("#thumbs, #panel")?.id;
  let heir = focused.id && `#${focused.id}`;
  if (part && focused.dataset.digit) heir = `#${part} [data-digit="${focused.dataset.digit}"]`;
  if (part && focused.classList.contains("switch")) heir = "#panel .switch";
  render();
  if (heir && document.activeElement !== focused) {
    document.querySelector(heir)?.focus({ preventScroll: true });
  }
}

const narrow = matchMedia("(max-width: 60rem)");

/** The pixels as the network sees them: a byte over 255, in single precision. */
function asFloats(pixels) {
  return pixels instanceof Uint8Array
    ? Float32Array.from(pixels, (byte) => Math.fround(byte / 255))
    : pixels;
}

function say(words) {
  byId("said").textContent = words;
}

function listen(act, reread) {
  byId("threshold").addEventListener("input", (event) => {
    act.choose({ threshold: steps[Number(event.target.value)] });
  });
  byId("carry").addEventListener("input", (event) => {
    act.choose({ carry: carries[Number(event.target.value)] });
  });
  for (const choice of document.getElementsByName("meaning")) {
    choice.addEventListener("change", () => act.choose({ edges: choice.value }));
  }
  byId("on").addEventListener("click", () => {
    act.choose({ off: new Set() });
    document.querySelector(".controls [type=range]:not([hidden] *)").focus();
  });
  byId("explorer").addEventListener("keydown", (event) => {
    if (event.key === "Escape") act.close();
  });
  addEventListener("hashchange", reread);
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(act.refresh, 100);
  });
}

try {
  await explore();
} catch (error) {
  byId("explorer").hidden = true;
  byId("unexplored").hidden = false;
  throw error;
}
