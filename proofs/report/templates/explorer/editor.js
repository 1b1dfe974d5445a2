// An image of the reader's own: drawn or edited with a pen, kept in the address as bytes of ink.

/** Return a text that an address may hold, for bytes of ink. */
function inkText(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Return the bytes of such a text, or null where it is none of so many. */
function inkBytes(text, inputs) {
  try {
    const read = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return read.length === inputs ? Uint8Array.from(read, (one) => one.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}

/** Build the sheet to draw on; `act` is told of the ink, and when a stroke ends. */
function drawingSheet(size, act) {
  const { rows } = size;
  const coloured = size.kind === "colour";
  const columns = coloured ? size.columns / 3 : size.columns;
  const sheet = element("canvas", {
    id: "sheet",
    tabindex: "0",
    role: "application",
    "aria-label": "Drawing sheet: arrow keys move the pen, Space draws, Delete erases",
  });
  let bytes = new Uint8Array(rows * size.columns);
  let pen = { row: Math.floor(rows / 2), column: Math.floor(columns / 2) };
  let last = null; // where a stroke is
  let erasing = false;
  let waiting = 0;

  /** Return the inputs at a place: one, or one a channel, which stand beside one another. */
  const inputsAt = (place) => {
    const start = Math.floor(place / columns) * size.columns + (place % columns);
    const places = coloured ? [0, 1, 2].map((channel) => start + channel * columns) : [start];
    return size.order ? places.map((one) => size.order[one]) : places;
  };
  const paint = () => {
    const focused = document.activeElement === sheet;
    draw(sheet, rows, columns, (place) => {
      if (focused && place === pen.row * columns + pen.column) return [255, 170, 0];
      const shown = inputsAt(place).map((input) => bytes[input]);
      return coloured ? shown : ink(shown[0] / 255);
    });
  };
  sheet.redraw = paint;

  function dab(x, y, erase) {
    for (let row = Math.max(0, Math.floor(y - 2)); row < Math.min(rows, y + 2); row += 1) {
      for (let column = Math.max(0, Math.floor(x - 2)); column < Math.min(columns, x + 2); column += 1) {
        const far = Math.hypot(column + 0.5 - x, row + 0.5 - y);
        lay(inputsAt(row * columns + column), Math.min(1, Math.max(0, 1.6 - far)), erase);
      }
    }
  }

  /** Lay so much ink on the inputs at a place, of the colour that is chosen if they have one. */
  function lay(inputs, amount, erase) {
    const whole = inkOf(brush.value);
    inputs.forEach((input, channel) => {
      const there = bytes[input];
      const much = Math.round(255 * amount);
      if (erase) bytes[input] = Math.min(there, 255 - much);
      else if (coloured) bytes[input] = Math.round(there + amount * (whole[channel] - there));
      else bytes[input] = Math.max(there, much);
    });
  }

  function strokeTo(event) {
    const box = sheet.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * columns;
    const y = ((event.clientY - box.top) / box.height) * rows;
    const from = last ?? { x, y };
    const parts = Math.max(1, Math.ceil(Math.hypot(x - from.x, y - from.y) / 0.3));
    for (let part = 1; part <= parts; part += 1) {
      const along = part / parts;
      dab(from.x + along * (x - from.x), from.y + along * (y - from.y), erasing);
    }
    last = { x, y };
    paint();
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => act.ink(bytes, { settled: false }));
  }

  sheet.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    sheet.focus({ preventScroll: true });
    erasing = event.button === 2 || byId("eraser").checked;
    last = null;
    strokeTo(event);
    // The sheet is taken out and put back with every change, so the window follows the pen.
    const end = () => {
      removeEventListener("pointermove", strokeTo);
      cancelAnimationFrame(waiting);
      act.ink(bytes, { settled: true });
    };
    addEventListener("pointermove", strokeTo);
    addEventListener("pointerup", end, { once: true });
  });
  sheet.addEventListener("keydown", (event) => {
    const direction = arrows[event.key];
    if (direction) {
      const within = (at, most) => Math.min(most - 1, Math.max(0, at));
      pen = {
        row: within(pen.row + direction[1], rows),
        column: within(pen.column + direction[0], columns),
      };
      paint();
    } else if (event.key === " " || event.key === "Delete" || event.key === "Backspace") {
      dab(pen.column + 0.5, pen.row + 0.5, event.key !== " ");
      act.ink(bytes, { settled: true });
    } else return;
    event.preventDefault();
  });
  sheet.addEventListener("focus", paint);
  sheet.addEventListener("blur", paint);
  const eraser = element("input", { type: "checkbox", id: "eraser" });
  const brush = element("input", { type: "color", id: "brush", value: "#d03030" });

  /** Lay ink on the sheet and return what stands on the page of a digit. */
  function render(given) {
    bytes = given;
    paint();
    const colour = coloured ? element("label", {}, brush, " colour") : null;
    return [sheet, colour, element("label", {}, eraser, coloured ? " black" : " eraser")].filter(Boolean);
  }
  return { render };
}

/** Return the buttons that begin, clear and end drawing, and the sheet. */
function editing({ digits, pass, chosen, act }) {
  const { shape } = digits;
  if (!canBeDrawn(shape)) return [];
  const button = (id, text, click) =>
    element("button", { type: "button", class: "tool", id, click }, text);
  const blank = () => act.ink(new Uint8Array(pass.pixels.length), { settled: true });
  if (!chosen.ink) {
    const copy = () => act.ink(asBytes(pass.pixels), { settled: true });
    return [
      element(
        "div",
        { class: "choose" },
        button("edit", `Edit this ${shape.noun}`, copy),
        button("blank", "Draw one", blank),
      ),
    ];
  }
  const back = () => act.step({ ink: null });
  return [
    element("div", { class: "sheet" }, ...act.sheet(inkBytes(chosen.ink, pass.pixels.length))),
    element(
      "div",
      { class: "choose" },
      button("blank", "Clear", blank),
      button("edit", `Back to ${shape.noun} ${chosen.digit}`, back),
    ),
  ];
}

function canBeDrawn({ kind }) {
  return kind === "picture" || kind === "colour";
}

/** Return the three bytes of a colour as its field has it, such as #d03030. */
function inkOf(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}

function asBytes(pixels) {
  return Uint8Array.from(pixels, (pixel) => Math.round(255 * Math.min(1, Math.max(0, pixel))));
}
