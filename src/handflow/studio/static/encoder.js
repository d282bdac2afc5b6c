// A worker that turns pictures into JPEG. In a page that is covered the browser would put that off by a second.

const QUALITY = 0.8;
const HEADER = 8; // bytes: when the picture was taken, seconds, float64 little-endian
let canvas = new OffscreenCanvas(1, 1);

onmessage = async ({ data: { picture, width, height, time, run } }) => {
  let bytes = null; // null: it could not be encoded, the next one may be
  try {
    bytes = await encoded(picture, width, height, time);
  } finally {
    picture.close();
    postMessage({ bytes, run }, bytes ? [bytes] : []);
  }
};

async function encoded(picture, width, height, time) {
  if (canvas.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d", { alpha: false }).drawImage(picture, 0, 0, width, height);
  const jpeg = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
  const bytes = new Uint8Array(HEADER + jpeg.size);
  new DataView(bytes.buffer).setFloat64(0, time / 1000, true);
  bytes.set(new Uint8Array(await jpeg.arrayBuffer()), HEADER);
  return bytes.buffer;
}
