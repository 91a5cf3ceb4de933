// What the JavaScript of @vladmandic/face-api answers: node face_api_oracle.mjs PACKAGE PICTURES.json
// PICTURES.json: [{"name", "height", "width", "file" (RGB bytes), "faces": null or true}], written by face_api.py.
// Prints one JSON object. The library takes node for a browser while `process` is hidden, and needs no package.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , folder, list] = process.argv;
const node = globalThis.process;
globalThis.process = undefined;
const faceapi = await import(pathToFileURL(`${folder}/dist/face-api.esm.js`).href);
globalThis.process = node;
const { tf } = faceapi;
tf.env().setPlatform("node", { fetch: () => { throw new Error("offline"); }, now: () => performance.now(),
  encode: (text) => new TextEncoder().encode(text), decode: (bytes) => new TextDecoder().decode(bytes),
  isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView) });
class Absent {}
faceapi.env.setEnv({ Canvas: Absent, CanvasRenderingContext2D: Absent, Image: Absent, ImageData: Absent, Video: Absent,
  createCanvasElement: () => new Absent(), createImageElement: () => new Absent(), fetch: () => { throw new Error("offline"); },
  readFile: (path) => readFileSync(path) });
await tf.setBackend("cpu");
await tf.ready();

async function load(net, name) {
  const manifest = JSON.parse(readFileSync(`${folder}/model/${name}-weights_manifest.json`));
  const bytes = (paths) => paths.map((path) => { const b = readFileSync(`${folder}/model/${path.split("/").pop()}`);
    return b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength); });
  net.loadFromWeightMap(await tf.io.weightsLoaderFactory(async (paths) => bytes(paths))(manifest, ""));
}
await load(faceapi.nets.ssdMobilenetv1, "ssd_mobilenetv1_model");
await load(faceapi.nets.ageGenderNet, "age_gender_model");

async function ageAndGender(pixels) {
  const { age, gender, genderProbability } = await faceapi.nets.ageGenderNet.predictAgeAndGender(pixels);
  return { age, woman: gender === "female" ? genderProbability : 1 - genderProbability };
}

const answers = {};
for (const { name, height, width, file, whole } of JSON.parse(readFileSync(list))) {
  const pixels = tf.tensor3d(new Uint8Array(readFileSync(file)), [height, width, 3], "int32");
  if (whole) {
    answers[name] = [await ageAndGender(pixels)];
    continue;
  }
  answers[name] = [];
  for (const found of await faceapi.nets.ssdMobilenetv1.locateFaces(pixels)) {
    const { x, y, width: across, height: down } = found.box;
    const clipped = found.box.floor().clipAtImageBorders(width, height);
    const face = tf.slice3d(pixels, [clipped.y, clipped.x, 0], [clipped.height, clipped.width, 3]);
    answers[name].push({ box: [x, y, x + across, y + down], score: found.score, ...await ageAndGender(face) });
  }
}
console.log(JSON.stringify({ version: faceapi.version.faceapi ?? faceapi.version, tfjs: tf.version_core, answers }));
