// Arrays that the page carries, unpacked to the last bit.

const kinds = {
  uint8: Uint8Array,
  int8: Int8Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** Unpack an array; the first bytes of all numbers stand together, then the second ones. */
async function unpacked(found) {
  const text = atob(found.bytes);
  const compressed = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const kind = kinds[found.dtype];
  const size = kind.BYTES_PER_ELEMENT;
  const count = planes.length / size;
  const bytes = new Uint8Array(planes.length);
  for (let place = 0; place < planes.length; place += 1) {
    bytes[(place % count) * size + Math.floor(place / count)] = planes[place];
  }
  return inOrder(bytes, kind);
}

/** Read little-endian bytes on any machine. */
function inOrder(bytes, kind) {
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  const size = kind.BYTES_PER_ELEMENT;
  if (!little)
    for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse();
  return new kind(bytes.buffer);
}

/** Return the rows of an unpacked array. */
function rowsOf(array, length) {
  const rows = [];
  for (let at = 0; at < array.length; at += length) rows.push(array.subarray(at, at + length));
  return rows;
}
